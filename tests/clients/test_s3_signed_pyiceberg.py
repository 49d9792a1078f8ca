"""PyIceberg with s3fs on a bucket that makes no keys: the catalog signs each of its requests."""

import os

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import SignError

# PyIceberg shares one file system among its threads, and each thread that begins takes the signer off it for a moment: what
# another sends just then goes out unsigned.
os.environ["PYICEBERG_MAX_WORKERS"] = "1"

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "city": ["Oslo", "Pune", "Quito"]})
MORE = pa.table({"id": pa.array([4, 5], pa.int64()), "city": ["Rome", "Suva"]})


@pytest.fixture
def catalog(uri, ns):
    catalog = load_catalog(
        "weir", **{"type": "rest", "uri": f"{uri}/catalog", "warehouse": "lake",
                   "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",
                   "header.X-Iceberg-Access-Delegation": "remote-signing"}
    )
    catalog.create_namespace(ns)
    return catalog


def ids(table):
    return sorted(table.scan().to_arrow()["id"].to_pylist())


def test_rows_are_written_read_replaced_and_deleted(catalog, ns):
    table = catalog.create_table(f"{ns}.cities", schema=ROWS.schema)
    assert "s3.access-key-id" not in table.io.properties
    table.append(ROWS)
    table.append(MORE)
    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3, 4, 5]

    table.delete("id < 3")
    assert ids(catalog.load_table(f"{ns}.cities")) == [3, 4, 5]

    table.overwrite(ROWS)
    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3]


def test_a_file_that_is_larger_than_one_part_is_written_and_read(catalog, ns):
    table = catalog.create_table(f"{ns}.cities", schema=ROWS.schema)
    place = f"{table.location()}/data/large"
    large = bytes(range(256)) * (60 << 12)  # More than s3fs sends in one request.

    with table.io.new_output(place).create() as file:
        file.write(large)

    with table.io.new_input(place).open() as file:
        assert file.read() == large


def test_next_door_nothing_is_signed(catalog, ns):
    far = catalog.create_table(f"{ns}.far", schema=ROWS.schema)
    far.append(ROWS)
    theirs = far.current_snapshot().manifest_list
    near = catalog.create_table(f"{ns}.near", schema=ROWS.schema)
    near.append(ROWS)

    with near.io.new_input(near.current_snapshot().manifest_list).open() as file:
        assert file.read()
    with pytest.raises(SignError, match="403"):
        with near.io.new_input(theirs).open() as file:
            file.read()
    with pytest.raises(SignError, match="403"):
        with near.io.new_output(f"{far.location()}/data/mine").create() as file:
            file.write(b"rows")
    assert ids(catalog.load_table(f"{ns}.far")) == [1, 2, 3]
