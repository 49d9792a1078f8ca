"""A table's first minutes: created, filled, grown, read as it was before."""

import os
import pathlib
import time

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.types import StringType

properties = {
    "type": "rest",
    "uri": os.environ.get("WEIR_URI", "http://127.0.0.1:8181") + "/catalog",
    "warehouse": os.environ.get("WEIR_WAREHOUSE", "default"),
}
# Where the catalog asks who calls. Keys for the storage are nobody's business: the catalog hands them out with each table.
if "WEIR_TOKEN_URI" in os.environ:
    secret = pathlib.Path(os.environ["WEIR_CLIENT_SECRET_FILE"]).read_text().strip()
    properties |= {
        "oauth2-server-uri": os.environ["WEIR_TOKEN_URI"],
        "credential": f"quickstart:{secret}",
        # PyIceberg asks for `catalog` otherwise, which Keycloak refuses because its realm has no such scope.
        "scope": "openid",
    }
catalog = load_catalog("weir", **properties)

namespace = f"quickstart_{int(time.time())}"
catalog.create_namespace(namespace)

orders = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "amount": pa.array([9.5, 20.0, 3.25], pa.float64())})
table = catalog.create_table(f"{namespace}.orders", schema=orders.schema)
table.append(orders)
first = table.current_snapshot().snapshot_id

with table.update_schema() as schema:
    schema.add_column("country", StringType())
table = catalog.load_table(f"{namespace}.orders")
more = pa.table({
    "id": pa.array([4], pa.int64()),
    "amount": pa.array([1.0], pa.float64()),
    "country": pa.array(["DE"], pa.string()),
})
table.append(more)

assert table.scan().to_arrow().num_rows == 4
assert table.scan(snapshot_id=first).to_arrow().num_rows == 3
assert table.scan(row_filter="country = 'DE'").to_arrow()["id"].to_pylist() == [4]
print(table.scan().to_arrow().sort_by("id"))
print(f"kept under {table.location()}")
