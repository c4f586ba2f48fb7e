"""One update of a pipeline, in a process of its own: run by an interpreter that has Spark 4.1 or newer.

It imports nothing of the server, whose package that interpreter may lack. The only argument is a JSON file
(see ``databricks_local.pipelines.plan``); what happens is appended to the file of events, one JSON text
a line: ``{"state": …}``, ``{"message": …, "time": …}`` of Spark, ``{"warning": …}``, ``{"error": …}``.
"""

import importlib
import json
import linecache
import os
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

# The folder of this file must not be where user code imports from.
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).parent]

_ADDRESS = "127.0.0.1"
_CONNECT = "org.apache.spark.sql.connect"
_DEEPEST_FRAMES = 50


class Events:
    """The file that the server follows."""

    def __init__(self, file: Path) -> None:
        self._out = file.open("a", encoding="utf-8", buffering=1)

    def tell(self, **event: object) -> None:
        """Append one event."""
        self._out.write(json.dumps(event) + "\n")


class PlanError(Exception):
    """The pipeline cannot be run here, for a reason that is a sentence."""


def _scala_object(jvm: Any, name: str) -> Any:
    package, _, short = name.rpartition(".")
    for part in package.split("."):
        jvm = getattr(jvm, part)
    return getattr(getattr(jvm, f"{short}$"), "MODULE$")


def _session(plan: Mapping[str, Any]) -> Any:
    """Return a session of a Spark Connect server in this process: pipelines speak no other protocol."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    os.environ["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = str(uuid.uuid4())
    conf = SparkConf(loadDefaults=True)
    # The default port is one for the whole machine.
    conf.set("spark.connect.grpc.binding.port", "0").set("spark.connect.grpc.binding.address", _ADDRESS)
    conf.set("spark.plugins", f"{_CONNECT}.SparkConnectPlugin")
    # A plan that was looked at, and kept as it was resolved, would not depend on the pipeline's datasets.
    conf.set("spark.connect.session.planCache.enabled", "false")
    conf.set("spark.connect.session.planCache.maxSize", "0")
    SparkSession(SparkContext.getOrCreate(conf))
    jvm = SparkContext._jvm
    port = _scala_object(jvm, f"{_CONNECT}.service.SparkConnectService").localPort()
    # Of all hosts only this name may be sent the token without TLS.
    remote = f"sc://localhost:{port}"
    os.environ |= {"SPARK_REMOTE": remote, "SPARK_CONNECT_MODE_ENABLED": "1", "SPARK_LOCAL_REMOTE": "1"}
    connect = importlib.import_module("pyspark.sql.connect.session")
    spark = connect.SparkSession.builder.remote(remote).getOrCreate()
    # Sessions of the server begin without the catalogs of the session that it was started with.
    spark.conf.set("spark.sql.connect.serverStacktrace.enabled", "false")
    sessions = _scala_object(jvm, f"{_CONNECT}.service.SparkConnectService").sessionManager()
    for index in range(sessions.listActiveSessions().size()):
        key = sessions.listActiveSessions().apply(index).key()
        catalogs = sessions.getIsolatedSessionIfPresent(key).get().session().sessionState().catalogManager()
        for name in plan["catalogs"]:
            catalogs.catalog(name).setDelegateCatalog(catalogs.v2SessionCatalog())
    for key, value in plan["configuration"].items():
        spark.conf.set(key, value)
    return spark


class _Graph:
    """The datasets and flows of a pipeline, as its files declare them."""

    def __init__(self, spark: Any, plan: Mapping[str, Any]) -> None:
        self._spark, self._plan = spark, plan
        self._engine = importlib.import_module("pyspark.pipelines.spark_connect_pipeline")
        registries = importlib.import_module("pyspark.pipelines.spark_connect_graph_element_registry")
        self.id = self._engine.create_dataflow_graph(
            spark,
            default_catalog=plan["catalog"],
            default_database=plan["schema"],
            sql_conf=plan["configuration"],
        )
        flows = importlib.import_module("databricks_flows")
        registry = registries.SparkConnectGraphElementRegistry(spark, self.id)
        self._registry = flows.Flows(spark, registry, self.id, [plan["catalog"], plan["schema"]])

    def declare(self) -> None:
        """Read all files.

        Raises:
            PlanError: No file declares a dataset.
            Exception: What a file raises.
        """
        within = importlib.import_module("pyspark.pipelines.graph_element_registry")
        analysis = importlib.import_module("pyspark.pipelines.add_pipeline_analysis_context")
        mutations = importlib.import_module("pyspark.pipelines.block_session_mutations")
        with ExitStack() as stack:
            stack.enter_context(within.graph_element_registration_context(self._registry))
            for source in self._plan["sources"]:
                if source["kind"] == "sql":
                    text = Path(source["file"]).read_text(encoding="utf-8")
                    self._registry.register_sql(text, Path(source["path"].lstrip("/")))
                    continue
                with (
                    analysis.add_pipeline_analysis_context(
                        spark=self._spark, dataflow_graph_id=self.id, flow_name=None
                    ),
                    mutations.block_session_mutations(),
                ):
                    _execute(source, self._spark)
            self._registry.finish()
            if self._plan["validate_only"]:
                self._registry.forget()

    def run(self) -> Iterator[Any]:
        """Run what was declared; yields Spark's events."""
        plan = self._plan
        answers = self._engine.start_run(
            self._spark,
            self.id,
            full_refresh=plan["full_refresh_selection"],
            full_refresh_all=plan["full_refresh"],
            refresh=plan["refresh_selection"],
            dry=plan["validate_only"],
            storage=plan["storage"],
        )
        for answer in answers:
            if "pipeline_event_result" in answer:
                yield answer["pipeline_event_result"].event


def _execute(source: Mapping[str, str], spark: Any) -> None:
    text = Path(source["file"]).read_text(encoding="utf-8")
    module = ModuleType(Path(source["path"]).stem)
    vars(module).update(__file__=source["path"], spark=spark)
    # Tracebacks quote lines by the path of the workspace, which is none of this machine.
    lines = text.splitlines(keepends=True)
    linecache.cache[source["path"]] = (len(text), None, lines, source["path"])
    exec(compile(text, source["path"], "exec"), module.__dict__)  # noqa: S102 (the user's own code)


def _described(error: BaseException) -> dict[str, Any]:
    chain = []
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.extract_tb(seen.__traceback__)[-_DEEPEST_FRAMES:]
        stack = [
            {
                "declaring_class": Path(frame.filename).stem,
                "method_name": frame.name,
                "file_name": frame.filename,
                "line_number": frame.lineno or 0,
            }
            for frame in reversed(frames)
            if Path(frame.filename) != Path(__file__)
        ]
        kind = type(seen)
        chain.append(
            {"class_name": f"{kind.__module__}.{kind.__qualname__}", "message": str(seen), "stack": stack}
        )
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return {"fatal": True, "exceptions": chain}


def update(plan: Mapping[str, Any], tell: Callable[..., None]) -> bool:
    """Run an update.

    Args:
        plan: What to run.
        tell: Takes the events.

    Returns:
        Whether all flows came to a good end.
    """
    dialect = importlib.import_module("databricks_dialect")
    spark = _session(plan)
    try:
        tell(state="INITIALIZING")
        place = f"`{plan['catalog']}`.`{plan['schema']}`"
        for name in (*plan["schemas"], place):
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
        spark.sql(f"USE {place}")
        dialect.install(lambda text: tell(warning=text))
        graph = _Graph(spark, plan)
        graph.declare()
        if plan["full_refresh"] and not plan["validate_only"]:
            tell(state="RESETTING")
        tell(state="SETTING_UP_TABLES")
        ended = ""
        for event in graph.run():
            moment = event.timestamp.ToMilliseconds()
            tell(message=event.message, time=moment)
            if event.message.startswith("Run is "):
                ended = event.message
        return "COMPLETED" in ended or (plan["validate_only"] and "FAILED" not in ended)
    finally:
        spark.stop()


def main() -> int:
    """Run the update that the plan of the only argument describes."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    events = Events(Path(plan["events"]))
    sys.path.append(str(Path(__file__).parent))
    for module in ("databricks_dialect", "databricks_flows"):
        importlib.import_module(module)
    sys.path.remove(str(Path(__file__).parent))
    try:
        good = update(plan, events.tell)
    except Exception as error:  # noqa: BLE001 (user code raises what it likes)
        traceback.print_exc()
        events.tell(error=_described(error))
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
