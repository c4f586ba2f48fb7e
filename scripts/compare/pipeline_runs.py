"""What the packages do with a small pipeline of their own kind, run on this machine."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from compare.environments import environment, packages
from compare.libraries import Library
from compare.machine import REPOSITORY, Machine, expect, write_tree

_PROBES = Path(__file__).parent / "probes"
# Of who runs this: scenarios have a home folder of their own.
_JARS = Path.home() / ".cache" / "skyspark"
_SPARK_41 = REPOSITORY / ".venvs" / "spark41" / "bin" / "python"

CONFIG = """\
name: compare
schema: compare
storage: storage
tables:
  - name: bronze_orders
    tags: [daily]
    source: {format: json, path: landing, schema: "id INT, amount INT"}
  - name: silver_orders
    depends_on: bronze_orders
    expectations:
      - {expression: amount < 100, name: small, action: warn}
      - {expression: amount > 0, name: positive, action: drop}
    target: {quarantine: true}
  - name: gold_history
    depends_on: silver_orders
    transformation: {type: sql, query: "SELECT id, amount FROM silver_orders"}
    target: {mode: merge, keys: [id], scd_type: 2, sequence_by: amount}
"""


@cache
def sdp_meta() -> dict[str, Any]:
    """Onboard one flow on plain Spark once; return what sdp-meta asks of the engine."""
    probe = _PROBES / "sdp_meta.py"
    cached = {"SKYSPARK_CACHE_DIR": str(_JARS), "PYTHONPATH": str(packages("sdp-meta"))}
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        machine = Machine(Path(folder).resolve())
        done = machine.run(_SPARK_41, probe, machine.place, env=cached, timeout=1800)
        expect(done.code == 0, done.said)
        found: dict[str, Any] = json.loads((machine.place / "found.json").read_text(encoding="utf-8"))
        return found


@cache
def skyspark(program: Path) -> tuple[int, str]:
    """Run the three tables once; return the exit code, and the run's results with its tables."""
    rows = ({"id": 1, "amount": 5}, {"id": 2, "amount": -1}, {"id": 3, "amount": 500})
    cached = {"SKYSPARK_CACHE_DIR": str(_JARS)}
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        machine = Machine(Path(folder).resolve())
        landing = "".join(f"{json.dumps(row)}\n" for row in rows)
        write_tree(machine.place, {"config.yml": CONFIG, "landing/a.json": landing})
        done = machine.run(program, "run", "config.yml", env=cached, timeout=900)
        found = list(machine.place.glob("storage/**/run_results.json"))
        expect(found, done.said)
        tables = " ".join(path.name for path in machine.place.glob("spark-warehouse/**/*quarantine"))
        return done.code, found[0].read_text(encoding="utf-8") + tables


def brickflow(tool: Library, machine: Machine, what: str) -> str:
    """Call or deploy a workflow of brickflow's; return what was said."""
    probe = (_PROBES / "brickflow_project.py").read_text(encoding="utf-8")
    write_tree(machine.place, {"entrypoint.py": probe})
    given = {"BRICKFLOW_MODE": "deploy", "BRICKFLOW_ENV": "local", "BRICKFLOW_DEPLOYMENT_MODE": "bundle"}
    python = environment("brickflow") / "bin" / "python"
    done = machine.run(python, "entrypoint.py", what, env={**tool.variables, **given})
    expect(done.code == 0, done.said)
    return done.said
