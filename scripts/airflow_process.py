"""A real `airflow standalone` in a folder of its own, and its REST API."""

import contextlib
import http
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil  # type: ignore[import-untyped]

_STOP_S = 30.0
_ANSWER_S = 120.0
_PATIENCE_S = 600.0
# Below those that kernels give to whoever asks for any port: it takes half a minute before Airflow listens.
_PORTS = range(20000, 30000)

# What production has time for would be most of a short run: asking twice in a minute whether a job has ended,
# and minutes before a failed task is tried again.
_POLICY = '''\
"""What this Airflow asks of all tasks."""


def task_policy(task):
    """Ask often, and fail at once."""
    task.retries = 0
    if hasattr(task, "polling_period_seconds"):
        task.polling_period_seconds = 1
'''
_BUSY = {
    # The files do not change, and reading them again takes seconds of a processor.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # Where others use the processors, too, nothing is as fast as it expects.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
}

Json = dict[str, Any]


class AirflowError(Exception):
    """Airflow does not run, or does not know a Dag; the text says why."""


class Airflow:
    """All of Airflow below one process, with SQLite, the local executor and no password, on 127.0.0.1.

    Its tasks are not tried again, and ask each second whether what they wait for has ended. A Dag's file is
    read once.

    Attributes:
        host: The address of its pages and of its API.
        log: The file with what its processes said.
    """

    def __init__(self, home: Path, bin_folder: Path, variables: Mapping[str, str]) -> None:
        """Prepare it; entering it as a context starts it, leaving it ends all of its processes.

        Args:
            home: `AIRFLOW_HOME`; the Dags lie in `dags` below it.
            bin_folder: Where the programs of its environment lie.
            variables: Further variables of the environment, such as those of connections.
        """
        # All three are held until each is known, so no two are the same.
        with contextlib.ExitStack() as held:
            api, worker, trigger = (_free_port(held) for _ in range(3))
        self.host = f"http://127.0.0.1:{api}"
        self.log = home / "standalone.log"
        self._home = home
        self._token = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")},
            # It starts its parts by the name `airflow`.
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__BASE_URL": self.host,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(api),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.host}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger),
            **_BUSY,
            **variables,
        }

    def __enter__(self) -> "Airflow":
        """Start it; `wait_for_dags` says when it is there."""
        settings = self._home / "config" / "airflow_local_settings.py"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(_POLICY, encoding="utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["airflow", "standalone"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for this process, which then ends all of Airflow's in an order of its own.
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, and all processes that have its folder in their environment."""
        if self._process is None:
            return
        # The API's server writes its title over its environment, so that its folder is not to be seen there.
        below: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self._process.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        left = {*below, *self._processes()}
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=_STOP_S)
        self._process.wait()
        self._process = None

    def call(self, method: str, path: str, body: object = None) -> Json:
        """Call the API, see `/docs` of the server.

        Args:
            method: The HTTP method.
            path: The path with its query, below the host.
            body: What is sent as JSON.

        Raises:
            AirflowError: The request is refused.
            OSError: Nobody answers, or the answer is an error of the server.
        """
        request = urllib.request.Request(  # noqa: S310 (the address is the server's own)
            self.host + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:  # noqa: S310
                answer: Json = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            said = f"{method} {path} answered {error.code}: {error.read().decode()}"
            if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise OSError(said) from None
            raise AirflowError(said) from None

    def get(self, path: str) -> Json:
        """Ask the API, again and again while it does not answer: one process with SQLite is not always quick.

        Args:
            path: The path with its query, below the host.

        Raises:
            AirflowError: The answer is an error, or there has been none for ten minutes.
        """
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self.call("GET", path)
            except OSError as error:
                if time.monotonic() > end:
                    raise AirflowError(f"GET {path} is not answered: {error}") from None
                time.sleep(1)

    def runs(self, dag_id: str) -> list[Json]:
        """Return the runs of a Dag, as the API shows them."""
        runs: list[Json] = self.get(f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
        return runs

    def tasks(self, run: Json) -> list[Json]:
        """Return the task instances of a run, as the API shows them."""
        path = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        tasks: list[Json] = self.get(path)["task_instances"]
        return tasks

    def task_log(self, task: Json) -> list[str]:
        """Return the lines that the last try of a task instance logged."""
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        entries = self.get(f"{path}/logs/{task['try_number']}?full_content=true")["content"]
        # The others say which files the log was put together from, and where a viewer may fold it.
        said = (entry for entry in entries if entry.get("timestamp") and not entry["event"].startswith("::"))
        return [f"{entry['timestamp'][11:19]} {entry['event']}" for entry in said]

    def wait_for_dags(
        self, dag_ids: Collection[str], seconds: float, tell: Callable[[str], None] | None = None
    ) -> None:
        """Return once all parts run and these Dags have been parsed.

        Args:
            dag_ids: The Dags, or none of them.
            seconds: How long to wait.
            tell: Is told, again and again, what is not there yet.

        Raises:
            AirflowError: Airflow ended, a file cannot be imported, or it took too long.
        """
        end = time.monotonic() + seconds
        missing = "the API"
        while time.monotonic() < end:
            if ended := self._ended():
                raise AirflowError(f"{ended} has ended: {self._last_words()}")
            with contextlib.suppress(OSError):
                missing = self._missing(dag_ids)
                if not missing:
                    return
            if tell:
                tell(f"waiting for {missing}")
            time.sleep(1)
        raise AirflowError(f"Airflow lacks {missing} after {seconds:.0f} s: {self._last_words()}")

    def _ended(self) -> str:
        """Say what of it has ended by itself; empty while all of it runs."""
        if self._process is None or self._process.poll() is not None:
            return "airflow standalone"
        # It goes on without the parts that it has started, and does not ask how they ended.
        with contextlib.suppress(psutil.Error):
            parts = psutil.Process(self._process.pid).children()
            if any(part.status() == psutil.STATUS_ZOMBIE for part in parts):
                return "a part of airflow standalone"
        return ""

    def _missing(self, dag_ids: Collection[str]) -> str:
        if not self._token:
            self._token = self.call("GET", "/auth/token")["access_token"]
        health = self.call("GET", "/api/v2/monitor/health")
        parts = [name for name, part in health.items() if part["status"] != "healthy"]
        if parts:
            return ", ".join(parts)
        for error in self.call("GET", "/api/v2/importErrors")["import_errors"]:
            raise AirflowError(f"{error['filename']} cannot be imported: {error['stack_trace']}")
        known = {dag["dag_id"] for dag in self.call("GET", "/api/v2/dags?limit=100")["dags"]}
        return ", ".join(sorted(set(dag_ids) - known))

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("AIRFLOW_HOME") == str(self._home):
                    found.append(process)
        return found


def _free_port(held: contextlib.ExitStack) -> int:
    while True:
        port = secrets.choice(_PORTS)
        listening = socket.socket()
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            continue
        held.enter_context(listening)
        return port
