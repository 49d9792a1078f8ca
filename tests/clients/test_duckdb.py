"""DuckDB's Iceberg extension against a running catalog, over SQL."""

import os

import duckdb
import pytest
import requests
from duckdb_extensions import import_extension


@pytest.fixture
def sql(uri, ns, tmp_path):
    connection = duckdb.connect(config={"extension_directory": str(tmp_path)})
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension, con=connection)
        connection.execute(f"LOAD {extension}")
    connection.execute(
        f"ATTACH 'default' AS weir (TYPE iceberg, ENDPOINT '{uri}/catalog', {who(connection)},"
        " ACCESS_DELEGATION_MODE 'none')"
    )
    connection.execute(f"CREATE SCHEMA weir.{ns}")

    def run(statement):
        return connection.execute(statement.replace("@", f"weir.{ns}.")).fetchall()

    return run


def who(connection):
    """How it signs in: with client credentials where the story has some."""
    if "WEIR_CREDENTIAL" not in os.environ:
        return "AUTHORIZATION_TYPE 'none'"
    client, secret = os.environ["WEIR_CREDENTIAL"].split(":")
    scope = f", OAUTH2_SCOPE '{os.environ['WEIR_SCOPE']}'" if "WEIR_SCOPE" in os.environ else ""
    connection.execute(
        f"CREATE SECRET signs_in (TYPE iceberg, CLIENT_ID '{client}', CLIENT_SECRET '{secret}',"
        f" OAUTH2_SERVER_URI '{os.environ['WEIR_TOKEN_URI']}'{scope})"
    )
    return "AUTHORIZATION_TYPE 'oauth2', SECRET signs_in"


def table(uri, prefix, ns, name):
    return requests.get(f"{uri}/catalog/v1/{prefix}/namespaces/{ns}/tables/{name}", timeout=30).json()["metadata"]


def test_rows_are_inserted_and_read_back(sql):
    sql("CREATE TABLE @cities (id BIGINT, city VARCHAR)")
    sql("INSERT INTO @cities VALUES (1, 'Oslo'), (2, 'Pune')")
    sql("INSERT INTO @cities VALUES (3, 'Quito')")

    assert sql("SELECT * FROM @cities ORDER BY id") == [(1, "Oslo"), (2, "Pune"), (3, "Quito")]


def test_a_table_is_created_from_a_query(sql):
    sql("CREATE TABLE @numbers AS SELECT range AS id FROM range(1000)")

    assert sql("SELECT count(*), sum(id) FROM @numbers") == [(1000, 499500)]


def test_rows_are_updated_and_deleted(sql):
    sql("CREATE TABLE @cities AS SELECT range AS id, 'old' AS state FROM range(10)")
    sql("UPDATE @cities SET state = 'new' WHERE id = 3")
    sql("DELETE FROM @cities WHERE id > 5")

    assert sql("SELECT id, state FROM @cities WHERE state = 'new' OR id >= 5 ORDER BY id") == [(3, "new"), (5, "old")]


def test_a_transaction_over_two_tables_commits_both(sql):
    sql("CREATE TABLE @a (id BIGINT)")
    sql("CREATE TABLE @b (id BIGINT)")

    sql("BEGIN")
    sql("INSERT INTO @a VALUES (1)")
    sql("INSERT INTO @b VALUES (2)")
    sql("COMMIT")

    assert sql("SELECT (SELECT id FROM @a), (SELECT id FROM @b)") == [(1, 2)]


def test_a_rolled_back_transaction_changes_nothing(sql):
    sql("CREATE TABLE @a (id BIGINT)")

    sql("BEGIN")
    sql("INSERT INTO @a VALUES (1)")
    sql("ROLLBACK")

    assert sql("SELECT count(*) FROM @a") == [(0,)]


def test_an_old_snapshot_is_read(sql, uri, prefix, ns):
    sql("CREATE TABLE @t (id BIGINT)")
    sql("INSERT INTO @t VALUES (1)")
    first = table(uri, prefix, ns, "t")["current-snapshot-id"]
    sql("INSERT INTO @t VALUES (2)")

    assert sql(f"SELECT id FROM @t AT (VERSION => {first})") == [(1,)]
    assert sql("SELECT count(*) FROM @t") == [(2,)]


def test_a_column_that_another_client_added_is_seen(sql, uri, prefix, ns):
    sql("CREATE TABLE @t (id BIGINT)")
    sql("INSERT INTO @t VALUES (1)")
    before = table(uri, prefix, ns, "t")
    schema = dict(before["schemas"][-1])
    schema["fields"] = [*schema["fields"], {"id": 2, "name": "note", "type": "string", "required": False}]
    updates = [{"action": "add-schema", "schema": schema}, {"action": "set-current-schema", "schema-id": -1}]
    url = f"{uri}/catalog/v1/{prefix}/namespaces/{ns}/tables/t"
    assert requests.post(url, json={"requirements": [], "updates": updates}, timeout=30).status_code == 200

    sql("INSERT INTO @t VALUES (2, 'new')")

    assert sql("SELECT * FROM @t ORDER BY id") == [(1, None), (2, "new")]


def test_tables_are_listed_and_dropped(sql, ns):
    sql("CREATE TABLE @t (id BIGINT)")

    listed = sql(f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{ns}'")
    sql("DROP TABLE @t")

    assert listed == [("t",)]
    with pytest.raises(duckdb.Error, match="does not exist"):
        sql("SELECT * FROM @t")


def test_a_schema_is_dropped(sql, uri, prefix, ns):
    sql(f"DROP SCHEMA weir.{ns}")

    assert requests.head(f"{uri}/catalog/v1/{prefix}/namespaces/{ns}", timeout=30).status_code == 404


def test_a_table_of_format_version_three_is_written(sql, uri, prefix, ns):
    sql("CREATE TABLE @t (id BIGINT) WITH ('format-version' = '3')")
    sql("INSERT INTO @t VALUES (1), (2)")
    sql("DELETE FROM @t WHERE id = 1")

    assert table(uri, prefix, ns, "t")["format-version"] == 3
    assert sql("SELECT id FROM @t") == [(2,)]
