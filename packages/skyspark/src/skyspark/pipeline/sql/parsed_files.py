"""Files with declared columns, read by open-source Spark's SQL as Spark's reader reads them.

``csv.`path` `` takes options but no columns. So the file is read as text, and the functions that parse CSV,
JSON and XML get the columns: they use the same parsers as the readers.
"""

import re

import sqlglot

from skyspark.errors import QueryError
from skyspark.identifiers import text
from skyspark.pipeline.model import Source
from skyspark.pipeline.queries import DIALECT
from skyspark.pipeline.sql.dataset import identifier, table_options

_IGNORED = "Spark 4.1 ignores the options of a path: take Spark 4.2."
# They say which files are read, and not how.
_OF_FILES = {
    "ignorecorruptfiles",
    "ignoremissingfiles",
    "modifiedafter",
    "modifiedbefore",
    "pathglobfilter",
    "recursivefilelookup",
}
_OF_STREAMS = {"latestfirst", "maxbytespertrigger", "maxfileage", "maxfilespertrigger"}
# Without meaning where the columns are declared.
_OF_INFERENCE = {"enforceschema", "inferschema", "prefersdate", "samplingratio"}


def path_relation(form: str, path: str, options: dict[str, str]) -> str:
    """Return the relation of a path in one format.

    Args:
        form: The format.
        path: The path.
        options: Options of Spark's reader.

    Raises:
        QueryError: A name cannot be written.
    """
    relation = f"{form}.{identifier(path)}{table_options(options)}"
    if not options:
        return relation
    # Tried on 4.1.4: a pipeline reads the path as if it had no options, without a word.
    heeded = f"assert_true(version() NOT LIKE '4.1.%', {text(_IGNORED)}) IS NULL"
    return f"(SELECT * FROM {relation} WHERE {heeded})"  # noqa: S608 - quoted


def parsed(source: Source) -> str:
    """Return a subquery with the rows of files.

    Args:
        source: A path in Parquet, CSV, JSON or XML, with columns.

    Raises:
        QueryError: An option has no equal in SQL.
    """
    options = {key.casefold(): value for key, value in source.options.items()}
    if source.format == "parquet":
        return _parquet(source)
    _refuse(source, options)
    files = {key: value for key, value in source.options.items() if key.casefold() in _OF_FILES}
    parsing = {
        key: value
        for key, value in source.options.items()
        if key.casefold() not in _OF_FILES | _OF_STREAMS | _OF_INFERENCE | {"header", "multiline"}
    }
    lines = path_relation("text", source.path or "", files)
    whole = path_relation("text", source.path or "", {**files, "wholetext": "true"})
    columns = source.columns or ""
    if source.format == "json":
        # A line may hold a list of rows.
        of_line = f"from_json(`value`, {text(f'ARRAY<STRUCT<{columns}>>')}{_map(parsing)})"
        return _rows(
            f"explode(coalesce({of_line}, array(null)))", f"{lines}\n    WHERE `value` RLIKE '\\\\S'"
        )
    if source.format == "xml":
        element = text(_element(options["rowtag"]))
        return _rows(
            f"from_xml(`element`, {text(columns)}{_map(parsing)})",
            f"(SELECT explode(regexp_extract_all(`value`, {element}, 0)) AS `element` FROM {whole})",  # noqa: S608 - quoted
        )
    row = f"from_csv(`line`, {text(columns)}{_map(parsing)})"
    if options.get("header", "false").casefold() != "true":
        return _rows(row, f"(SELECT `value` AS `line` FROM {lines}) WHERE `line` RLIKE '\\\\S'")  # noqa: S608 - quoted
    # The first line of each file that is not empty is its header.
    of_file = "filter(split(`value`, '\\\\r\\\\n|\\\\n|\\\\r'), `line` -> `line` RLIKE '\\\\S')"
    numbered = f"(SELECT posexplode({of_file}) AS (`number`, `line`) FROM {whole})"  # noqa: S608 - quoted
    return _rows(row, f"{numbered}\n    WHERE `number` > 0")


def _rows(row: str, relation: str) -> str:
    return f"(\n  SELECT `row`.*\n  FROM (\n    SELECT {row} AS `row`\n    FROM {relation}\n  )\n)"  # noqa: S608 - quoted


def _map(options: dict[str, str]) -> str:
    shown = ", ".join(f"{text(key)}, {text(value)}" for key, value in options.items())
    return f", map({shown})" if shown else ""


def _element(tag: str) -> str:
    """Return a pattern for an element: a tag, with its attributes, that is closed at once or later."""
    name = re.escape(tag)
    # Possessive, so that long attributes do not use up Java's stack.
    attributes = """(?:[^>"']++|"[^"]*+"|'[^']*+')*+"""
    return rf"(?s)<{name}(?=[\s/>]){attributes}(?:(?<=/)>|>.*?</{name}\s*>)"


def _parquet(source: Source) -> str:
    schema = sqlglot.parse_one(f"CREATE TABLE t ({source.columns}\n)", read=DIALECT)
    casts = []
    for column in schema.this.expressions:
        name = identifier(column.name)
        casts.append(f"CAST({name} AS {column.args['kind'].sql(DIALECT)}) AS {name}")
    relation = path_relation("parquet", source.path or "", source.options)
    return f"(\n  SELECT {', '.join(casts)}\n  FROM {relation}\n)"  # noqa: S608 - quoted


def _refuse(source: Source, options: dict[str, str]) -> None:
    refused = []
    if source.format != "xml" and options.get("multiline", "false").casefold() == "true":
        refused.append("multiLine")
    if options.get("enforceschema", "true").casefold() != "true":
        refused.append("enforceSchema")
    if options.get("mode", "").casefold() == "dropmalformed":
        refused.append("mode DROPMALFORMED")
    encoding = options.get("encoding", options.get("charset", "utf-8"))
    if encoding.casefold() not in ("utf-8", "utf8"):
        refused.append(f"encoding {encoding}")
    refused += [key for key in source.options if key.casefold() in ("comment", "linesep")]
    if refused:
        raise QueryError(
            f"the option {', '.join(refused)} of the source '{source.path}' has no equal in Spark's SQL: "
            "register the pipeline in Python instead (skyspark.lakeflow.register)."
        )
    if source.format == "xml" and "rowtag" not in options:
        raise QueryError(f"the source '{source.path}' needs the option rowTag.")
