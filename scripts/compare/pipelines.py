"""The rows about pipelines from metadata."""

# Each scenario is given the tool and a machine, whether it needs them or not.
# ruff: noqa: ARG001

import re

import yaml

from compare import pipeline_runs
from compare.environments import distribution, environment, metadata, packages
from compare.findings import NOT_APPLICABLE, Finding, partly, row, yes_or_no
from compare.libraries import Library
from compare.machine import REPOSITORY, Machine, expect, write_tree
from compare.pipeline_runs import CONFIG

TABLE = "pipelines"


@row(
    "described",
    TABLE,
    "What describes a pipeline",
    "The examples that sdp-meta's wheel brings, the workflow of `probes/brickflow_project.py`, and "
    "the `config.yml` of the "
    "rows below.",
)
def described(tool: Library, machine: Machine) -> Finding:
    if tool.name == "sdp-meta":
        examples = packages(tool.name) / "databricks/labs/sdp_meta/_packaged_examples"
        expect(list(examples.glob("json/*.template")) and list(examples.glob("yml/*.yml")))
        return Finding(
            "JSON or YAML", "Brought into Delta tables by a job; flows can be added from a CSV file."
        )
    if tool.name == "brickflow":
        return Finding("Python", "Jobs and their tasks; what tables they make is up to the tasks.")
    return Finding("YAML", "With SELECT statements or Python functions beside it.")


@row(
    "runs-locally",
    TABLE,
    "Tables are made on this machine, without a workspace",
    "skyspark: `skyspark run` of three tables. sdp-meta: `probes/sdp_meta.py` onboards a flow on Spark 4.1 "
    "and writes down what it asks of the engine. brickflow: two task functions are called.",
)
def runs_locally(tool: Library, machine: Machine) -> Finding:
    if tool.name == "skyspark":
        code, results = pipeline_runs.skyspark(tool.program)
        return yes_or_no(code == 0 and "gold_history" in results)
    if tool.name == "brickflow":
        said = pipeline_runs.brickflow(tool, machine, "call")
        expect("called bronze silver" in said, said)
        return partly("A task's function is called as any other; jobs run on Databricks.")
    found = pipeline_runs.sdp_meta()
    expect(found["onboarded"] == 2 and not found["open_source_expectations"], found)
    return partly(
        "Its metadata is onboarded; its tables ask for expectations, which open-source Spark 4.1 has not."
    )


@row(
    "expectations",
    TABLE,
    "Expectations on rows: warn, drop, fail, quarantine",
    "What sdp-meta asks of the engine for four rules; the run of skyspark above, which drops a row into its "
    "quarantine table.",
)
def expectations(tool: Library, machine: Machine) -> Finding:
    if tool.name == "brickflow":
        return Finding("n/a", "Its projects can bring the package spark-expectations.")
    if tool.name == "sdp-meta":
        asked = {name for name, *_ in pipeline_runs.sdp_meta()["asked"]}
        tables = [options.get("name") for _, _, options in pipeline_runs.sdp_meta()["asked"]]
        kinds = {"expect_all", "expect_all_or_drop", "expect_all_or_fail"}
        return yes_or_no(kinds <= asked and "orders_quarantine" in tables)
    _, results = pipeline_runs.skyspark(tool.program)
    return yes_or_no(all(word in results for word in ("positive", "small", "silver_orders_quarantine")))


@row(
    "streaming",
    TABLE,
    "One description runs in batch and as streams",
    "skyspark: `--mode streaming` in its help. sdp-meta: its code declares streaming tables.",
)
def streaming(tool: Library, machine: Machine) -> Finding:
    if tool.name == "brickflow":
        return NOT_APPLICABLE
    if tool.name == "sdp-meta":
        expect("create_streaming_table" in tool.source("databricks/labs/sdp_meta/dataflow_pipeline.py"))
        return partly("Streaming tables, which a triggered update fills as a batch would.")
    return yes_or_no("{batch,streaming}" in machine.run(tool.program, "run", "--help").said)


@row(
    "sources",
    TABLE,
    "Sources that the description names",
    "The formats that the package's own code knows.",
)
def sources(tool: Library, machine: Machine) -> Finding:
    if tool.name == "brickflow":
        return NOT_APPLICABLE
    if tool.name == "sdp-meta":
        code = tool.source("databricks/labs/sdp_meta/onboard_dataflowspec.py").lower()
        names = ("cloudfiles", "delta", "kafka", "eventhub", "snapshot")
        expect(all(name in code for name in names))
        return Finding("Auto Loader, Delta, Kafka, Event Hubs, snapshots")
    page = (REPOSITORY / "docs" / "pipelines.md").read_text(encoding="utf-8")
    expect("(delta, parquet, csv, json, xml)" in page)
    return Finding("Delta, Parquet, CSV, JSON, XML, tables")


@row(
    "history",
    TABLE,
    "Changes and history (CDC, SCD type 2) from the description",
    "sdp-meta: the flow that it asks for with `scd_type: 2`. skyspark: a table of the run above with that.",
)
def history(tool: Library, machine: Machine) -> Finding:
    if tool.name == "brickflow":
        return NOT_APPLICABLE
    if tool.name == "sdp-meta":
        flows = [
            options
            for name, _, options in pipeline_runs.sdp_meta()["asked"]
            if name == "create_auto_cdc_flow"
        ]
        expect("apply_changes_from_snapshot" in tool.source("databricks/labs/sdp_meta/dataflow_pipeline.py"))
        known = flows and flows[0]["stored_as_scd_type"] == "2"
        return yes_or_no(bool(known), "Also from snapshots and from several sources into one table.")
    code, _ = pipeline_runs.skyspark(tool.program)
    expect(code == 0)
    return partly("As a merge in batch; not when the pipeline is registered with Lakeflow.")


@row(
    "selection",
    TABLE,
    "A part of the tables is run, by tags and by what depends on what",
    "`skyspark plan --select`; sdp-meta's settings of a pipeline; brickflow's environment variables.",
)
def selection(tool: Library, machine: Machine) -> Finding:
    if tool.name == "skyspark":
        write_tree(machine.place, {"config.yml": CONFIG})
        said = machine.run(tool.program, "plan", "config.yml", "--select", "+silver_orders").said
        return yes_or_no("silver_orders" in said and "gold_history" not in said)
    if tool.name == "sdp-meta":
        expect("dataflowIds" in tool.source("databricks/labs/sdp_meta/dataflow_spec.py"))
        return partly("By group, or by a list of flows.")
    expect("BRICKFLOW_DEPLOY_ONLY_WORKFLOWS" in tool.source("brickflow/__init__.py"))
    return partly("By workflow, when they are deployed.")


@row(
    "graph",
    TABLE,
    "The tables and what they read can be drawn without a workspace",
    "`skyspark graph`; a command of that kind in the other packages.",
)
def graph(tool: Library, machine: Machine) -> Finding:
    if tool.name == "skyspark":
        write_tree(machine.place, {"config.yml": CONFIG})
        machine.run(tool.program, "graph", "config.yml", "-o", "lineage.html")
        drawn = machine.place / "lineage.html"
        return yes_or_no(drawn.exists() and "gold_history" in drawn.read_text(encoding="utf-8"))
    expect("graph" not in _commands(tool, machine))
    return Finding("no", "Databricks draws it, once it is deployed.")


def _commands(tool: Library, machine: Machine) -> str:
    """Return the commands of a package, as its help or its code names them."""
    if tool.name == "brickflow":
        return machine.run(environment("brickflow") / "bin" / "bf", "projects", "--help").said.lower()
    return " ".join(re.findall(r"^def (\w+)", tool.source("databricks/labs/sdp_meta/cli.py"), re.MULTILINE))


@row(
    "from-failure",
    TABLE,
    "What failed is run again, and nothing else",
    "`skyspark run --from-failure` in its help; a command of that kind in the other packages.",
)
def from_failure(tool: Library, machine: Machine) -> Finding:
    if tool.name == "skyspark":
        return yes_or_no("--from-failure" in machine.run(tool.program, "run", "--help").said)
    commands = _commands(tool, machine)
    expect(not any(word in commands for word in ("retry", "repair", "failure")))
    return Finding("no", "Databricks does: a refresh of some tables, a repair of a run.")


@row(
    "tests",
    TABLE,
    "It brings a pytest plugin",
    "The entry points of its distribution.",
)
def tests(tool: Library, machine: Machine) -> Finding:
    return yes_or_no(bool(distribution(tool.name).entry_points.select(group="pytest11")))


@row(
    "task-types",
    TABLE,
    "Kinds of tasks of a job that it describes",
    "brickflow: its `TaskType`. The others: the tasks in their own code.",
)
def task_types(tool: Library, machine: Machine) -> Finding:
    if tool.name != "brickflow":
        return Finding(
            "1", "A job that updates the pipeline." if tool.name == "skyspark" else "The job that onboards."
        )
    program = "from brickflow.engine.task import TaskType; print(len(TaskType))"
    return Finding(machine.run(environment("brickflow") / "bin" / "python", "-c", program).said.strip())


@row(
    "deploy",
    TABLE,
    "It deploys to a workspace",
    "brickflow: the bundle of `probes/brickflow_project.py`, made on databricks-local. The others: "
    "their commands.",
)
def deploy(tool: Library, machine: Machine) -> Finding:
    if tool.name == "brickflow":
        pipeline_runs.brickflow(tool, machine, "deploy")
        bundle = yaml.safe_load((machine.place / "bundle.yml").read_text(encoding="utf-8"))
        job = bundle["targets"]["orders-local"]["resources"]["jobs"]["orders"]
        expect({task["task_key"] for task in job["tasks"]} == {"bronze", "silver", "gold"})
        return Finding(
            "yes", "As a bundle, by the databricks CLI that it fetches; version 0.236.1 by default."
        )
    if tool.name == "sdp-meta":
        expect("def deploy(" in tool.source("databricks/labs/sdp_meta/cli.py"))
        return Finding("yes", "As `databricks labs sdp-meta deploy`, or as a bundle. Not run here.")
    said = machine.run(tool.program, "deploy", "--help").said
    return yes_or_no("--schedule" in said, "The pipeline and a job with its schedule.")


@row(
    "licence",
    TABLE,
    "Licence",
    "Its distribution's metadata; of skyspark its `pyproject.toml`.",
)
def licence(tool: Library, machine: Machine) -> Finding:
    if tool.name == "skyspark":
        return Finding("Apache-2.0")
    found = re.search(r"^License(?:-Expression)?: (.+)$", metadata(tool.name), re.MULTILINE)
    expect(found)
    only = "For use with Databricks." if "Databricks" in found[1] else ""
    return Finding(found[1], only)


@row(
    "needs",
    TABLE,
    "What it needs to run a pipeline",
    "Read, not run: from its own documentation.",
)
def needs(tool: Library, machine: Machine) -> Finding:
    return Finding(
        {
            "skyspark": "Java 17 and Spark, or Databricks",
            "sdp-meta": "Databricks",
            "brickflow": "Databricks and its CLI",
        }[tool.name]
    )
