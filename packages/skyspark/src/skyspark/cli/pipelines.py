"""The arguments of the commands that work on a pipeline's file, and what they mean."""

import argparse
import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyspark.pipeline.model import Pipeline
    from skyspark.pipeline.plan import Selection
    from skyspark.pipeline.run.options import RunOptions

Add = Callable[[str, str, str, str], argparse.ArgumentParser]


def pipeline_of(args: argparse.Namespace) -> "Pipeline":
    """Load the pipeline that the arguments name.

    Raises:
        PipelineError: Its file is wrong.
    """
    from skyspark.pipeline.read import load_pipeline

    return load_pipeline(args.config, env=args.env, variables=dict(args.var), date=args.date)


def selection_of(args: argparse.Namespace) -> "Selection":
    """Return what the arguments select."""
    from skyspark.pipeline.plan import Selection

    return Selection(
        tags=args.tags, match=args.match, select=args.select, exclude=args.exclude, upstream=args.upstream
    )


def options_of(args: argparse.Namespace) -> "RunOptions":
    """Return how the arguments ask for a run."""
    from skyspark.pipeline.run.options import RunOptions

    return RunOptions(
        env=args.env,
        mode=args.mode,
        trigger=args.trigger,
        full_refresh=args.full_refresh,
        from_failure=args.from_failure,
        fail_fast=args.fail_fast,
        threads=args.threads,
        results=args.results,
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the arguments with which a pipeline is loaded."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the pipeline's file, such as config.yml")
    parser.add_argument(
        "--env",
        default=os.environ.get("SKYSPARK_ENV") or "local",
        help="environment of the file that applies (default: SKYSPARK_ENV, else local)",
    )
    add_variables(parser)


def add_variables(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that give variables of the file a value."""
    parser.add_argument(
        "--var",
        metavar="NAME=VALUE",
        type=_variable,
        action="append",
        default=[],
        help="value of ${NAME} in the file; wins over the environment's (repeatable)",
    )
    parser.add_argument(
        "--date",
        type=datetime.date.fromisoformat,
        help="value of ${date} in the file, as YYYY-MM-DD (default: today, UTC)",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that select tables."""
    group = parser.add_argument_group("selection (default: all tables)")
    group.add_argument(
        "--tags", type=_comma_separated, default=[], metavar="TAG,TAG", help="tables with these tags"
    )
    group.add_argument(
        "--match",
        choices=("any", "all"),
        default="any",
        help="any of the tags or all (default: any)",
    )
    group.add_argument(
        "--select",
        "-s",
        metavar="SELECTOR",
        action="append",
        default=[],
        help="such as orders_gold, tag:daily+, +layer:gold, 2+name, 'tag:a and not tag:b' (repeatable)",
    )
    group.add_argument(
        "--exclude", metavar="SELECTOR", action="append", default=[], help="tables to leave out (repeatable)"
    )
    group.add_argument(
        "--no-upstream",
        dest="upstream",
        action="store_false",
        help="leave out what the selected tables read, if it is not selected itself",
    )


def add_plan(add: Add) -> None:
    """Add ``skyspark plan``."""
    parser = add(
        "plan",
        "plan",
        "show which tables of a pipeline would be made, in which order",
        "  skyspark plan config.yml\n"
        "  skyspark plan config.yml --tags daily,critical --match all\n"
        "  skyspark plan config.yml --select +orders_gold --exclude layer:bronze --json",
    )
    add_config(parser)
    add_selection(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def add_graph(add: Add) -> None:
    """Add ``skyspark graph``."""
    parser = add(
        "graph",
        "graph",
        "draw the lineage of a pipeline: Mermaid, DOT or a page for the browser",
        "  skyspark graph config.yml                     Mermaid, to the terminal\n"
        "  skyspark graph config.yml -o lineage.html     the form follows the ending: .mmd, .dot, .html\n"
        "  skyspark graph config.yml --select orders_gold+ --format dot | dot -Tsvg > lineage.svg",
    )
    add_config(parser)
    add_selection(parser)
    parser.add_argument(
        "--format", choices=("mermaid", "dot", "html"), help="default: by the output's ending, else mermaid"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: the terminal")


def add_run(add: Add) -> None:
    """Add ``skyspark run``."""
    parser = add(
        "run",
        "run",
        "make the tables of a pipeline on this machine or cluster",
        "  skyspark run config.yml\n"
        "  skyspark run config.yml --tags daily --mode batch --env dev\n"
        "  skyspark run config.yml --from-failure          only what did not succeed in the last run\n"
        "  skyspark run config.yml --mode streaming --trigger '10 seconds'\n\n"
        "exit codes: 0 all tables were made, 1 some were not, 2 nothing was begun,\n"
        "            130 stopped by Ctrl-C or SIGTERM",
    )
    add_config(parser)
    add_run_arguments(parser)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a run, but for those with which its pipeline is loaded."""
    add_selection(parser)
    group = parser.add_argument_group("run")
    group.add_argument(
        "--mode",
        choices=("batch", "streaming"),
        help="mode of the tables that declare none (default: the pipeline's, else batch)",
    )
    group.add_argument(
        "--trigger",
        default="available-now",
        metavar="WHEN",
        help="available-now ends streams when all there is was read; an interval such as '10 seconds' lets "
        "them go on until they are stopped (default: available-now)",
    )
    group.add_argument(
        "--full-refresh", action="store_true", help="make the selected tables and their checkpoints anew"
    )
    group.add_argument(
        "--from-failure", action="store_true", help="run only what failed, was skipped or not begun last time"
    )
    group.add_argument("--fail-fast", action="store_true", help="begin no further table after a failure")
    group.add_argument(
        "--threads", type=_positive, default=4, metavar="N", help="tables at a time (default: 4)"
    )
    group.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        help="folder of run_results.json and run.html (default: in storage)",
    )
    group.add_argument("--json", action="store_true", help="print the results as JSON")


def add_validate(add: Add) -> None:
    """Add ``skyspark validate``."""
    parser = add(
        "validate",
        "validate",
        "dry-run a pipeline on Spark's declarative engine, from its file or from generated SQL",
        "  skyspark validate config.yml\n  skyspark validate config.yml --registered",
    )
    add_config(parser)
    add_selection(parser)
    parser.add_argument(
        "--registered",
        action="store_true",
        help="check the datasets as skyspark.lakeflow.register defines them (default: the generated SQL)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def add_sql(add: Add) -> None:
    """Add ``skyspark sql``."""
    parser = add(
        "sql",
        "sql",
        "write a pipeline as SQL for Lakeflow or for Spark's declarative pipelines",
        "  skyspark sql config.yml                       to the terminal\n"
        "  skyspark sql config.yml -o sql --per-table\n"
        "  skyspark sql config.yml -o sql --dialect spark --strict",
    )
    add_config(parser)
    add_selection(parser)
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder for the files")
    parser.add_argument(
        "--dialect",
        choices=("databricks", "spark"),
        default="databricks",
        help="spark is what open-source Spark accepts (default: databricks)",
    )
    parser.add_argument("--per-table", action="store_true", help="one file for each table, not one for all")
    parser.add_argument(
        "--strict", action="store_true", help="refuse what streaming cannot do instead of rewriting it"
    )


def add_deploy(add: Add) -> None:
    """Add ``skyspark deploy``."""
    parser = add(
        "deploy",
        "deploy",
        "create or update a pipeline and its job in a Databricks workspace",
        "  skyspark deploy config.yml --catalog main --schema sales --dry-run\n"
        '  skyspark deploy config.yml --catalog main --schema sales --serverless --schedule "0 0 2 * * ?"\n'
        '  skyspark deploy config.yml --schedule "0 2 * * *" --timezone Europe/Berlin --run --yes',
    )
    add_config(parser)
    add_selection(parser)
    group = parser.add_argument_group("deployment")
    group.add_argument("--catalog", help="default: the pipeline's")
    group.add_argument("--schema", help="default: the pipeline's")
    group.add_argument("--serverless", action="store_true", help="run on serverless compute")
    group.add_argument("--continuous", action="store_true", help="let the pipeline run without end")
    group.add_argument("--strict", action="store_true", help="as for skyspark sql")
    group.add_argument("--run", dest="start", action="store_true", help="start an update and follow it")
    _add_workspace(group, schedule="makes a job that runs the pipeline", full_refresh="with --run")


def add_job(add: Add) -> None:
    """Add ``skyspark job``."""
    parser = add(
        "job",
        "job",
        "create, run or delete the job of a deployed pipeline",
        '  skyspark job create config.yml --schedule "0 0 2 * * ?" --timezone UTC\n'
        "  skyspark job run config.yml\n"
        "  skyspark job delete config.yml --yes",
    )
    parser.add_argument("action", choices=("create", "run", "delete"), help="what to do with the job")
    add_config(parser)
    _add_workspace(parser.add_argument_group("job"), schedule="for create", full_refresh="for create and run")


def _add_workspace(group: "argparse._ArgumentGroup", *, schedule: str, full_refresh: str) -> None:
    group.add_argument("--schedule", metavar="CRON", help=f"Quartz or Unix cron; {schedule}")
    group.add_argument("--timezone", default="UTC", help="of the schedule (default: UTC)")
    group.add_argument("--full-refresh", action="store_true", help=f"{full_refresh}: make the tables anew")
    group.add_argument(
        "--profile", help="profile of ~/.databrickscfg (default: as the Databricks SDK finds it)"
    )
    group.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    group.add_argument("--yes", "-y", action="store_true", help="do not ask")
    group.add_argument("--json", action="store_true", help="print what was done as JSON, and ask nothing")


def add_schema(add: Add) -> None:
    """Add ``skyspark schema``."""
    parser = add(
        "schema",
        "schema",
        "print the JSON Schema of a pipeline's file, for editors that complete and check YAML",
        "  skyspark schema -o .vscode/config.schema.json\n  skyspark schema --form tables",
    )
    parser.add_argument(
        "--form",
        choices=("tables", "steps"),
        help="the form with a list of tables, or with sources, steps and one target (default: either)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it there")


ALL = (add_plan, add_graph, add_run, add_validate, add_sql, add_schema, add_deploy, add_job)


def _comma_separated(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _variable(value: str) -> tuple[str, str]:
    name, sign, content = value.partition("=")
    if not sign or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"'{value}' is not NAME=VALUE")
    return name, content


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"'{value}' is no number of 1 or more")
    return int(value)
