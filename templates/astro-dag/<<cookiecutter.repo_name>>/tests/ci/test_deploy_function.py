"""How the deploy function is asked, with a server on localhost that speaks Lambda's protocol."""

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import deploy_dags
from deploy_function import FailedError, RefusedError, UnavailableError, deploy

ROOT = Path(__file__).parents[2]
REQUEST = {"requestId": "1", "body": {"dags": []}}
DEPLOYED = {"status": "deployed"}


@dataclass
class Lambda:
    """What the server was asked, and what it answers, one after the other."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, status: int, body: object) -> None:
        """Answer as the function does."""
        text = json.dumps({"statusCode": status, "body": body})
        self.answers.append((200, {}, text.encode()))

    def break_off(self) -> None:
        """Answer as AWS does when the function was stopped."""
        self.answers.append((200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorMessage": ""}'))

    def error(self, status: int, code: str) -> None:
        """Answer as AWS does when the function was not invoked."""
        self.answers.append((status, {"X-Amzn-ErrorType": code}, b'{"message": "no"}'))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    aws = Lambda()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/2015-03-31/functions/deployer/invocations"
            length = int(self.headers["Content-Length"])
            aws.asked.append(json.loads(self.rfile.read(length)))
            status, headers, content = aws.answers.pop(0)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield aws
    server.shutdown()
    server.server_close()


def test_the_answer_of_a_deploy_is_given_back(aws: Lambda) -> None:
    aws.answer(200, DEPLOYED)
    assert deploy("deployer", REQUEST, seconds=0) == DEPLOYED
    assert aws.asked == [REQUEST]


def test_what_may_pass_is_asked_again_with_the_same_request(aws: Lambda) -> None:
    aws.answer(503, {"error": "busy", "message": "Busy.", "retry_after": 0})
    aws.answer(409, {"error": "in_progress", "message": "Wait.", "retry_after": 0})
    aws.error(429, "TooManyRequestsException")
    aws.break_off()
    aws.answers.append((0, {}, b""))
    aws.answer(200, DEPLOYED)
    assert deploy("deployer", REQUEST, seconds=3600, pause=0) == DEPLOYED
    assert aws.asked == [REQUEST] * 6


def test_when_time_is_over_it_gives_up_and_says_what_was_last(aws: Lambda) -> None:
    aws.answer(503, {"error": "busy", "message": "Busy.", "retry_after": 30})
    with pytest.raises(UnavailableError, match=r"^Busy\.$"):
        deploy("deployer", REQUEST, seconds=10)


def test_a_refusal_is_not_asked_again_and_names_the_problems(aws: Lambda) -> None:
    aws.answer(400, {"error": "bad_request", "message": "No.", "problems": ["One.", "Two."]})
    with pytest.raises(RefusedError) as refused:
        deploy("deployer", REQUEST, seconds=3600, pause=0)
    assert refused.value.problems == ["One.", "Two."]
    assert len(aws.asked) == 1


def test_a_failure_of_the_function_is_not_asked_again(aws: Lambda) -> None:
    aws.answer(502, {"error": "astro_failed", "message": "Astro did not take it."})
    with pytest.raises(FailedError, match="Astro did not take it"):
        deploy("deployer", REQUEST, seconds=3600, pause=0)


def test_a_function_that_breaks_off_again_and_again_is_left_alone(aws: Lambda) -> None:
    for _ in range(3):
        aws.break_off()
    with pytest.raises(FailedError, match="broke off"):
        deploy("deployer", REQUEST, seconds=3600, pause=0)
    assert len(aws.asked) == 3


def test_a_role_that_may_not_invoke_is_a_failure(aws: Lambda) -> None:
    aws.error(403, "AccessDeniedException")
    with pytest.raises(FailedError, match="AccessDenied"):
        deploy("deployer", REQUEST, seconds=3600, pause=0)


@pytest.mark.parametrize(
    "text",
    [b"null", b'"done"', b"<html>", b'{"statusCode": 200}', b'{"statusCode": 200, "body": {}}'],
)
def test_the_answer_of_another_function_is_no_success(aws: Lambda, text: bytes) -> None:
    aws.answers.append((200, {}, text))
    with pytest.raises(FailedError, match="is it the right one"):
        deploy("deployer", REQUEST, seconds=3600, pause=0)


def test_files_that_are_too_large_for_lambda_are_not_sent(aws: Lambda) -> None:
    with pytest.raises(RefusedError, match="keep data in a bucket"):
        deploy("deployer", {**REQUEST, "text": "x" * 7_000_000}, seconds=60)
    assert not aws.asked


def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(FailedError, match="region"):
        deploy("deployer", REQUEST, seconds=60)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [(400, "bad_request", 1), (503, "busy", 3), (502, "astro_failed", 4)],
)
def test_the_program_prints_each_problem_and_ends_with_what_is_to_be_done(
    aws: Lambda,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    error: str,
    code: int,
) -> None:
    # The tests' own Airflow knows nothing of this machine either.
    monkeypatch.setattr(deploy_dags, "isolate_airflow", lambda _: contextlib.nullcontext())
    aws.answer(status, {"error": error, "message": "No.", "problems": ["One.", "Two."]})
    arguments = ["--deployment", "dev", "--function", "deployer", "--seconds", "0"]
    assert deploy_dags.main(arguments) == code
    assert capsys.readouterr().err.endswith("error: No.\n  One.\n  Two.\n")
    assert [dag["dag_id"] for dag in aws.asked[0]["body"]["dags"]]


def test_the_program_sends_nothing_while_a_dag_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deploy_dags, "isolate_airflow", lambda _: contextlib.nullcontext())
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "bad.py").write_text("import airflow.sdk as dag\n\n1 / 0\n")
    assert deploy_dags.main(["--deployment", "dev", "--function", "f"], root=tmp_path) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "  dags/bad.py does not load: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(("deployment", "function"), [("", "deployer"), ("dev", "")])
def test_nothing_is_sent_to_a_place_without_a_name(
    aws: Lambda, deployment: str, function: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        deploy_dags.main(["--deployment", deployment, "--function", function])
    assert ended.value.code == 2
    assert not aws.asked
