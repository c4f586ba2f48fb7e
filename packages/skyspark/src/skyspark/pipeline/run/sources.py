"""Reading data from outside the pipeline, whole or as a stream."""

from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException

from skyspark.errors import TableNotFoundError, TransformationError
from skyspark.identifiers import TableName
from skyspark.pipeline.model import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


def read_source(spark: "SparkSession", source: Source, *, streamed: bool = False) -> "DataFrame":
    """Return the rows of a source.

    Args:
        spark: The session.
        source: What to read.
        streamed: Follow it as it grows.

    Raises:
        TableNotFoundError: There is no such table.
        TransformationError: There is no such path, or nothing there to infer columns from.
    """
    try:
        if source.table is not None:
            name = TableName.parse(source.table).sql
            reader = spark.readStream if streamed else spark.read
            return reader.options(**source.options).table(name)
        return _stream(spark, source) if streamed else _read(spark, source)
    except AnalysisException as error:
        condition = error.getCondition() or ""
        if source.table is not None and "TABLE_OR_VIEW_NOT_FOUND" in condition:
            raise TableNotFoundError(source.table, "the source does not exist.") from error
        if "PATH_NOT_FOUND" in condition or "DELTA_PATH_DOES_NOT_EXIST" in condition:
            raise TransformationError(f"the source path {source.path} does not exist.") from error
        if "UNABLE_TO_INFER_SCHEMA" in condition or "DELTA_SCHEMA_NOT_SET" in condition:
            raise TransformationError(
                f"the source path {source.path} holds nothing to infer the columns from: declare its schema."
            ) from error
        if "DELTA_TABLE_NOT_FOUND" in condition or "DELTA_MISSING_DELTA_TABLE" in condition:
            raise TransformationError(f"the source path {source.path} holds no Delta table.") from error
        raise


def _read(spark: "SparkSession", source: Source) -> "DataFrame":
    reader = spark.read.format(source.format).options(**source.options)
    if source.columns is not None:
        reader = reader.schema(source.columns)
    return reader.load(source.path)


def _stream(spark: "SparkSession", source: Source) -> "DataFrame":
    reader = spark.readStream.format(source.format).options(**source.options)
    path = source.path or ""
    if source.format != "delta":
        # Of files a stream must be told the columns: a batch read finds them once.
        columns: str | StructType = source.columns or _read(spark, source).schema
        reader = reader.schema(columns)
        if Path(path).is_file():
            # A stream follows folders only.
            path, only = str(Path(path).parent), Path(path).name
            reader = reader.option("pathGlobFilter", only)
    return reader.load(path)
