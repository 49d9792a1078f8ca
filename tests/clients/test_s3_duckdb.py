"""DuckDB on a warehouse in a bucket, with a key of its own."""

import os

import duckdb
import pytest
from duckdb_extensions import import_extension


@pytest.fixture
def sql(uri, ns, tmp_path):
    connection = duckdb.connect(config={"extension_directory": str(tmp_path)})
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension, con=connection)
        connection.execute(f"LOAD {extension}")
    connection.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{os.environ['S3_ACCESS_KEY_ID']}',"
        f" SECRET '{os.environ['S3_SECRET_ACCESS_KEY']}', REGION '{os.environ['S3_REGION']}',"
        f" ENDPOINT '{os.environ['S3_ENDPOINT'].removeprefix('http://')}', URL_STYLE 'path', USE_SSL false)"
    )
    connection.execute(
        f"ATTACH 'lake' AS weir (TYPE iceberg, ENDPOINT '{uri}/catalog', AUTHORIZATION_TYPE 'none',"
        " ACCESS_DELEGATION_MODE 'none')"
    )
    connection.execute(f"CREATE SCHEMA weir.{ns}")

    def run(statement):
        return connection.execute(statement.replace("@", f"weir.{ns}.")).fetchall()

    return run


def test_rows_are_inserted_and_read_back(sql):
    sql("CREATE TABLE @cities (id BIGINT, city VARCHAR)")
    sql("INSERT INTO @cities VALUES (1, 'Oslo'), (2, 'Pune')")
    sql("INSERT INTO @cities VALUES (3, 'Quito')")

    assert sql("SELECT * FROM @cities ORDER BY id") == [(1, "Oslo"), (2, "Pune"), (3, "Quito")]


def test_many_rows_are_updated_and_deleted(sql):
    sql("CREATE TABLE @numbers AS SELECT range AS id, 'old' AS state FROM range(100000)")
    sql("UPDATE @numbers SET state = 'new' WHERE id = 3")
    sql("DELETE FROM @numbers WHERE id > 5")

    assert sql("SELECT id, state FROM @numbers WHERE id >= 3 ORDER BY id") == [(3, "new"), (4, "old"), (5, "old")]
