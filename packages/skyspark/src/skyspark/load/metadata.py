"""Describing a Delta table: comments, properties and owner."""

import logging
from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from skyspark.errors import ColumnNotFoundError, TableNotFoundError, suggest
from skyspark.identifiers import TableName, quote, text
from skyspark.load.failures import translated
from skyspark.session import get_spark, on_databricks

log = logging.getLogger(__name__)


def save_table_metadata(
    table_name: str,
    *,
    schema: StructType | None = None,
    comment: str | None = None,
    properties: Mapping[str, str] | None = None,
    owner: str | None = None,
) -> None:
    """Describe an existing Delta table; only what differs is written, so that a re-run changes nothing.

    Args:
        table_name: One to three parts, such as ``silver.posts``.
        schema: Columns whose metadata holds a ``comment``, at any depth; those without one stay.
        comment: What the table is for; ``""`` removes it.
        properties: Table properties to set; others stay.
        owner: A user, group or service principal; set on Databricks only, other catalogs have none.

    Raises:
        TableNameError: The name is none.
        TableNotFoundError: The table does not exist.
        ColumnNotFoundError: ``schema`` describes a column the table does not have.
    """
    name = TableName.parse(table_name)
    spark = get_spark()
    if not spark.catalog.tableExists(name.sql):
        raise TableNotFoundError(str(name), "it does not exist: save it before describing it.")
    with translated(str(name), "metadata"):
        if schema is not None:
            _comment_columns(spark, name, schema)
        if comment is not None or properties:
            _describe(spark, name, comment, properties or {})
        if owner is not None:
            _set_owner(spark, name, owner)


def _comment_columns(spark: SparkSession, name: TableName, schema: StructType) -> None:
    stored = dict(_comments(spark.table(name.sql).schema))
    known = {path.casefold(): path for path in stored}
    clauses = []
    for path, comment in _comments(schema):
        if path.casefold() not in known:
            near = suggest(path, stored)
            raise ColumnNotFoundError(str(name), f"the schema describes '{path}', which is no column{near}.")
        if comment is not None and comment != stored[known[path.casefold()]]:
            clauses.append(f"{path} COMMENT {text(comment)}")
    for clause in clauses:
        spark.sql(f"ALTER TABLE {name.sql} ALTER COLUMN {clause}")


def _comments(kind: DataType, prefix: str = "") -> Iterator[tuple[str, str | None]]:
    if isinstance(kind, StructType):
        for field in kind.fields:
            path = f"{prefix}{quote(field.name)}"
            yield path, field.metadata.get("comment")
            yield from _comments(field.dataType, f"{path}.")
    elif isinstance(kind, ArrayType):
        yield from _comments(kind.elementType, f"{prefix}element.")
    elif isinstance(kind, MapType):
        yield from _comments(kind.valueType, f"{prefix}value.")


def _describe(
    spark: SparkSession, name: TableName, comment: str | None, properties: Mapping[str, str]
) -> None:
    # DESCRIBE DETAIL would count the table's files.
    if comment is not None and comment != (spark.catalog.getTable(name.sql).description or ""):
        spark.sql(f"COMMENT ON TABLE {name.sql} IS {text(comment)}")
    if not properties:
        return
    stored = {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {name.sql}").collect()}
    changed = {key: value for key, value in properties.items() if stored.get(key) != value}
    if changed:
        pairs = ", ".join(f"{text(key)} = {text(value)}" for key, value in sorted(changed.items()))
        spark.sql(f"ALTER TABLE {name.sql} SET TBLPROPERTIES ({pairs})")


def _set_owner(spark: SparkSession, name: TableName, owner: str) -> None:
    if not on_databricks():
        log.info("table %s: the owner is set on Databricks only, this catalog has none", name)
        return
    spark.sql(f"ALTER TABLE {name.sql} OWNER TO {quote(owner)}")
