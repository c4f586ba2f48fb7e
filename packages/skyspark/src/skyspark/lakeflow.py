"""A pipeline's tables as datasets of Lakeflow, or of open-source Spark's declarative pipelines.

The file that a Lakeflow pipeline, or a ``spark-pipeline.yml``, points at is three lines::

    from pyspark.sql import SparkSession
    from skyspark.lakeflow import register
    register(SparkSession.active(), "config.yml")
"""

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyspark.errors import EnvironmentNotReadyError, PipelineError
from skyspark.pipeline.datasets import Datasets
from skyspark.pipeline.declarative import Dialect, declarative_problems
from skyspark.pipeline.engine_python import ENGINE_LINE
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.streaming import streamable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_VARIABLE = "skyspark.var."
_log = logging.getLogger(__name__)


def register(
    spark: "SparkSession",
    config: Path | str,
    *,
    env: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Define the tables of a pipeline as datasets of the declarative pipeline that runs this file.

    A table that streams becomes a streaming table, or with target mode ``merge`` the target of an AUTO CDC
    flow; a temporary table a temporary view; any other a materialized view.

    Expectations are Lakeflow's own where it runs; elsewhere rows are dropped, and updates stopped, by
    conditions in the queries, and ``warn`` counts nothing. Rules on all rows with action ``fail`` are such
    conditions everywhere, and those that warn count nothing.

    Open-source Spark makes no schemas and clusters no Delta tables: a schema has to be there, and
    ``cluster_by`` has no effect. Its tables are Delta tables if ``spark.sql.sources.default`` is ``delta``.

    Args:
        spark: The session of the pipeline.
        config: The pipeline's file; a relative path is looked for beside the calling file, then in the
            current folder.
        env: The environment of the file that applies; default: ``skyspark.env`` of the declarative pipeline's
            configuration, else the variable ``SKYSPARK_ENV``, else ``local``.
        variables: Values of variables, on top of those that the configuration gives as
            ``skyspark.var.<NAME>``.

    Raises:
        EnvironmentNotReadyError: This PySpark has no declarative pipelines.
        PipelineError: The pipeline's file is wrong, a table has no declarative equal, its source cannot be
            read, or its transformation cannot be called.
        StreamingError: A table asks of a stream what streaming cannot do.
    """
    engine = _engine()
    caller = sys._getframe(1).f_globals.get("__file__")
    settings = dict(spark.conf.getAll)
    given = {
        key.removeprefix(_VARIABLE): value for key, value in settings.items() if key.startswith(_VARIABLE)
    }
    pipeline = load_pipeline(
        _found(Path(config), caller),
        env=env or settings.get("skyspark.env") or os.environ.get("SKYSPARK_ENV") or "local",
        variables=given | dict(variables or {}),
    )
    define(spark, pipeline, pipeline.tables, engine)


def define(
    spark: "SparkSession",
    pipeline: Pipeline,
    tables: Iterable[Table],
    engine: Any = None,
    *,
    dry: bool = False,
) -> None:
    """Define tables of a loaded pipeline.

    Args:
        spark: The session of the declarative pipeline.
        pipeline: The pipeline.
        tables: Those of its tables that are defined, each after those it reads.
        engine: The module ``pyspark.pipelines``; default: the installed one.
        dry: Whether the datasets are only looked at and nothing is run.

    Raises:
        EnvironmentNotReadyError: This PySpark has no declarative pipelines.
        PipelineError: A table has no declarative equal, its source cannot be read, or its transformation
            cannot be called.
        StreamingError: A table asks of a stream what streaming cannot do.
    """
    engine = engine or _engine()
    tables = tuple(tables)
    dialect: Dialect = "databricks" if hasattr(engine, "expect") else "spark"
    names = frozenset(table.name for table in tables)
    pipeline, findings = streamable(pipeline, pipeline.mode, only=names)
    tables = tuple(pipeline.by_name[table.name] for table in tables)
    problems = declarative_problems(pipeline, tables, dialect, pipeline.mode, dry=dry)
    if problems:
        raise PipelineError(problems)
    for finding in findings:
        _log.warning("table '%s': %s", finding.table, finding.note)
    Datasets(spark, pipeline, tables, engine).define()


def _engine() -> Any:
    try:
        return import_module("pyspark.pipelines")
    except ImportError as error:
        raise EnvironmentNotReadyError(
            f"declarative pipelines need Spark {ENGINE_LINE.name} with Spark Connect, and {sys.prefix} has "
            f"no {error.name or 'pyspark.pipelines'}: pip install 'skyspark[{ENGINE_LINE.extra},connect]', "
            "or check the pipeline with 'skyspark validate', which brings its own."
        ) from error


def _found(config: Path, caller: str | None) -> Path:
    beside = Path(caller).absolute().parent / config if caller else config
    return beside if beside.is_file() else config
