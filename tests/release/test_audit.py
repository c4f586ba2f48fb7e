"""The audit of the locks, by pip-audit, against a service on this machine that speaks OSV's protocol."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import audit
import pytest
from scaffold import REPOSITORY

VULNERABILITY = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "summary": "It is weak.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "weak"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
            "versions": ["1.0"],
        }
    ],
}
TODAY = datetime.now(UTC).date()


class Service:
    """What was asked, and where."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        service = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pin = asked["package"]["name"], asked["version"]
                service.asked.append(pin)
                body = json.dumps({"vulns": [VULNERABILITY]} if pin == ("weak", "1.0") else {}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = "http://{}:{}/v1/query".format(*self.server.server_address)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def weak(tmp_path: Path) -> Path:
    lock = tmp_path / "weak.lock"
    lock.write_text("weak==1.0 \\\n    --hash=sha256:0\n")
    return lock


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, REPOSITORY / "scripts/audit.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def accept(folder: Path, until: str, **fields: str) -> Path:
    file = folder / "ignored.toml"
    values = {"reason": "no part of it is called", **fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    file.write_text("\n".join(["[[ignored]]", *lines, f"until = {until}", ""]))
    return file


def test_every_version_of_every_lock_is_asked_about(service: Service, weak: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.lock"
    other.write_text(
        "<% if cookiecutter.type_of_task == 'dab' %>\n"
        "Weak==1.1 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n"
        "<% endif %>\n"
        "strong[all]==2.0\n    # via weak==0.1\n"
    )
    done = run(weak, other, "--osv-url", service.url, "--json")
    assert done.returncode == 1, done.stderr
    assert sorted(service.asked) == [("strong", "2.0"), ("weak", "1.0"), ("weak", "1.1")]
    told = json.loads(done.stdout)
    assert told["versions"] == 3
    (finding,) = told["findings"]
    assert (finding["package"], finding["version"], finding["id"]) == ("weak", "1.0", "PYSEC-2026-1")
    assert (finding["fixed_in"], finding["locks"]) == (["1.1"], [str(weak)])


def test_what_is_accepted_is_accepted_until_its_day(service: Service, weak: Path, tmp_path: Path) -> None:
    fields = {"package": "weak", "id": "CVE-2026-1"}
    accepted = accept(tmp_path, str(TODAY + timedelta(days=2)), **fields)
    done = run(weak, "--osv-url", service.url, "--ignored", accepted)
    assert done.returncode == 0, done.stderr
    assert "no part of it is called" in done.stdout

    accepted = accept(tmp_path, str(TODAY - timedelta(days=2)), **fields)
    done = run(weak, "--osv-url", service.url, "--ignored", accepted)
    assert done.returncode == 1
    assert "was accepted for a while that is over" in done.stdout


def test_a_lock_is_accepted_for_what_only_it_has() -> None:
    accepted = audit.Ignored("old on purpose", TODAY, lock="old.lock")
    finding = audit.Finding("weak", "1.0", "PYSEC-2026-1", (), ("1.1",), locks=("old.lock",))
    assert accepted.covers(finding)
    assert not accepted.covers(replace(finding, locks=("new.lock", "old.lock")))


def test_no_answer_is_no_good_news(weak: Path) -> None:
    # As long as it is bound, no server of another test gets its port.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        done = run(weak, "--osv-url", "http://{}:{}/v1/query".format(*silent.getsockname()))
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: pip-audit did not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("until", "fields"),
    [
        ("'soon'", {"package": "weak", "id": "CVE-2026-1"}),
        ("2027-01-31", {"package": "weak"}),
        ("2027-01-31", {"package": "weak", "id": "CVE-2026-1", "lock": "weak.lock"}),
        ("2027-01-31", {"lock": "weak.lock", "reason": " "}),
        ("2027-01-31", {"lock": "weak.lock", "because": "of this"}),
    ],
)
def test_nothing_is_accepted_without_a_reason_and_a_day(
    tmp_path: Path, until: str, fields: dict[str, str]
) -> None:
    with pytest.raises(audit.AuditError):
        audit.ignored(accept(tmp_path, until, **fields))


def test_all_locks_of_the_repository_hold_versions() -> None:
    locks = audit.locks()
    assert {"requirements.lock", "newest.lock", "requirements-lambda.lock"} <= {lock.name for lock in locks}
    assert len(audit.held(locks)) > 300
    asked = [pin for one in audit.rounds(audit.held(locks)) for pin in one]
    assert sorted(asked) == sorted(audit.held(locks))


def test_what_this_repository_accepts_is_written_as_it_must_be() -> None:
    for entry in audit.ignored():
        assert entry.lock is None or (REPOSITORY / entry.lock).is_file()
