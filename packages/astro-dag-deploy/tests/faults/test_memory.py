"""1,000 files by one request stay below the memory that the function has."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import make_bucket

FILES = 1_000
# Of the function: MemorySize in template.yml.
MEMORY = 256
LINE = "def step_{number}(context):\n    return context['ti'].xcom_pull(task_ids='step_{number}')\n"


def dag_of(number):
    return f"NUMBER = {number}\n" + "".join(LINE.format(number=step) for step in range(60))


def test_a_thousand_files_fit_into_the_memory_of_the_function(cloud):
    files = {f"orders/dag_{number:04}.py": dag_of(number) for number in range(FILES)}
    assert 4_500 < len(files["orders/dag_0000.py"]) < 5_500
    event = cloud.event("orders", files)
    # A request's own text takes the most; every fourth file is none of it.
    put_sources(cloud, [dag["dag_file"] for dag in event["body"]["dags"][::4]])
    assert carry_out(cloud, event)["peak"] < MEMORY
    assert cloud.bundle() == files


def test_the_largest_set_fits_into_the_memory_of_the_function(cloud):
    files = {f"orders/{number}.json": "1" * 2**21 for number in range(15)}
    event = cloud.event("orders", {"orders/dag.py": "", **files})
    put_sources(cloud, event["body"]["dags"][0]["dependencies"])
    assert carry_out(cloud, event)["peak"] < MEMORY


def carry_out(cloud, event):
    """Carry a request out in a process of its own, and return what memory that took, in MiB."""
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("measuring.py")],
        input=json.dumps(event),
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = json.loads(ended.stdout)
    answer = report.pop("answer")
    assert answer["body"]["files"]["deployed"] == len(cloud.bundle()), answer
    print(report)  # noqa: T201
    return report


def put_sources(cloud, files):
    client, bucket = cloud.s3, f"{cloud.bucket}-sources"
    make_bucket(bucket)

    def put(file):
        client.put_object(Bucket=bucket, Key=file["path"], Body=file.pop("text").encode())
        file["source"] = f"s3://{bucket}/{file['path']}"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, files))
