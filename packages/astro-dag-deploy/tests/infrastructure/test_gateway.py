"""The API as its callers have it: HTTP in, the handler behind, and answers that its description promises."""

import json
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest
import schemathesis
from astro_dag_deploy import main
from gateway import SIGNATURE, Gateway
from hypothesis import HealthCheck, settings
from jsonschema import Draft4Validator
from samtranslator.yaml_helper import yaml_parse
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from stack import make_bucket
from werkzeug import Request, Response
from werkzeug.serving import make_server
from werkzeug.test import Client

# What a schema cannot say of a request: between its parts, of characters and bytes, of what is outside of it.
BEYOND_THE_SCHEMA = [
    r"^(astroWorkspace|astroDeployment|repo): is missing",
    r"in the body and another outside of it",
    r"^dags: is empty",
    r"^remove_all: (is given beside dags|must be 'remove every DAG of )",
    # A text is shown where it is not the right one; which are is held to the patterns in test_swagger.
    r"^dags\[\d+\]\.[\w.\[\]]+: ['\"]",
    r"has half of a surrogate pair",
    # Of a source without a path, whose own name would be that.
    r"\.path: is (empty|missing)",
    r"is in a bucket that is not allowed|is on a host that is not allowed",
    r"Python 3\.\d+ does not compile it",
]
KEY = "AKIA0"
AS_DESCRIBED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


class Strict(Gateway):
    """A gateway whose callers sign nothing and name no stage, and whose function never fails it."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # A function on a busy machine takes its time.
        self._patience = 600

    def __call__(self, environ, start_response):
        signed = {"HTTP_AUTHORIZATION": f"{SIGNATURE}{KEY}/"} | environ
        path = self.path.removesuffix("/dags") + environ["PATH_INFO"]
        return super().__call__(signed | {"PATH_INFO": path}, start_response)

    def own(self, status, message, request_id):
        assert status < 500, message
        return super().own(status, message, request_id)


def strict(value):
    """A pattern ends where the text does; for Python a line end may follow."""
    if isinstance(value, dict):
        return {k: strict(re.sub(r"\$$", r"\\Z", v) if k == "pattern" else v) for k, v in value.items()}
    return [strict(each) for each in value] if isinstance(value, list) else value


PACKAGE = Path(__file__).parents[2]
DESCRIPTION = yaml_parse((PACKAGE / "swagger.yml").read_text())
REQUESTS = {"$ref": "#/components/schemas/DeployRequest", "components": strict(DESCRIPTION["components"])}
is_request = Draft4Validator(REQUESTS).is_valid
gateway = Strict(main.handler, PACKAGE, KEY)
described = schemathesis.openapi.from_dict(
    DESCRIPTION,
    config=SchemathesisConfig.from_dict(
        {
            "generation": {
                "max-examples": 40,
                "deterministic": True,
                "with-security-parameters": False,
                "no-shrink": True,
            }
        }
    ),
)
described.app = gateway


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def with_files(value, source):
    """The same request, for files that can be had."""
    if isinstance(value, list):
        return [source if isinstance(each, str) else with_files(each, source) for each in value]
    if not isinstance(value, dict):
        return value
    found = {"text": "A = 1\n", "source": source}
    if isinstance(value.get("dag_file"), str):
        found["dag_file"] = source
    return {name: found.get(name) or with_files(each, source) for name, each in value.items()}


def query(cloud):
    target = cloud.target
    return {"astroWorkspace": target.workspace, "astroDeployment": target.deployment, "repo": "orders"}


@pytest.fixture
def source(cloud):
    """The address of a file that can be had."""
    bucket = f"{cloud.bucket}-sources"
    make_bucket(bucket)
    cloud.s3.put_object(Bucket=bucket, Key="a.py", Body=b"A = 1\n")
    return f"s3://{bucket}/a.py"


@pytest.mark.parametrize("served", [True, False])
@described.parametrize()
@settings(suppress_health_check=list(HealthCheck))
def test_answers_are_as_described_and_requests_are_judged_as_described(case, served, cloud, source):
    valid_outside = case.meta is not None and case.meta.generation.mode.is_positive
    if served and case.method == "POST":
        case.query = query(cloud)
        if is_request(case.body):
            wanted = {name: case.body[name] for name in ("dags", "remove_all") if name in case.body}
            case.body = with_files(wanted, source)
    response = case.call()
    if response.status_code == 403 and case.method != "POST":
        return
    case.validate_response(response, checks=AS_DESCRIBED)
    body = response.json()
    if body["status"] == "failed":
        assert body.keys() >= {"problems", "uploaded"}
    sent = response.request.body
    try:
        request = json.loads(sent)
    except (TypeError, ValueError):
        request = None
    # The code is more lenient than the schema in one thing: it takes null for a missing value in many places.
    if not is_request(without_nulls(request)):
        assert response.status_code == 400, body
    elif is_request(request) and response.status_code == 400 and valid_outside:
        for problem in body["problems"]:
            assert any(re.search(rule, problem) for rule in BEYOND_THE_SCHEMA), problem


def test_a_request_of_the_description_is_deployed(cloud):
    post = DESCRIPTION["paths"]["/dags"]["post"]
    example = post["requestBody"]["content"]["application/json"]["examples"]["text"]["value"]
    client = Client(gateway)
    first = client.post(
        "/dags", query_string=query(cloud), json=example, headers={"Idempotency-Key": "build-17"}
    )
    assert (first.status_code, first.json["request_id"]) == (200, "build-17")
    again = client.post(
        "/dags", query_string=query(cloud), json=example, headers={"idempotency-key": "build-17"}
    )
    assert again.json == first.json
    assert list(cloud.bundle()) == ["orders/medallion.py"]


class Impatient:
    """A gateway that first gives up waiting, then has the request in progress, and then passes it on."""

    def __init__(self):
        self.requests = []

    def __call__(self, environ, start_response):
        self.requests.append(Request(environ).headers)
        early = {1: (504, "in_progress"), 2: (409, "in_progress"), 3: (429, "gateway"), 4: (503, "busy")}
        if len(self.requests) not in early:
            return gateway(environ, start_response)
        status, error = early[len(self.requests)]
        return Response(json.dumps({"error": error}), status)(environ, start_response)


@pytest.mark.parametrize(("program", "requests", "code"), [("A = 1", 5, 0), ("A = ", 5, 1)])
def test_the_job_of_the_readme_asks_until_there_is_an_answer(cloud, tmp_path, program, requests, code):
    (job,) = re.findall(r"```sh\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    dag = {"dag_id": "a", "dag_file": {"path": "a.py", "text": program}}
    (tmp_path / "request.json").write_text(json.dumps({**query(cloud), "dags": [dag]}, indent=2))
    application = Impatient()
    server = make_server("127.0.0.1", 0, application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "session",
        "BUILD": "build-17",
        "ENDPOINT": f"http://127.0.0.1:{server.server_port}/dags",
    }
    done = subprocess.run(
        ["sh", "-c", f"sleep() {{ :; }}\n{job}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    thread.join()
    server.server_close()
    assert (done.returncode, len(application.requests)) == (code, requests), done.stdout + done.stderr
    assert json.loads(done.stdout)["request_id"] == "build-17"
    for headers in application.requests:
        assert headers["Authorization"].startswith(f"{SIGNATURE}{KEY}/")
        assert headers["X-Amz-Security-Token"] == "session"
