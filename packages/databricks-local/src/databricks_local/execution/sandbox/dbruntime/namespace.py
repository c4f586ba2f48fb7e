"""The names that notebooks have without importing them."""

import re
from typing import Any

from . import task
from .dbutils import DBUtils, dbutils_of_task

_NEED_SPARK = re.compile(r"\b(spark|sc|sqlContext|sql|table|udf)\b")


def names() -> dict[str, Any]:
    """Return all names; those that need Spark start it when they are used, not before."""
    spark = LazySession()
    return without_spark() | {
        "spark": spark,
        "sqlContext": spark,
        "sql": lambda *arguments, **named: spark.sql(*arguments, **named),
        "table": lambda name: spark.table(name),
        "udf": lambda *arguments, **named: with_spark()["udf"](*arguments, **named),
    }


class LazySession:
    """Passes for a Spark session, and becomes one when something is asked of it.

    databricks-sdk takes all names as soon as it looks for credentials; that must not cost a start of Spark.
    """

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The class of sessions, for ``isinstance``."""
        from pyspark.sql import SparkSession

        return SparkSession

    def __getattr__(self, name: str) -> Any:
        return getattr(with_spark()["spark"], name)


def without_spark(dbutils: DBUtils | None = None) -> dict[str, Any]:
    """Return the names that do not need Spark.

    Args:
        dbutils: A notebook's own, with its widgets.
    """
    own = dbutils or dbutils_of_task()
    return {
        "dbutils": own,
        "display": display,
        "displayHTML": display_html,
        "getArgument": own.widgets.getArgument,
    }


def needs_spark(source: str) -> bool:
    """Say whether code may use a name that needs Spark.

    Args:
        source: Python code.
    """
    return _NEED_SPARK.search(source) is not None


def with_spark() -> dict[str, Any]:
    """Return the names that need Spark, which starts if it does not run."""
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import udf

    spark = SparkSession.builder.appName(f"Databricks Shell {task.current().spec['task_key']}").getOrCreate()
    return {
        "spark": spark,
        "sc": spark.sparkContext,
        "sqlContext": spark,
        "sql": spark.sql,
        "table": spark.table,
        "udf": udf,
    }


def display(shown: Any = None, *_: Any, **__: Any) -> None:
    """Print a table or a value; a run has no screen to draw on.

    Args:
        shown: A DataFrame of Spark or pandas, or anything with a text.
    """
    if hasattr(shown, "isStreaming") and not shown.isStreaming:
        shown.show(truncate=False)
    elif shown is not None:
        print(shown)


def display_html(html: str) -> None:
    """Print HTML as it is written.

    Args:
        html: The text.
    """
    print(html)
