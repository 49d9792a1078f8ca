"""Spark with Iceberg's own Java client against a running catalog, for the full lane."""

import glob
import os
import sys

import pytest
from pyspark.sql import SparkSession

CATALOG = "spark.sql.catalog.weir"


@pytest.fixture(scope="session")
def spark(uri):
    package = os.path.join(sys.prefix, "lib", "python3*", "site-packages", "snowpark_connect_deps_iceberg", "jars")
    jars = glob.glob(os.path.join(package, "iceberg-spark-runtime-3.5_2.12-*.jar"))
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(jars))
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config(CATALOG, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{CATALOG}.type", "rest")
        .config(f"{CATALOG}.uri", f"{uri}/catalog")
        .config(f"{CATALOG}.warehouse", "default")
        .config(f"{CATALOG}.cache-enabled", "false")
    )
    if "WEIR_CREDENTIAL" in os.environ:
        builder = builder.config(f"{CATALOG}.credential", os.environ["WEIR_CREDENTIAL"])
        builder = builder.config(f"{CATALOG}.oauth2-server-uri", os.environ["WEIR_TOKEN_URI"])
        if "WEIR_SCOPE" in os.environ:
            builder = builder.config(f"{CATALOG}.scope", os.environ["WEIR_SCOPE"])
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def sql(spark, ns):
    spark.sql(f"CREATE NAMESPACE weir.{ns}")

    def run(statement):
        return [tuple(row) for row in spark.sql(statement.replace("@", f"weir.{ns}.")).collect()]

    return run


def test_rows_are_appended_and_read_back(sql):
    sql("CREATE TABLE @t (id BIGINT, city STRING) USING iceberg")
    sql("INSERT INTO @t VALUES (1, 'Oslo'), (2, 'Pune')")

    assert sql("SELECT * FROM @t ORDER BY id") == [(1, "Oslo"), (2, "Pune")]
    assert len(sql("SELECT * FROM @t.files")) >= 1
    assert sql("SELECT operation FROM @t.snapshots") == [("append",)]


def test_a_table_is_created_and_replaced_from_queries(sql):
    sql("CREATE TABLE @t USING iceberg AS SELECT id FROM range(10)")
    sql("CREATE OR REPLACE TABLE @t USING iceberg AS SELECT id AS number FROM range(5)")

    assert sql("SELECT count(*), sum(number) FROM @t") == [(5, 10)]
    assert len(sql("SELECT * FROM @t.history")) == 2


def test_rows_are_merged_updated_and_deleted(sql):
    sql("CREATE TABLE @t (id BIGINT, city STRING) USING iceberg")
    sql("INSERT INTO @t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    sql("UPDATE @t SET city = 'B' WHERE id = 2")
    sql("DELETE FROM @t WHERE id = 3")
    sql(
        "MERGE INTO @t t USING (SELECT 1L AS id, 'A' AS city UNION SELECT 4L, 'd') s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET city = s.city WHEN NOT MATCHED THEN INSERT *"
    )

    assert sql("SELECT * FROM @t ORDER BY id") == [(1, "A"), (2, "B"), (4, "d")]


def test_schema_and_partitions_evolve(sql):
    sql("CREATE TABLE @t (id INT, city STRING) USING iceberg")
    sql("INSERT INTO @t VALUES (1, 'Oslo')")
    sql("ALTER TABLE @t ADD COLUMN country STRING FIRST")
    sql("ALTER TABLE @t RENAME COLUMN city TO town")
    sql("ALTER TABLE @t ALTER COLUMN id TYPE BIGINT")
    sql("ALTER TABLE @t ADD PARTITION FIELD bucket(4, id)")
    sql("INSERT INTO @t VALUES ('in', 2, 'Pune')")
    sql("ALTER TABLE @t REPLACE PARTITION FIELD bucket(4, id) WITH truncate(2, town)")
    sql("ALTER TABLE @t DROP COLUMN country")
    sql("INSERT INTO @t VALUES (3, 'Quito')")

    assert sql("SELECT * FROM @t ORDER BY id") == [(1, "Oslo"), (2, "Pune"), (3, "Quito")]


def test_branches_and_tags_are_written_and_read(sql):
    sql("CREATE TABLE @t (id BIGINT) USING iceberg")
    sql("INSERT INTO @t VALUES (1)")
    sql("ALTER TABLE @t CREATE TAG v1")
    sql("ALTER TABLE @t CREATE BRANCH audit")
    sql("INSERT INTO @t.branch_audit VALUES (2)")

    assert sql("SELECT id FROM @t") == [(1,)]
    assert sql("SELECT id FROM @t VERSION AS OF 'v1'") == [(1,)]
    assert sql("SELECT count(*) FROM @t VERSION AS OF 'audit'") == [(2,)]

    sql("ALTER TABLE @t DROP BRANCH audit")
    sql("ALTER TABLE @t DROP TAG v1")
    assert sql("SELECT name FROM @t.refs") == [("main",)]


def test_old_snapshots_are_expired_by_a_procedure(sql, ns):
    sql("CREATE TABLE @t (id BIGINT) USING iceberg")
    sql("INSERT INTO @t VALUES (1)")
    sql("INSERT INTO @t VALUES (2)")
    sql(f"CALL weir.system.rewrite_data_files(table => '{ns}.t', options => map('rewrite-all', 'true'))")
    sql(f"CALL weir.system.expire_snapshots(table => '{ns}.t', older_than => TIMESTAMP '2999-01-01 00:00:00', retain_last => 1)")

    assert len(sql("SELECT * FROM @t.snapshots")) == 1
    assert sql("SELECT id FROM @t ORDER BY id") == [(1,), (2,)]


def test_a_table_is_renamed_described_and_dropped(sql, ns):
    sql("CREATE TABLE @t (id BIGINT) USING iceberg TBLPROPERTIES ('team' = 'ada')")
    # Spark takes the new name inside the same catalog, so it must not begin with the catalog's.
    sql(f"ALTER TABLE @t RENAME TO {ns}.u")

    assert sql(f"SHOW TABLES IN weir.{ns}") == [(ns, "u", False)]
    sql("DROP TABLE @u PURGE")
    assert sql(f"SHOW TABLES IN weir.{ns}") == []


def test_views_are_created_read_replaced_and_dropped(sql, ns):
    sql("CREATE TABLE @t AS SELECT id FROM range(3)")
    sql("CREATE VIEW @v AS SELECT id + 1 AS next FROM @t")

    assert sql("SELECT max(next) FROM @v") == [(3,)]
    sql("CREATE OR REPLACE VIEW @v AS SELECT count(*) AS n FROM @t")
    assert sql("SELECT n FROM @v") == [(3,)]
    sql("ALTER VIEW @v SET TBLPROPERTIES ('comment' = 'counted')")
    sql("DROP VIEW @v")
    assert sql(f"SHOW VIEWS IN weir.{ns}") == []


def test_every_format_version_is_written(sql):
    for version in (1, 2, 3):
        sql(f"CREATE TABLE @v{version} (id BIGINT) USING iceberg TBLPROPERTIES ('format-version' = '{version}')")
        sql(f"INSERT INTO @v{version} VALUES (1), (2)")
        sql(f"DELETE FROM @v{version} WHERE id = 1")
        assert sql(f"SELECT id FROM @v{version}") == [(2,)]


def test_a_version_three_table_keeps_deletion_vectors_and_row_lineage(sql):
    sql(
        "CREATE TABLE @t (id BIGINT) USING iceberg TBLPROPERTIES"
        " ('format-version' = '3', 'write.delete.mode' = 'merge-on-read')"
    )
    sql("INSERT INTO @t SELECT id FROM range(100)")
    sql("DELETE FROM @t WHERE id = 7")

    assert sql("SELECT count(*) FROM @t") == [(99,)]
    assert sql("SELECT _row_id FROM @t WHERE id = 8") == [(8,)]


def test_an_old_table_is_upgraded(sql):
    sql("CREATE TABLE @t (id BIGINT) USING iceberg TBLPROPERTIES ('format-version' = '1')")
    sql("INSERT INTO @t VALUES (1)")
    sql("ALTER TABLE @t SET TBLPROPERTIES ('format-version' = '2')")
    sql("ALTER TABLE @t SET TBLPROPERTIES ('format-version' = '3')")
    sql("INSERT INTO @t VALUES (2)")

    assert sql("SELECT id FROM @t ORDER BY id") == [(1,), (2,)]


def test_namespaces_nest_and_carry_properties(sql, ns):
    sql(f"CREATE NAMESPACE weir.{ns}.deep WITH PROPERTIES ('team' = 'ada')")

    assert sql(f"SHOW NAMESPACES IN weir.{ns}") == [(f"{ns}.deep",)]
    sql(f"DROP NAMESPACE weir.{ns}.deep")
    assert sql(f"SHOW NAMESPACES IN weir.{ns}") == []
