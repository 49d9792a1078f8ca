"""PyIceberg on a warehouse in a bucket of which it knows nothing: the catalog vends keys for one table each."""

import pyarrow as pa
import pytest
from pyarrow.fs import S3FileSystem
from pyiceberg.catalog import load_catalog

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "city": ["Oslo", "Pune", "Quito"]})
MORE = pa.table({"id": pa.array([4, 5], pa.int64()), "city": ["Rome", "Suva"]})


@pytest.fixture
def catalog(uri, ns):
    catalog = load_catalog(
        "weir", **{"type": "rest", "uri": f"{uri}/catalog", "warehouse": "lake",
                   "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}
    )
    catalog.create_namespace(ns)
    return catalog


def ids(table):
    return sorted(table.scan().to_arrow()["id"].to_pylist())


def filled(catalog, name):
    table = catalog.create_table(name, schema=ROWS.schema)
    table.append(ROWS)
    return table


def storage_of(table):
    """The bucket as whoever has the keys of the table reaches it."""
    given = table.io.properties
    return S3FileSystem(
        access_key=given["s3.access-key-id"],
        secret_key=given["s3.secret-access-key"],
        session_token=given["s3.session-token"],
        region=given["s3.region"],
        endpoint_override=given["s3.endpoint"],
        force_virtual_addressing=False,
    )


def path(location):
    return location.removeprefix("s3://")


def a_file_of(table):
    return path(table.current_snapshot().manifest_list)


def write(storage, place):
    with storage.open_output_stream(place) as file:
        file.write(b"rows")


def test_rows_are_written_read_replaced_and_deleted(catalog, ns):
    table = filled(catalog, f"{ns}.cities")
    table.append(MORE)
    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3, 4, 5]

    table.delete("id < 3")
    assert ids(catalog.load_table(f"{ns}.cities")) == [3, 4, 5]

    table.overwrite(ROWS)
    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3]


def test_a_table_that_is_created_with_its_rows_in_one_transaction_gets_keys_first(catalog, ns):
    with catalog.create_table_transaction(f"{ns}.cities", schema=ROWS.schema) as transaction:
        transaction.append(ROWS)

    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3]


def test_the_keys_of_one_table_open_nothing_next_door(catalog, ns):
    near, far = filled(catalog, f"{ns}.near"), filled(catalog, f"{ns}.far")
    storage = storage_of(near)
    assert storage.open_input_file(a_file_of(near)).read()
    write(storage, f"{path(near.location())}/data/mine")

    with pytest.raises(OSError, match="ACCESS_DENIED|403"):
        storage.open_input_file(a_file_of(far)).read()
    with pytest.raises(OSError, match="ACCESS_DENIED|403|AccessDenied"):
        write(storage, f"{path(far.location())}/data/mine")
    with pytest.raises(OSError, match="ACCESS_DENIED|403|AccessDenied"):
        write(storage, f"{path(near.location())}0/data/mine")
    with pytest.raises(OSError, match="ACCESS_DENIED|403|AccessDenied"):
        storage.delete_file(a_file_of(far))
    assert ids(far) == [1, 2, 3]
