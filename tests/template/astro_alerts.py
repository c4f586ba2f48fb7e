"""A failed task of the sample is told in Slack and mailed, to servers on localhost.

Runs among the tests of a project, in its environment.
"""

import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag


def serve(server: socketserver.BaseServer) -> None:
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What Slack was told, by its connection."""
    posts = []

    class Slack(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/chat.postMessage"
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"ok": true}')

    with ThreadingHTTPServer(("127.0.0.1", 0), Slack) as server:
        serve(server)
        extra = {"base_url": f"http://127.0.0.1:{server.server_port}/"}
        connection = {"conn_type": "slack", "password": "xoxb-1", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_API_DEFAULT", json.dumps(connection))
        yield posts
        server.shutdown()


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Message]]:
    """What was mailed, by its connection."""
    mails = []

    class Smtp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            while command := self.rfile.readline().strip().upper():
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mails.append(message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n"))))
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 well\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        serve(server)
        extra = {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "extra": extra}
        connection["port"] = server.server_address[1]
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield mails
        server.shutdown()


@pytest.mark.usefixtures("database")
def test_a_failure_is_told_in_slack_and_mailed(
    bag: DagBag, posts: list[dict[str, Any]], mails: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    (dag,) = bag.dags.values()
    monkeypatch.setenv(f"AIRFLOW_VAR_{dag.dag_id.upper()}_ROOT", "nowhere://x")
    for task in dag.tasks:
        monkeypatch.setattr(task, "retries", 0)
    run = dag.test(run_after=datetime(2026, 1, 4, 5, tzinfo=UTC), logical_date=None)
    assert run.state == "failed"
    (post,) = posts
    assert post["channel"] == "#data-alerts"
    assert post["text"].startswith(f"`{dag.dag_id}.bronze` failed: <http")
    (mail,) = mails
    assert mail["To"] == "data-engineering@example.com"
    assert mail["Subject"] == f"{dag.dag_id}.bronze failed"
