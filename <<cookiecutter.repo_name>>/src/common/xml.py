"""Reading the XML files of a Stack Exchange dump."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType


def read_rows(spark: SparkSession, path: str, schema: StructType) -> DataFrame:
    """Read the `<row .../>` elements of a file.

    Args:
        spark: the session.
        path: the file, or a folder of such files.
        schema: the attributes to read. One that a row lacks is null.
    """
    return (
        spark.read.format("xml")
        .option("rowTag", "row")
        .option("attributePrefix", "")
        .option("mode", "FAILFAST")
        .schema(schema)
        .load(path)
    )
