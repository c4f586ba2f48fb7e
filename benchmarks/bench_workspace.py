"""databricks-local: the time of routes that run nothing, alone and while runs execute; runs a second.

The client is the standard library's, over one connection that stays open: what is measured is the server, not
what a client does before and after. Bodies and answers are those of the SDK's calls.
"""

import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from databricks_local.process import LocalWorkspace

CALLS = 200
ALLOWED_MS = 10.0
JOBS = 200
RUNS = 300
BURSTS = 4
SUBMITTED = 400
# A burst of clients at once must not be slower for each run than one client alone.
ALLOWED_BURST = 1.5


class Client:
    """One connection to a workspace."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        address = urllib.parse.urlsplit(workspace.host)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self._headers = {
            "Authorization": f"Bearer {workspace.token}",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, values: dict[str, object] | None = None) -> dict:
        body = None
        if values is not None and method == "GET":
            path += "?" + urllib.parse.urlencode(values)
        elif values is not None:
            body = json.dumps(values)
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content) if content else {}


def condition(right: str = "1") -> dict[str, str]:
    return {"left": "1", "op": "EQUAL_TO", "right": right}


def tasks(number: int = 6) -> list[dict[str, object]]:
    """Return a chain of tasks that start no process."""
    return [
        {
            "task_key": f"task_{at}",
            "condition_task": condition(),
            **({"depends_on": [{"task_key": f"task_{at - 1}", "outcome": "true"}]} if at else {}),
        }
        for at in range(number)
    ]


def fill(client: Client) -> dict[str, tuple[str, str, dict[str, object]]]:
    """Make the jobs, runs and files of a workspace in use; return the calls to time, by name."""
    for number in range(JOBS):
        made = client.call(
            "POST",
            "/api/2.2/jobs/create",
            {
                "name": f"job {number}",
                "tasks": tasks(),
                "parameters": [{"name": "day", "default": "2026-11-20"}],
                "max_concurrent_runs": 1000,
            },
        )
    job_id = made["job_id"]
    runs = [client.call("POST", "/api/2.2/jobs/run-now", {"job_id": job_id})["run_id"] for _ in range(RUNS)]
    while client.call("GET", "/api/2.2/jobs/runs/list", {"active_only": "true"}).get("runs"):
        time.sleep(0.1)
    run = client.call("GET", "/api/2.2/jobs/runs/get", {"run_id": runs[-1]})
    folder = "/Users/local@databricks.local/bench"
    client.call("POST", "/api/2.0/workspace/mkdirs", {"path": folder})
    for number in range(50):
        client.call("POST", f"/api/2.0/workspace-files/import-file{folder}/{number}.txt?overwrite=true", {})
    return {
        "scim/v2/Me": ("GET", "/api/2.0/preview/scim/v2/Me", {}),
        "jobs/get": ("GET", "/api/2.2/jobs/get", {"job_id": job_id}),
        "jobs/list": ("GET", "/api/2.2/jobs/list", {"limit": 20}),
        "jobs/runs/get": ("GET", "/api/2.2/jobs/runs/get", {"run_id": runs[-1]}),
        "jobs/runs/get-output": (
            "GET",
            "/api/2.2/jobs/runs/get-output",
            {"run_id": run["tasks"][0]["run_id"]},
        ),
        "jobs/runs/list": ("GET", "/api/2.2/jobs/runs/list", {"limit": 20, "job_id": job_id}),
        "workspace/get-status": ("GET", "/api/2.0/workspace/get-status", {"path": f"{folder}/7.txt"}),
        "workspace/list": ("GET", "/api/2.0/workspace/list", {"path": folder}),
        "permissions": ("GET", f"/api/2.0/permissions/jobs/{job_id}", {}),
        "clusters/list-node-types": ("GET", "/api/2.0/clusters/list-node-types", {}),
        "clusters/spark-versions": ("GET", "/api/2.0/clusters/spark-versions", {}),
    }


@contextmanager
def runs_under_way(workspace: LocalWorkspace) -> Iterator[None]:
    """Have runs of real processes start and end, one after another, as on a workspace in use."""
    client = Client(workspace)
    path = "/Users/local@databricks.local/bench/program.py"
    url = f"/api/2.0/workspace-files/import-file{path}?overwrite=true"
    client.call("POST", url, {})
    stopped = threading.Event()

    def keep_busy() -> None:
        while not stopped.is_set():
            started = client.call(
                "POST",
                "/api/2.2/jobs/runs/submit",
                {
                    "tasks": [
                        {
                            "task_key": "program",
                            "spark_python_task": {"python_file": f"/Workspace{path}"},
                            "environment_key": "default",
                        },
                        *tasks(),
                    ],
                    "environments": [{"environment_key": "default", "spec": {"environment_version": "4"}}],
                },
            )
            get = ("GET", "/api/2.2/jobs/runs/get", {"run_id": started["run_id"]})
            while not stopped.is_set() and not client.call(*get)["end_time"]:
                time.sleep(0.05)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        yield
    finally:
        stopped.set()
        busy.join()


def percentiles(client: Client, call: tuple[str, str, dict[str, object]]) -> tuple[float, float]:
    """Return the median and the 95th percentile of a call, in milliseconds."""
    took = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        client.call(*call)
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def latency(workspace: LocalWorkspace) -> bool:
    client = Client(workspace)
    calls = fill(client)
    alone = {name: percentiles(client, call) for name, call in calls.items()}
    with runs_under_way(workspace):
        time.sleep(1)
        busy = {name: percentiles(client, call) for name, call in calls.items()}
    print(f"Routes that run nothing, with {JOBS} jobs and {RUNS} runs")
    print(f"    {'':<28}{'alone: median':>16}{'p95':>10}{'runs execute: median':>24}{'p95':>10}")
    holds = True
    for name in calls:
        worst = max(alone[name][1], busy[name][1])
        fine = worst <= ALLOWED_MS
        holds &= fine
        times = zip((*alone[name], *busy[name]), (16, 10, 24, 10), strict=True)
        shown = "".join(f"{took:>{width - 3}.1f} ms" for took, width in times)
        verdict = "holds" if fine else "DOES NOT HOLD"
        print(f"    {name:<28}{shown}   {worst / ALLOWED_MS:.2f} of {ALLOWED_MS:.0f} ms: {verdict}")
    return holds


def throughput(workspace: LocalWorkspace) -> bool:
    def submit(number: int) -> None:
        client = Client(workspace)
        for _ in range(number):
            client.call("POST", "/api/2.2/jobs/runs/submit", {"tasks": tasks(1)})

    def idle() -> None:
        client = Client(workspace)
        while client.call("GET", "/api/2.2/jobs/runs/list", {"active_only": "true"}).get("runs"):
            time.sleep(0.05)

    def timed(clients: int) -> float:
        begun = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(submit, [SUBMITTED // clients] * clients))
        idle()
        return (time.perf_counter() - begun) / SUBMITTED * 1000

    turns = [(timed(1), timed(20)) for _ in range(BURSTS)]
    one, many = (statistics.median(column) for column in zip(*turns, strict=True))
    fine = many / one <= ALLOWED_BURST
    print(f"{SUBMITTED} runs of one condition, submitted and ended")
    print(f"    {'one client':<28}{one:>10.1f} ms for each run, {1000 / one:.0f} runs a second")
    print(f"    {'20 clients':<28}{many:>10.1f} ms for each run, {1000 / many:.0f} runs a second")
    verdict = "holds" if fine else "DOES NOT HOLD"
    print(f"    ratio {many / one:.2f}, allowed {ALLOWED_BURST:.2f}: {verdict}")
    return fine


def main() -> int:
    """Print the times and ratios; exit 1 when one does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = LocalWorkspace(Path(folder) / "root").start()
        try:
            return not all([latency(workspace), throughput(workspace)])
        finally:
            workspace.stop()


if __name__ == "__main__":
    sys.exit(main())
