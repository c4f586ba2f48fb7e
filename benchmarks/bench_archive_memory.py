"""airflow-platform: the memory of the task that brings the archive, for a Posts.xml of 2 GB made on the fly.

Measured is the peak of the task's own process, as it is in its pod: Airflow reads the DAG and executes the
task, with the archive from a host on loopback to moto's S3. How long it takes is printed, not promised.
"""

import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from timing import BIN

POSTS_BYTES = 2 * 1000**3
USERS_BYTES = 100 * 1000**2
ALLOWED_MB = 300
# The largest that 7-Zip chooses by itself: who unpacks must hold as much of what is unpacked in memory.
DICTIONARY_BYTES = 64 * 1024**2
WORDS = ["model", "training", "data", "loss", "gradient", "layer", "kernel", "tensor", "feature", "epoch"]


class Rows(io.BufferedIOBase):
    """A member of an archive that is made as it is read: packed, it has a tenth of its size.

    Args:
        least_bytes: it ends with the first row after so many.
    """

    def __init__(self, least_bytes: int) -> None:
        chance = random.Random(9)
        self._bytes = chance.randbytes
        self._choices = chance.choices
        self._sentences = [" ".join(chance.choices(WORDS, k=12)) for _ in range(5_000)]
        self._left = least_bytes
        self._made = bytearray(b'<?xml version="1.0" encoding="utf-8"?>\n<rows>\n')
        self.rows = 0

    def read(self, size: int = -1) -> bytes:
        while len(self._made) < size and self._left > 0:
            self.rows += 1
            body = " ".join(self._choices(self._sentences, k=12))
            row = (
                f'  <row Id="{self.rows}" Body="&lt;p&gt;{body}" Hash="{self._bytes(8).hex()}" />\n'.encode()
            )
            self._made += row
            self._left -= len(row)
            if self._left <= 0:
                self._made += b"</rows>\n"
        taken = bytes(self._made[:size])
        del self._made[:size]
        return taken

    # py7zr asks how long it is, and goes by what it reads.
    def seek(self, *_: int) -> int:
        return 0

    def tell(self) -> int:
        return 0


def pack(archive: Path) -> None:
    """Make the archive, and print how many rows its members have."""
    import py7zr

    filters = [{"id": py7zr.FILTER_LZMA2, "preset": 0, "dict_size": DICTIONARY_BYTES}]
    counted = {}
    with py7zr.SevenZipFile(archive, "w", filters=filters) as packed:
        for name, least_bytes in {"Posts.xml": POSTS_BYTES, "Users.xml": USERS_BYTES}.items():
            rows = Rows(least_bytes)
            packed.writef(rows, name)
            counted[name] = rows.rows
    print(json.dumps(counted))


def serve_s3() -> None:
    """Be S3, with the project's bucket, and print the address."""
    import boto3
    from moto.server import ThreadedMotoServer
    from stack_exchange.assets import BUCKET, BUCKET_REGION

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=address, region_name=BUCKET_REGION).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": BUCKET_REGION}
    )
    print(address, flush=True)
    sys.stdin.read()


class NoEvents:
    """What a task is told of an asset that has no event yet."""

    def __getitem__(self, _: object) -> "NoEvents":
        return self

    def ascending(self, _: bool) -> "NoEvents":
        return self

    def limit(self, _: int) -> list:
        return []


def run_task(dags: Path) -> None:
    """Read the DAG and execute its task, as in a pod; print the events and the peak of memory."""
    import resource

    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk.execution_time.context import OutletEventAccessors

    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "produce_data_assets"
    bag = BundleDagBag(
        dag_folder=dags / "produce_data_assets.py", bundle_path=dags, bundle_name="dags-folder"
    )
    task = bag.dags["produce_data_assets"].get_task("land_archive")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    events = OutletEventAccessors()
    task.execute({"inlet_events": NoEvents(), "outlet_events": events})
    print(
        json.dumps(
            {
                "rows": [events[asset].extra["rows"] for asset in task.outlets],
                "before_mb": before * 1024 / 1e6,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            }
        )
    )


@contextmanager
def serving(command: list, **options: object) -> Iterator[str]:
    """Have a server run, and give the address that it prints."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes, **options) as server:
        try:
            for line in server.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            yield found[0]
        finally:
            server.kill()


def write_list(archive: Path) -> None:
    """Describe the archive as its host does, beside it."""
    with archive.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha1").hexdigest()
    archive.with_name(f"{archive.parent.name}_files.xml").write_text(
        f'<files><file name="{archive.name}"><size>{archive.stat().st_size}</size>'
        f"<sha1>{checksum}</sha1></file></files>"
    )


def measure(project: Path, folder: Path) -> dict:
    """Return what the task says of itself, and what was in the archive."""
    python = project / ".venv" / "bin" / "python"
    archive = folder / "download" / "stackexchange" / "site.7z"
    archive.parent.mkdir(parents=True)
    me = [python, Path(__file__).resolve()]
    environment = {
        **os.environ,
        "PYTHONPATH": str(project / "dags"),
        "TMPDIR": str(folder),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    packed = subprocess.run(
        [*me, "pack", archive], env=environment, check=True, capture_output=True, text=True
    ).stdout
    write_list(archive)
    host = [python, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, "0"]
    with serving([*me, "s3"], env=environment) as s3, serving(host) as address:
        connection = {"conn_type": "aws", "extra": {"endpoint_url": s3}}
        environment |= {
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
            "STACK_EXCHANGE_ARCHIVE_URL": f"{address}/download/stackexchange/site.7z",
        }
        begun = time.perf_counter()
        ran = subprocess.run(
            [*me, "task", project / "dags"], env=environment, stdout=subprocess.PIPE, text=True
        )
        if ran.returncode:
            raise SystemExit("error: the task failed, as it says above")
        took = time.perf_counter() - begun
    return {
        **json.loads(ran.stdout.splitlines()[-1]),
        "made": list(json.loads(packed).values()),
        "archive_mb": archive.stat().st_size / 1e6,
        "seconds": took,
    }


def main() -> int:
    """Print the memory; exit 1 when it is more than what is promised."""
    with tempfile.TemporaryDirectory() as cut, tempfile.TemporaryDirectory() as folder:
        command = [BIN / "mshell-cut", "cut", "airflow-platform", "--no-input", "--output-dir", cut]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        project = Path(cut, "airflow-platform")
        subprocess.run(["make", "build-dev"], cwd=project, check=True, stdout=subprocess.DEVNULL)
        told = measure(project, Path(folder))
    if told["rows"] != told["made"]:
        raise SystemExit(f"error: the archive has {told['made']} rows, S3 {told['rows']}")
    holds = told["peak_mb"] <= ALLOWED_MB
    print(f"Bringing {POSTS_BYTES / 1e9:.1f} GB of posts, {told['archive_mb']:.0f} MB in the archive")
    print(f"    the task's process, before it begins         {told['before_mb']:8.0f} MB")
    print(f"    at its peak                                  {told['peak_mb']:8.0f} MB")
    print(f"    allowed {ALLOWED_MB} MB: {'holds' if holds else 'DOES NOT HOLD'}")
    print(f"    it took {told['seconds']:.0f} s (for information)")
    return not holds


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["pack", file]:
            pack(Path(file))
        case ["s3"]:
            serve_s3()
        case ["task", folder]:
            run_task(Path(folder))
        case _:
            sys.exit(main())
