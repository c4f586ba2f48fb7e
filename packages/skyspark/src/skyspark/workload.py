"""What ``skyspark warm`` runs so that Java loads the classes a typical application needs."""

import sys
from pathlib import Path

from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

from skyspark import get_spark
from skyspark.load import (
    merge_delta_table,
    save_delta_table,
    save_delta_table_clustered,
    save_table_metadata,
)


def main(folder: Path) -> None:
    """Write, merge and read some tables, and read the usual file formats.

    Args:
        folder: Where files may be written.
    """
    spark = get_spark("skyspark warm")
    rows = spark.createDataFrame([(1, "a", 1.5), (2, "b", None)], "id int, name string, amount double")
    save_delta_table(rows, "warm.partitioned", ["name"])
    save_delta_table(rows, "warm.partitioned", mode="append")
    save_delta_table(rows, "warm.partitioned", replaceWhere="name IN ('a', 'b')")
    save_delta_table_clustered(rows, "warm.clustered", ["id"])
    for _ in range(2):
        merge_delta_table(rows, "warm.merged", ["id"])
        merge_delta_table(rows, "warm.history", ["id"], scd_type=2)
    save_table_metadata("warm.merged", comment="made by skyspark warm")
    counted = spark.table("warm.partitioned").groupBy("name").agg(F.count("*").alias("n"), F.avg("amount"))
    joined = counted.join(spark.table("warm.merged"), "name").orderBy(F.col("n").desc())
    joined.select("name", F.explode(F.split("name", ",")), F.current_timestamp()).collect()
    for kind in ("json", "csv", "parquet"):
        rows.write.format(kind).save(str(folder / kind))
        spark.read.schema(rows.schema).format(kind).load(str(folder / kind)).collect()
    document = folder / "rows.xml"
    document.write_text('<rows><row Id="1" /></rows>')
    spark.read.schema("_Id int").format("xml").option("rowTag", "row").load(str(document)).collect()
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
