"""PyIceberg on a warehouse in a bucket, with keys of its own."""

import os

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "city": ["Oslo", "Pune", "Quito"]})
MORE = pa.table({"id": pa.array([4, 5], pa.int64()), "city": ["Rome", "Suva"]})


@pytest.fixture
def catalog(uri, ns):
    catalog = load_catalog(
        "weir",
        **{
            "type": "rest",
            "uri": f"{uri}/catalog",
            "warehouse": "lake",
            "s3.endpoint": os.environ["S3_ENDPOINT"],
            "s3.access-key-id": os.environ["S3_ACCESS_KEY_ID"],
            "s3.secret-access-key": os.environ["S3_SECRET_ACCESS_KEY"],
            "s3.region": os.environ["S3_REGION"],
        },
    )
    catalog.create_namespace(ns)
    return catalog


def ids(table):
    return sorted(table.scan().to_arrow()["id"].to_pylist())


def test_rows_are_written_read_replaced_and_deleted(catalog, ns):
    table = catalog.create_table(f"{ns}.cities", schema=ROWS.schema)
    assert table.location().startswith("s3://lake/wh/")

    table.append(ROWS)
    table.append(MORE)
    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3, 4, 5]

    table.delete("id < 3")
    assert ids(catalog.load_table(f"{ns}.cities")) == [3, 4, 5]

    table.overwrite(ROWS)
    assert ids(catalog.load_table(f"{ns}.cities")) == [1, 2, 3]
    assert len(table.history()) >= 4


def test_a_table_is_found_again_by_its_metadata_file(catalog, ns):
    table = catalog.create_table(f"{ns}.cities", schema=ROWS.schema)
    table.append(ROWS)
    location = table.metadata_location
    catalog.drop_table(f"{ns}.cities")
    with pytest.raises(NoSuchTableError):
        catalog.load_table(f"{ns}.cities")

    again = catalog.register_table(f"{ns}.again", location)

    assert ids(again) == [1, 2, 3]
