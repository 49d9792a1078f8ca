"""DuckDB on a warehouse in a bucket of which it knows nothing: the catalog vends keys for one table each."""

import duckdb
import pytest
import requests
from duckdb_extensions import import_extension


def connect(folder, *extensions):
    connection = duckdb.connect(config={"extension_directory": str(folder)})
    for extension in extensions:
        import_extension(extension, con=connection)
        connection.execute(f"LOAD {extension}")
    return connection


@pytest.fixture
def connection(uri, ns, tmp_path):
    connection = connect(tmp_path, "httpfs", "avro", "iceberg")
    connection.execute(
        f"ATTACH 'lake' AS weir (TYPE iceberg, ENDPOINT '{uri}/catalog', AUTHORIZATION_TYPE 'none',"
        " ACCESS_DELEGATION_MODE 'vended_credentials')"
    )
    connection.execute(f"CREATE SCHEMA weir.{ns}")
    return connection


@pytest.fixture
def sql(connection, ns):
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


def test_two_tables_are_joined_each_with_its_own_keys(sql):
    sql("CREATE TABLE @cities AS SELECT 1 AS id, 'Oslo' AS city")
    sql("CREATE TABLE @visits AS SELECT 1 AS city_id, 7 AS days")

    assert sql("SELECT city, days FROM @cities JOIN @visits ON id = city_id") == [("Oslo", 7)]


def test_the_keys_of_one_table_open_nothing_next_door(sql, uri, prefix, ns, tmp_path):
    sql("CREATE TABLE @near AS SELECT 1 AS id")
    sql("CREATE TABLE @far AS SELECT 2 AS id")
    tables = f"{uri}/catalog/v1/{prefix}/namespaces/{ns}/tables"
    asking = {"X-Iceberg-Access-Delegation": "vended-credentials"}
    near = requests.get(f"{tables}/near", headers=asking, timeout=30).json()
    far = requests.get(f"{tables}/far", timeout=30).json()
    given = near["storage-credentials"][0]["config"]
    endpoint = near["config"]["s3.endpoint"].removeprefix("http://")
    # Another DuckDB, which has no keys but these: the one above keeps those of each table that it has used.
    connection = connect(tmp_path, "httpfs")
    connection.execute(
        f"CREATE SECRET near (TYPE s3, KEY_ID '{given['s3.access-key-id']}', SECRET '{given['s3.secret-access-key']}',"
        f" SESSION_TOKEN '{given['s3.session-token']}', REGION '{near['config']['s3.region']}',"
        f" ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false, SCOPE 's3://lake')"
    )

    def read(location):
        return connection.execute(f"SELECT content FROM read_text('{location}')").fetchall()

    assert "metadata" in near and "format-version" in read(near["metadata-location"])[0][0]
    with pytest.raises(duckdb.Error, match="403|Forbidden"):
        read(far["metadata-location"])
    with pytest.raises(duckdb.Error, match="403|Forbidden"):
        connection.execute(f"COPY (SELECT 3 AS id) TO '{far['metadata']['location']}/data/mine.parquet'")
