"""The import of a generated Dag against that of the same Dag on the bare provider, in processor time.

The promise is about all of the import in a new process, Airflow's own included. The other two figures are
only printed, each of a process that was forked from one that had imported something before: the file alone,
after Airflow's SDK and the provider; and a parse of the Dag processor, which has the modules of `airflow.`
that the file names, and those of plugins, before it forks. An import waits for nothing, so processor time is
what it costs, whatever else the machine does.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from timing import BIN, REPOSITORY, report

RUNS = 9
FORKS = 31
ALLOWED = 1.1
PYTHON = REPOSITORY / ".venvs" / "airflow" / "bin" / "python"
BARE = REPOSITORY / "benchmarks" / "bare_dags"
AFTER = {
    "the file alone, after airflow.sdk and the provider": [
        "airflow.sdk",
        "airflow.providers.databricks.operators.databricks",
    ],
    "a parse of the Dag processor": [
        "airflow.dag_processing.processor",
        "airflow.providers.databricks.plugins.databricks_workflow",
        "named",
    ],
}
# For each line it reads it forks, and prints the seconds that the file took and the tasks of its Dags.
PROBE = """
import gc, importlib, os, runpy, sys, time
from airflow.sdk import DAG
from airflow.utils.file import iter_airflow_imports
file, *modules = sys.argv[1:]
for module in modules:
    for name in iter_airflow_imports(file) if module == "named" else [module]:
        importlib.import_module(name)
for _ in sys.stdin:
    if not os.fork():
        begun = time.process_time()
        kept = runpy.run_path(file)
        took = time.process_time() - begun
        dags = [each for each in gc.get_objects() if isinstance(each, DAG)]
        print(took, *sorted(f"{dag.dag_id}.{task}" for dag in dags for task in dag.task_ids), flush=True)
        os._exit(0)
    os.wait()
"""


def whole(files: Mapping[str, Path], environment: Mapping[str, str]) -> dict[str, float]:
    """Return the median seconds of a new process for each file, measured in turns after one warm-up."""
    took: dict[str, list[float]] = {name: [] for name in files}
    for turn in range(RUNS + 1):
        for name, file in files.items():
            before = os.times()
            subprocess.run([PYTHON, file], check=True, capture_output=True, env=environment)
            after = os.times()
            if turn:
                spent = after.children_user + after.children_system
                took[name].append(spent - before.children_user - before.children_system)
    return {name: statistics.median(values) for name, values in took.items()}


def alone(files: Mapping[str, Path], modules: list[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Return the median seconds that each file takes after some modules, measured in turns."""
    took: dict[str, list[float]] = {name: [] for name in files}
    tasks = set()
    with ExitStack() as running:
        probes = {
            name: running.enter_context(
                subprocess.Popen(
                    [PYTHON, "-c", PROBE, file, *modules],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for name, file in files.items()
        }
        for turn in range(FORKS + 1):
            for name, probe in probes.items():
                print(file=probe.stdin, flush=True)
                time, *found = probe.stdout.readline().split()
                tasks.add(tuple(found))
                if turn:
                    took[name].append(float(time))
        for probe in probes.values():
            probe.stdin.close()
    if len(tasks) != 1:
        raise SystemExit(f"error: these are not the same Dag: {tasks}")
    return {name: statistics.median(values) for name, values in took.items()}


def cut(kind: str, out: Path) -> Path:
    """Cut a project, and return the file of its Dag."""
    words = ["--no-input", "--set", f"type_of_task={kind}", "--output-dir", out]
    if kind == "dab":
        for number, target in enumerate(("dev", "prod"), 1):
            principal = f"{str(number) * 8}-0000-4000-8000-000000000000"
            words += ["--set", f"service_principal_application_id_{target}={principal}"]
    subprocess.run([BIN / "mshell-cut", "cut", "skyspark", *words], check=True, stdout=subprocess.DEVNULL)
    (file,) = out.glob("*/dags/*.py")
    return file


def main() -> int:
    """Print the ratios; exit 1 when the promised one does not hold."""
    holds = []
    with tempfile.TemporaryDirectory() as folder:
        # Users' machines keep compiled modules.
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment = kept | {"AIRFLOW_HOME": folder}
        for kind in ("docker", "dab"):
            files = {"generated": cut(kind, Path(folder, kind)), "bare provider": BARE / f"{kind}.py"}
            medians = whole(files, environment)
            holds.append(report(f"{kind}: the import with all of Airflow", *files, medians, ALLOWED))
            for title, modules in AFTER.items():
                ours, theirs = alone(files, modules, environment).values()
                print(f"{kind}: {title} (not promised)")
                print(f"    {ours * 1000:.1f} ms, bare {theirs * 1000:.1f} ms, ratio {ours / theirs:.2f}")
    return not all(holds)


if __name__ == "__main__":
    sys.exit(main())
