"""Planning pipelines of 100, 1,000 and 10,000 tables: the time of a table must not grow with their number."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import DEVNULL

from timing import BIN

SIZES = (100, 1_000, 10_000)
# Ten times the tables: linear work gives 1 and quadratic work 10. What the processor's caches no longer hold
# costs up to twice as much for each table.
ALLOWED = 2.5


def write_pipeline(folder: Path, tables: int) -> Path:
    """Write a pipeline of layers: each table reads up to three of the layer before, so diamonds abound."""
    bronze = tables // 4
    lines = ["name: large", "tables:"]
    for i in range(tables):
        if i < bronze:
            lines += [
                f"  - name: bronze_{i}",
                "    layer: bronze",
                f"    tags: [{'daily' if i % 2 else 'weekly'}]",
                f"    source: {{format: json, path: data/{i}}}",
            ]
            continue
        layer = "silver" if i < 3 * bronze else "gold"
        before = [j for j in (i - bronze, i - bronze + 1, i - bronze // 2) if j < i]
        names = [f"{'bronze' if j < bronze else 'silver' if j < 3 * bronze else 'gold'}_{j}" for j in before]
        joined = " ".join(f"JOIN {name} USING (id)" for name in names[1:])
        lines += [
            f"  - name: {layer}_{i}",
            f"    layer: {layer}",
            f"    tags: [{'daily' if i % 3 else 'critical'}]",
            f"    depends_on: [{', '.join(names)}]",
            "    expectations: [{type: null_check, columns: [id], action: drop}]",
            f"    transformation: {{type: sql, query: SELECT id FROM {names[0]} {joined}}}",
        ]
    path = folder / f"config_{tables}.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def best(call: Callable[[], object], runs: int) -> float:
    """Return the seconds of the fastest call: the others say what else the machine did."""
    took = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        took.append(time.perf_counter() - begun)
    return min(took)


def main() -> int:
    """Print the times and ratios; exit 1 when planning does not stay linear."""
    from skyspark.pipeline.plan import Selection, make_plan
    from skyspark.pipeline.read import load_pipeline

    selections = {
        "all tables": Selection(),
        "a selection": Selection(
            tags=["daily", "critical"],
            select=["@layer:silver and not 2+gold_*1", "tag:daily+3"],
            exclude=["*7"],
        ),
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for tables in SIZES:
            config = write_pipeline(Path(folder), tables)
            runs = 5 if tables < SIZES[-1] else 3
            loaded = load_pipeline(config)
            times = {
                f"plan, {name}": best(partial(make_plan, loaded, one), 21) for name, one in selections.items()
            }
            times["load"] = best(partial(load_pipeline, config), runs)
            command = [BIN / "skyspark", "plan", config, "--json"]
            times["skyspark plan, in all"] = best(
                partial(subprocess.run, command, check=True, stdout=DEVNULL), runs
            )
            rows.append(times)
    print("Planning")
    print(
        f"    {'':<24}" + "".join(f"{size:>12,} tables" for size in SIZES) + "   per table, largest : middle"
    )
    holds = True
    for name in rows[0]:
        shown = "".join(f"{times[name] * 1000:>16.1f} ms" for times in rows)
        ratio = (rows[-1][name] / SIZES[-1]) / (rows[-2][name] / SIZES[-2])
        fine = ratio <= ALLOWED
        holds &= fine
        verdict = "holds" if fine else "DOES NOT HOLD"
        print(f"    {name:<24}{shown}   {ratio:.2f}, allowed {ALLOWED:.2f}: {verdict}")
    return not holds


if __name__ == "__main__":
    sys.exit(main())
