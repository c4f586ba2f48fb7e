"""A Databricks workspace on the loopback interface: the routes that a deployment calls, with their state."""

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER = "ada@example.com"
PAGE = 2


class Fault:
    """What goes wrong with the next call of a route, once."""

    def __init__(self, method: str, path: str, status: int, *, after: bool = False, **headers: str) -> None:
        self.method, self.path, self.status, self.after, self.headers = method, path, status, after, headers


class FakeWorkspace:
    """The state of the workspace, and what was called."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | None] = {"/Workspace/Users/" + USER: None}
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.updates: dict[str, list[str]] = {}
        self.runs: dict[int, list[dict[str, Any]]] = {}
        self.events: list[dict[str, Any]] = []
        self.states = ["INITIALIZING", "RUNNING", "COMPLETED"]
        self.results = "SUCCESS"
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.lock = threading.Lock()

    @property
    def writes(self) -> list[str]:
        """The calls that changed something."""
        return [f"{method} {path}" for method, path in self.calls if method != "GET"]

    def names(self) -> Counter[str]:
        """How many pipelines have each name."""
        return Counter(spec["name"] for spec in self.pipelines.values())

    # Each route gives status and answer.

    def handle(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/.well-known/databricks-config":
            return 404, missing("no such page")
        if path == "/api/2.0/preview/scim/v2/Me":
            return 200, {"id": "1", "userName": USER}
        if path.startswith("/api/2.0/workspace/"):
            return self.workspace(path.rpartition("/")[2], query | body)
        if path.startswith("/api/2.2/jobs/"):
            return self.job(path.removeprefix("/api/2.2/jobs/"), query, body)
        if path.startswith("/api/2.0/pipelines"):
            return self.pipeline(method, [p for p in path.split("/")[4:] if p], query, body)
        return 404, missing(f"no route {path}")

    def workspace(self, action: str, values: dict[str, Any]) -> tuple[int, Any]:
        path = values["path"]
        if action == "mkdirs":
            parts = path.split("/")
            for i in range(2, len(parts) + 1):
                self.files.setdefault("/".join(parts[:i]), None)
            return 200, {}
        if action == "import":
            if path.rpartition("/")[0] not in self.files:
                return 404, missing(f"The parent folder ({path.rpartition('/')[0]}) does not exist.")
            if path in self.files and not values.get("overwrite"):
                return 400, {"error_code": "RESOURCE_ALREADY_EXISTS", "message": f"{path} exists."}
            assert values["format"] == "RAW"
            self.files[path] = base64.b64decode(values["content"])
            return 200, {}
        if path not in self.files:
            return 404, missing(f"Path ({path}) doesn't exist.")
        if action == "export":
            return 200, self.files[path]
        if action == "delete":
            self.files = {p: c for p, c in self.files.items() if p != path and not p.startswith(path + "/")}
            return 200, {}
        children = [p for p in self.files if p.rpartition("/")[0] == path]
        kinds = {p: "DIRECTORY" if self.files[p] is None else "FILE" for p in children}
        return 200, {"objects": [{"path": p, "object_type": kinds[p], "object_id": 1} for p in children]}

    def pipeline(
        self, method: str, parts: list[str], query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        if not parts:
            if method == "GET":
                return 200, self.listed_pipelines(query)
            if body["name"] in self.names():
                return 409, {
                    "error_code": "RESOURCE_CONFLICT",
                    "message": f"The name {body['name']} is taken.",
                }
            pipeline_id = f"p-{len(self.pipelines) + 1}"
            self.pipelines[pipeline_id] = body
            return 200, {"pipeline_id": pipeline_id}
        pipeline_id, *rest = parts
        if pipeline_id not in self.pipelines:
            return 404, missing(f"The specified pipeline {pipeline_id} was not found.")
        if rest == ["updates"]:
            update_id = f"u-{len(self.updates) + 1}"
            self.updates[update_id] = list(self.states)
            return 200, {"update_id": update_id}
        if rest[:1] == ["updates"]:
            states = self.updates[rest[1]]
            state = states.pop(0) if len(states) > 1 else states[0]
            return 200, {"update": {"update_id": rest[1], "state": state}}
        if rest == ["events"]:
            start = int(query.get("page_token", 0))
            newest_first = self.events[::-1][start : start + PAGE]
            more = {"next_page_token": str(start + PAGE)} if start + PAGE < len(self.events) else {}
            return 200, {"events": newest_first, **more}
        if method == "PUT":
            self.pipelines[pipeline_id] = body
            return 200, {}
        # The workspace says more than it was told.
        spec = {"id": pipeline_id, "edition": "ADVANCED", **self.pipelines[pipeline_id]}
        return 200, {"pipeline_id": pipeline_id, "name": spec["name"], "spec": spec}

    def listed_pipelines(self, query: dict[str, str]) -> dict[str, Any]:
        pattern = re.fullmatch(r"name LIKE '([^']*)'", query.get("filter", "name LIKE '%'"))
        assert pattern
        like = re.escape(pattern[1]).replace("%", ".*").replace("_", ".")
        found = [
            {"pipeline_id": i, "name": spec["name"]}
            for i, spec in self.pipelines.items()
            if re.fullmatch(like, spec["name"])
        ]
        start = int(query.get("page_token", 0))
        more = {"next_page_token": str(start + PAGE)} if start + PAGE < len(found) else {}
        return {"statuses": found[start : start + PAGE], **more}

    def job(self, action: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        if action == "list":
            name = query.get("name")
            found = [i for i, job in self.jobs.items() if name in (None, job["name"])]
            return 200, {"jobs": [{"job_id": i, "settings": self.jobs[i]} for i in found], "has_more": False}
        if action == "create":
            job_id = 100 + len(self.jobs)
            self.jobs[job_id] = body
            return 200, {"job_id": job_id}
        if action == "runs/get":
            states = self.runs[int(query["run_id"])]
            return 200, {"state": states.pop(0) if len(states) > 1 else states[0]}
        job_id = int(body.get("job_id") or query["job_id"])
        if job_id not in self.jobs:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": f"Job {job_id} does not exist."}
        if action == "run-now":
            ended = {
                "life_cycle_state": "TERMINATED",
                "result_state": self.results,
                "state_message": "as told",
            }
            self.runs[7] = [{"life_cycle_state": "PENDING"}, {"life_cycle_state": "RUNNING"}, ended]
            return 200, {"run_id": 7}
        if action == "delete":
            del self.jobs[job_id]
        elif action == "update":
            self.jobs[job_id] = {**self.jobs[job_id], **body["new_settings"]}
        settings = {"timeout_seconds": 0, "format": "MULTI_TASK", **self.jobs.get(job_id, {})}
        return 200, {"job_id": job_id, "settings": settings}


def missing(message: str) -> dict[str, str]:
    return {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": message}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    workspace: FakeWorkspace

    def _answer(self) -> None:
        place = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(place.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        world = self.workspace
        with world.lock:
            world.calls.append((self.command, place.path))
            fault = next(
                (f for f in world.faults if f.method == self.command and place.path.endswith(f.path)), None
            )
            if fault is not None:
                world.faults.remove(fault)
                if fault.after:
                    world.handle(self.command, place.path, query, self._body(raw))
                if fault.status == 0:
                    # The answer is lost on the way.
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(fault.status, {"error_code": "FAULT", "message": "as told"}, fault.headers)
                return
            body = self._body(raw)
            if body:
                world.bodies.append((place.path, body))
            status, answer = world.handle(self.command, place.path, query, body)
        self._send(status, answer, {})

    def _body(self, raw: bytes) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(raw or b"{}")
        return parsed

    def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        )
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815 - the base class asks for these names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(world: FakeWorkspace) -> Iterator[str]:
    """Serve a workspace, and give its address."""
    handler = type("Handler", (_Handler,), {"workspace": world})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
