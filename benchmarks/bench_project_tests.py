"""A generated project's `make test`, run again, against the same tests on Spark's defaults with Ivy."""

import subprocess
import sys
import tempfile
from pathlib import Path

from timing import BIN, REPOSITORY, report, seconds


def main() -> int:
    """Print the ratio; exit 1 when it does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        cut = [BIN / "mshell-cut", "cut", "skyspark", "--no-input", "--output-dir", folder]
        subprocess.run(cut, check=True, stdout=subprocess.DEVNULL)
        project = Path(folder, "stack-exchange-pipeline")
        subprocess.run(["make", "build-dev"], cwd=project, check=True, stdout=subprocess.DEVNULL)
        ours, theirs = "make test", "make test, Spark's defaults and Ivy"
        medians = seconds(
            {ours: ["make", "test"], theirs: ["make", "test", "ARGS=-p spark_defaults"]},
            runs=3,
            cwd={ours: project, theirs: project},
            env={theirs: {"PYTHONPATH": str(REPOSITORY / "benchmarks")}},
        )
    return not report("A project's tests, second run", ours, theirs, medians, 0.5)


if __name__ == "__main__":
    sys.exit(main())
