"""``pyspark.dbutils``: dbutils for Python files and wheels."""

from typing import Any

from dbruntime.dbutils import dbutils_of_task  # type: ignore[import-not-found]


def DBUtils(spark: Any = None) -> Any:  # noqa: ARG001, N802
    """Return dbutils.

    Args:
        spark: The session; any will do.
    """
    return dbutils_of_task()
