"""Walks from cutting a project to rows in a Delta table, in seventeen steps on real parts, on this machine.

No account and no Docker engine are needed. Everything lies in a temporary folder that is removed at the end;
what remains is a page with all steps, in build/demo.
"""

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

sys.path.append(str(Path(__file__).resolve().parent.parent / "scripts"))

import artifact
import ci
import deploy
import page
import project
import rows
import schedule
from airflow_process import Airflow
from databricks_local.process import LocalWorkspace
from deploy import AIRFLOW_BIN, LAMBDA_PYTHON
from rich.console import Console
from rich.text import Text
from walk import DemoError, Walk

EXAMPLES = """\
examples:
  make demo                          a project that is deployed as a container image
  make demo KIND=dab                 one that is deployed as an asset bundle
  make demo KEEP=1                   leave everything running at the end, until Ctrl-C
  .venv/bin/python demo --json       the steps and the rows as one JSON object
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk; 0 when all steps were done, 1 when one failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="demo",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--kind", choices=("docker", "dab"), default="docker", help="how the project reaches Databricks"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running at the end, until Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print steps and rows as one JSON object")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json, highlight=False, markup=False)
    # A kill must leave no process behind either.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Walk(options.kind, keep=options.keep, console=console) as walk:
            try:
                shown = take(walk)
            # The SDK's errors are of this kind, too.
            except (DemoError, OSError) as error:
                _fail(error)
                _look_around(walk)
                return 1
            if options.json:
                print(json.dumps(shown, default=str, ensure_ascii=False), flush=True)
            if walk.keep:
                _wait()
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 130
    except (DemoError, OSError) as error:
        _fail(error)
        return 1
    return 0


def take(walk: Walk) -> dict[str, object]:
    """Take all steps, and write the page.

    Returns:
        What a program may want to know: the steps, the rows and the page's path.

    Raises:
        DemoError: A step failed.
    """
    for program in AIRFLOW_BIN / "airflow", LAMBDA_PYTHON:
        if not program.exists():
            raise DemoError(f"{program} is missing: `make demo` makes its environment.")
    made = project.cut(walk)
    project.build_environment(walk, made)
    project.add_table(walk, made)
    walk.console.print("       Airflow starts in the background meanwhile; step 12 waits for it.\n")
    airflow = schedule.start_airflow(walk)
    made = ci.push(walk, made)
    workspace = artifact.deliver(walk, made)
    deploy.deploy_dags(walk, made)
    schedule.run_dag(walk, made, workspace, airflow)
    found = rows.read_back(walk, made, workspace)
    written = page.write(walk, made, found)
    walk.console.print(f"All seventeen steps, with their times: {written}", soft_wrap=True)
    if walk.keep:
        _tell_what_runs(walk, workspace, airflow)
    steps = [
        {
            "first": step.first,
            "last": step.last,
            "title": step.title,
            "seconds": round(step.seconds, 1),
            "lines": step.lines,
        }
        for step in walk.steps
    ]
    return {"kind": walk.kind, "steps": steps, "rows": found, "page": str(written)}


def _fail(error: Exception) -> None:
    Console(stderr=True, highlight=False).print(
        Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True
    )


def _look_around(walk: Walk) -> None:
    """After a failure, keep what is there for whoever asked for that."""
    if walk.keep:
        walk.console.print(f"\n{walk.folder} and all that runs are kept until Ctrl-C.", soft_wrap=True)
        _wait()
    else:
        walk.console.print("Its files are gone with the demo; with KEEP=1 they stay until Ctrl-C.")


def _wait() -> None:
    """Wait for Ctrl-C, which is how a kept demo ends."""
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def _tell_what_runs(walk: Walk, workspace: LocalWorkspace, airflow: Airflow) -> None:
    """Print where to look, and how to come in: on the terminal only, for the page may be sent to others."""
    login = workspace.call("POST", "/api/databricks-local/logins")
    lines = {
        "Airflow": f"{airflow.host} (everybody on this machine is its admin)",
        "databricks-local": f"{login['url']} (this link works once)",
        "its token": workspace.token,
        "folder": str(walk.folder),
    }
    walk.console.print("\nEverything is still running until Ctrl-C:")
    for name, value in lines.items():
        walk.console.print(f"  {name:<17} {value}", soft_wrap=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
