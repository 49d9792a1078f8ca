"""A box that collects readings: anybody may write, nobody may drop what the sensors sent."""

import os

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError

uri = os.environ.get("WEIR_URI", "http://127.0.0.1:8181") + "/catalog"
catalog = load_catalog("edge", type="rest", uri=uri, warehouse="default")

readings = pa.table({"sensor": pa.array(["a", "b"]), "celsius": pa.array([21.5, 19.0], pa.float64())})
for namespace in ("raw", "scratch"):
    catalog.create_namespace_if_not_exists(namespace)
    catalog.create_table_if_not_exists(f"{namespace}.readings", schema=readings.schema).append(readings)

catalog.drop_table("scratch.readings")
try:
    catalog.drop_table("raw.readings")
except ForbiddenError as refused:
    print(f"as it should be: {refused}")
else:
    raise SystemExit("the policy did not hold")
print(catalog.load_table("raw.readings").scan().to_arrow())
