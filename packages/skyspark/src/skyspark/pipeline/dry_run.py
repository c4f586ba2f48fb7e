"""Asks Spark's declarative engine whether it understands a pipeline; runs in a Python that has the engine.

The engine is reached through Spark Connect only. A server is started in this process, as PySpark itself does
for a local master, but on a port that the system chooses and for nobody else.
"""

import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyspark.errors import JarsNotFoundError, PipelineError, SkySparkError
from skyspark.jars import fetch_jars, find_jars
from skyspark.pipeline.model import Pipeline
from skyspark.session import get_spark
from skyspark.versions import installed_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FAILED = re.compile(r"Failed to resolve flow: '(?P<flow>.+?)'\.\s+Error: (?P<reason>.+)", re.DOTALL)


def main(arguments: list[str]) -> None:
    """Read a request from one file and write the answer to another.

    The request is a JSON object: ``pipeline`` (the model), ``tables`` (names, in order), ``files`` (for each
    table its SQL, or ``null`` to define the datasets in Python). The answer has ``spark`` (its version) and
    ``problems`` (each with ``dataset``, or ``null``, and ``reason``), or ``error``, a sentence.

    Args:
        arguments: The two files.
    """
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        answer = {"spark": version("pyspark"), "problems": dry_run(request)}
    except SkySparkError as error:
        answer = {"error": str(error)}
    Path(arguments[1]).write_text(json.dumps(answer), encoding="utf-8")


def dry_run(request: dict[str, Any]) -> list[dict[str, str | None]]:
    """Return what the engine does not accept.

    Args:
        request: As for ``main``.

    Raises:
        EnvironmentNotReadyError: There is no Java.
        JarsFetchError: The Delta jars are not there and cannot be fetched.
    """
    line = installed_spark()
    try:
        find_jars(line)
    except JarsNotFoundError:
        fetch_jars(line)
    pipeline = Pipeline.model_validate(request["pipeline"])
    with tempfile.TemporaryDirectory(prefix="skyspark-validate-") as folder:
        spark = _connect(pipeline, Path(folder))
        engine: Any = import_module("pyspark.pipelines.spark_connect_pipeline")
        graph = engine.create_dataflow_graph(spark, None, None, {})
        if request["files"] is None:
            problems = _define(spark, graph, pipeline, request["tables"])
        else:
            problems = _read(spark, graph, request["tables"], request["files"])
        return problems + _resolve(spark, graph, engine, Path(folder))


def _connect(pipeline: Pipeline, scratch: Path) -> "SparkSession":
    os.environ["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = secrets.token_hex(16)
    server = {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
    }
    # Tables of earlier runs on this machine are there to be read; where there are none, no folder is left.
    warehouse = Path(os.environ.get("SKYSPARK_WAREHOUSE") or "spark-warehouse")
    folder = warehouse if warehouse.is_dir() else scratch / "warehouse"
    classic = get_spark("skyspark validate", warehouse=folder, conf=pipeline.spark | server)
    # As PySpark itself asks for it.
    service = "org.apache.spark.sql.connect.service.SparkConnectService$"
    port = getattr(getattr(classic.sparkContext._jvm, service), "MODULE$").localPort()
    # What PySpark sets for a local Connect session: functions of pyspark.sql are then those of the client.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    client = import_module("pyspark.sql.connect.session").SparkSession
    session: SparkSession = client.builder.remote(f"sc://localhost:{port}").getOrCreate()
    return session


def _define(
    spark: "SparkSession", graph: str, pipeline: Pipeline, names: list[str]
) -> list[dict[str, str | None]]:
    from skyspark.lakeflow import define

    try:
        with ExitStack() as inside:
            _enter(inside, spark, graph)
            define(spark, pipeline, [pipeline.by_name[name] for name in names], dry=True)
    except PipelineError as error:
        return [{"dataset": None, "reason": str(problem)} for problem in error.problems]
    return []


def _enter(inside: ExitStack, spark: "SparkSession", graph: str) -> None:
    """Do what ``spark-pipelines`` does around the import of a file with definitions."""
    elements = import_module("pyspark.pipelines.graph_element_registry")
    inside.enter_context(elements.graph_element_registration_context(_registry(spark, graph)))
    analysis = import_module("pyspark.pipelines.add_pipeline_analysis_context")
    inside.enter_context(
        analysis.add_pipeline_analysis_context(spark=spark, dataflow_graph_id=graph, flow_name=None)
    )
    mutations = import_module("pyspark.pipelines.block_session_mutations")
    inside.enter_context(mutations.block_session_mutations())


def _read(
    spark: "SparkSession", graph: str, names: list[str], files: list[str]
) -> list[dict[str, str | None]]:
    from pyspark.errors import PySparkException

    register: Callable[[str, Path], None] = _registry(spark, graph).register_sql
    problems: list[dict[str, str | None]] = []
    for i, (name, text) in enumerate(zip(names, files, strict=True)):
        try:
            register(text, Path(f"{i}.sql"))
        except PySparkException as error:
            problems.append({"dataset": name, "reason": str(error)})
    return problems


def _registry(spark: "SparkSession", graph: str) -> Any:
    module = import_module("pyspark.pipelines.spark_connect_graph_element_registry")
    return module.SparkConnectGraphElementRegistry(spark, graph)


def _resolve(spark: "SparkSession", graph: str, engine: Any, storage: Path) -> list[dict[str, str | None]]:
    from pyspark.errors import PySparkException

    problems: list[dict[str, str | None]] = []
    events = engine.start_run(
        spark,
        graph,
        full_refresh=[],
        full_refresh_all=False,
        refresh=[],
        dry=True,
        storage=storage.as_uri(),
    )
    try:
        for event in events:
            if "pipeline_event_result" in event:
                # The reasons are in the events; what is raised in the end only counts them.
                found = _FAILED.match(event["pipeline_event_result"].event.message)
                if found:
                    problems.append({"dataset": found["flow"], "reason": found["reason"]})
    except PySparkException as error:
        if not problems:
            problems.append({"dataset": None, "reason": str(error)})
    return problems


if __name__ == "__main__":
    main(sys.argv[1:])
