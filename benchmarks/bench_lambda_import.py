"""The import of the deploy Lambda's handler from its zip, against that of boto3 alone, in processor time.

Each process sees the unpacked zip and what Lambda's runtime brings, and keeps no compiled modules. Lambda
cannot keep them either: a cold start compiles what was not compiled when the zip was built. boto3 was.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from timing import BIN, REPOSITORY, report

RUNS = 15
ALLOWED = {"as it is": 3.0, "compiled": 1.6}
PACKAGE = REPOSITORY / "packages" / "astro-dag-deploy"
PYTHON = REPOSITORY / ".venvs" / "lambda" / "bin" / "python"
# The runtime's boto3 and what it needs.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
HANDLER = "astro_dag_deploy.main"
PROBE = """
import time
begun = time.process_time()
import {}
print(time.process_time() - begun)
"""


def unpack(folder: Path, words: list[str]) -> Path:
    """Build the zip for this Python and return where it is unpacked."""
    output = folder / "lambda.zip"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [PYTHON, PACKAGE / "build_zip.py", "lambda", "--uv", BIN / "uv", "--output", output]
    machine = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    more = ["--architecture", machine, "--python-version", version, *words]
    subprocess.run([*command, *more], check=True)
    with zipfile.ZipFile(output) as archive:
        archive.extractall(folder / "task")
    return folder / "task"


def runtime(folder: Path) -> Path:
    """Return a folder with what Lambda's runtime brings."""
    listed = subprocess.run(
        [PYTHON, "-c", "import boto3, pathlib; print(pathlib.Path(boto3.__file__).parents[1])"],
        check=True,
        capture_output=True,
        text=True,
    )
    folder.mkdir()
    for name in RUNTIME:
        (folder / name).symlink_to(Path(listed.stdout.strip(), name))
    return folder


def best(imports: Mapping[str, tuple[str, list[Path]]]) -> dict[str, float]:
    """Return the least processor seconds of the import of each module in a new process, measured in turns."""
    took: dict[str, list[float]] = {name: [] for name in imports}
    for turn in range(RUNS + 1):
        for name, (module, folders) in imports.items():
            done = subprocess.run(
                # -S: nothing of an environment; -B: as on a disk that cannot be written.
                [PYTHON, "-S", "-B", "-c", PROBE.format(module)],
                env={"PYTHONPATH": os.pathsep.join(map(str, folders))},
                check=True,
                capture_output=True,
                text=True,
            )
            if turn:
                took[name].append(float(done.stdout))
    return {name: min(values) for name, values in took.items()}


def main() -> int:
    """Print the ratios; exit 1 when one does not hold."""
    holds = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        brought = runtime(folder / "runtime")
        for form, words in {"as it is": [], "compiled": ["--compile-with", str(PYTHON)]}.items():
            (folder / form).mkdir()
            task = unpack(folder / form, words)
            times = best({"the handler": (HANDLER, [task, brought]), "boto3 alone": ("boto3", [brought])})
            holds.append(report(f"Cold import from the zip, {form}", *times, times, ALLOWED[form]))
    return not all(holds)


if __name__ == "__main__":
    sys.exit(main())
