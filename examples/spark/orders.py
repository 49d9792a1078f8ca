"""Spark on tables of the catalog: written, changed in place, read as they were."""

import os

from pyspark.sql import SparkSession

CATALOG = "spark.sql.catalog.weir"
ICEBERG = "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0"

builder = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config(CATALOG, "org.apache.iceberg.spark.SparkCatalog")
    .config(f"{CATALOG}.type", "rest")
    .config(f"{CATALOG}.uri", os.environ.get("WEIR_URI", "http://127.0.0.1:8181") + "/catalog")
    .config(f"{CATALOG}.warehouse", os.environ.get("WEIR_WAREHOUSE", "default"))
)
# Spark fetches Iceberg's runtime by itself, unless a jar is named.
if "ICEBERG_JAR" in os.environ:
    builder = builder.config("spark.jars", os.environ["ICEBERG_JAR"])
else:
    builder = builder.config("spark.jars.packages", ICEBERG)
spark = builder.getOrCreate()

spark.sql("CREATE NAMESPACE IF NOT EXISTS weir.spark")
spark.sql("DROP TABLE IF EXISTS weir.spark.orders")
spark.sql("CREATE TABLE weir.spark.orders (id BIGINT, day DATE, amount DOUBLE) USING iceberg PARTITIONED BY (months(day))")
spark.sql("INSERT INTO weir.spark.orders VALUES (1, DATE'2026-01-05', 9.5), (2, DATE'2026-02-07', 20.0)")
before = spark.sql("SELECT snapshot_id FROM weir.spark.orders.snapshots").first()[0]
spark.sql(
    "MERGE INTO weir.spark.orders o USING (SELECT 2 AS id, DATE'2026-02-07' AS day, 21.0 AS amount"
    " UNION ALL SELECT 3, DATE'2026-02-09', 3.25) n ON o.id = n.id"
    " WHEN MATCHED THEN UPDATE SET amount = n.amount WHEN NOT MATCHED THEN INSERT *"
)

spark.table("weir.spark.orders").orderBy("id").show()
assert spark.table("weir.spark.orders").count() == 3
assert spark.sql(f"SELECT count(*) FROM weir.spark.orders VERSION AS OF {before}").first()[0] == 2
spark.stop()
