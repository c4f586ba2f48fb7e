"""The Jobs API of a Databricks workspace, on loopback: as much of it as running a job takes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JOB_ID = 42


class JobsApi:
    """A workspace with one job.

    Attributes:
        result: that its runs end with, such as SUCCESS.
        started: the request for each run.
        waited_for: the runs whose end the triggerer was told.
    """

    def __init__(self, job_name: str, result: str = "SUCCESS") -> None:
        self.job_name = job_name
        self.result = result
        self.started: list[dict[str, Any]] = []
        self.waited_for: set[int] = set()
        self.port = 0

    def answer(self, method: str, path: str, asked: dict[str, Any], agent: str) -> dict[str, Any]:
        """Answer a request; a run has ended as soon as the triggerer asks, which says so."""
        action = path.partition("/jobs/")[2]
        if (method, action) == ("GET", "list"):
            job = {"job_id": JOB_ID, "settings": {"name": self.job_name}}
            return {"jobs": [job] if asked.get("name") in (None, self.job_name) else []}
        if (method, action) == ("POST", "run-now"):
            tokens = [run["idempotency_token"] for run in self.started]
            if asked["idempotency_token"] not in tokens:
                self.started.append(asked)
                tokens.append(asked["idempotency_token"])
            return {"run_id": 1 + tokens.index(asked["idempotency_token"])}
        if (method, action) == ("GET", "runs/get"):
            run_id = int(asked["run_id"])
            page = f"http://127.0.0.1:{self.port}/run/{run_id}"
            state = {"life_cycle_state": "RUNNING", "state_message": ""}
            if "Trigger" in agent:
                self.waited_for.add(run_id)
            if run_id in self.waited_for:
                state |= {"life_cycle_state": "TERMINATED", "result_state": self.result}
            return {"run_id": run_id, "job_id": JOB_ID, "run_page_url": page, "state": state}
        raise LookupError(f"{method} {path}")

    @contextmanager
    def serve(self) -> Iterator["JobsApi"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.api = self  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = server.server_port
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        # The provider sends the parameters of some GETs in the body.
        asked |= self._body()
        self._answer(parts.path, asked)

    def do_POST(self) -> None:
        self._answer(self.path, self._body())

    def _body(self) -> dict[str, Any]:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def _answer(self, path: str, asked: dict[str, Any]) -> None:
        agent = self.headers["User-Agent"]
        answer = self.server.api.answer(self.command, path, asked, agent)  # type: ignore[attr-defined]
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
