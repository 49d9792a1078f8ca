"""Spark on a warehouse in a bucket of which it knows nothing: the catalog vends keys for one table each."""

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
    jars += glob.glob(os.path.join(os.environ["SPARK_JARS"], "iceberg-aws-bundle-*.jar"))
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(jars))
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config(CATALOG, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{CATALOG}.type", "rest")
        .config(f"{CATALOG}.uri", f"{uri}/catalog")
        .config(f"{CATALOG}.warehouse", "lake")
        .config(f"{CATALOG}.io-impl", "org.apache.iceberg.aws.s3.S3FileIO")
        .config(f"{CATALOG}.header.X-Iceberg-Access-Delegation", "vended-credentials")
        .config(f"{CATALOG}.cache-enabled", "false")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def sql(spark, ns):
    spark.sql(f"CREATE NAMESPACE weir.{ns}")

    def run(statement):
        return [tuple(row) for row in spark.sql(statement.replace("@", f"weir.{ns}.")).collect()]

    return run


def test_rows_are_written_read_replaced_and_deleted(sql):
    sql("CREATE TABLE @t (id BIGINT, city STRING) USING iceberg")
    sql("INSERT INTO @t VALUES (1, 'Oslo'), (2, 'Pune'), (3, 'Quito')")
    sql("UPDATE @t SET city = 'Rome' WHERE id = 2")
    sql("DELETE FROM @t WHERE id = 3")

    assert sql("SELECT * FROM @t ORDER BY id") == [(1, "Oslo"), (2, "Rome")]


def test_a_table_is_created_from_a_query_in_one_transaction(sql):
    sql("CREATE TABLE @t USING iceberg AS SELECT id FROM range(10)")

    assert sql("SELECT count(*), sum(id) FROM @t") == [(10, 45)]


def test_the_keys_of_one_table_open_nothing_next_door(spark, sql, ns):
    sql("CREATE TABLE @far (id BIGINT) USING iceberg")
    sql("INSERT INTO @far VALUES (1)")
    sql("CREATE TABLE @near (id BIGINT) USING iceberg")
    sql("INSERT INTO @near VALUES (1)")
    theirs = sql("SELECT file_path FROM @far.files")[0][0]
    mine = sql("SELECT file_path FROM @near.files")[0][0]
    java = spark._jvm.org.apache.iceberg.spark.Spark3Util
    table = java.loadIcebergTable(spark._jsparkSession, f"weir.{ns}.near")

    assert table.io().newInputFile(mine).getLength() > 0
    with pytest.raises(Exception, match="403|Forbidden|Access"):
        table.io().newInputFile(theirs).getLength()
    with pytest.raises(Exception, match="403|Forbidden|Access"):
        stream = table.io().newOutputFile(theirs + ".mine").createOrOverwrite()
        stream.write(b"rows")
        stream.close()
