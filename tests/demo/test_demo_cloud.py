"""The demo's cloud: a real request through the gateway to the deploy function, AWS and Astro."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs/lambda/bin/python"
PATIENCE_S = 600

Json = dict[str, Any]


@contextmanager
def served(dags: Path) -> Iterator[tuple[subprocess.Popen[str], Json]]:
    command = [PYTHON, ROOT / "demo/cloud.py", dags, "data/dev"]
    with (
        dags.with_name("lambda.log").open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line, dags.with_name("lambda.log").read_text()
            yield process, json.loads(line)
        finally:
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
            process.kill()


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Airflow would read."""
    folder = tmp_path_factory.mktemp("airflow") / "dags"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def cloud(dags: Path) -> Iterator[Json]:
    """Where the cloud is."""
    with served(dags) as (_, cloud):
        yield cloud


def dag(name: str, text: str = "A = 1\n") -> Json:
    return {
        "dag_id": name,
        "dag_file": {"path": f"orders/{name}.py", "text": text},
        "dependencies": [{"path": "orders/gold.sql", "text": "select 1"}],
    }


def send(cloud: Json, folder: Path, request_id: str, *dags: Json, **environment: str) -> Json:
    """Send a request as the demo does."""
    asked, answer = folder / "request.json", folder / "answer.json"
    request = {
        "url": cloud["gateway"],
        "request_id": request_id,
        "bucket": cloud["bucket"],
        "prefix": f"builds/{request_id}/",
        "body": {"astroWorkspace": "data", "astroDeployment": "dev", "repo": "orders", "dags": dags},
    }
    asked.write_text(json.dumps(request), encoding="utf-8")
    subprocess.run(
        [PYTHON, ROOT / "demo/send_dags.py", asked, answer],
        env=cloud["environment"] | environment,
        check=True,
    )
    answered: Json = json.loads(answer.read_text(encoding="utf-8"))
    return answered


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(url: str, **headers: str) -> int:
    """Post to an address, and return the status of the refusal."""
    request = urllib.request.Request(url, method="POST", data=b"{}", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=PATIENCE_S)
    with error.value:
        return error.value.code


def test_a_request_becomes_the_dags_of_airflow_and_nothing_else_stays(
    cloud: Json, dags: Path, tmp_path: Path
) -> None:
    first = send(cloud, tmp_path, "build-1", dag("daily"), dag("nightly"))
    assert (first["status"], first["answer"]["dags"]) == (200, ["daily", "nightly"])
    assert files(dags) == {
        "orders/daily.py": "A = 1\n",
        "orders/nightly.py": "A = 1\n",
        "orders/gold.sql": "select 1",
    }
    assert "s3://demo-builds/builds/build-1/orders/daily.py" in first["objects"]
    assert "s3://demo-dags/dags/data/dev/orders/orders/daily.py" in first["objects"]

    second = send(cloud, tmp_path, "build-2", dag("daily", "A = 2\n"))
    assert second["answer"]["files"] == {"uploaded": 1, "unchanged": 1, "removed": 1, "deployed": 2}
    assert files(dags) == {"orders/daily.py": "A = 2\n", "orders/gold.sql": "select 1"}


def test_a_bad_request_is_refused_and_changes_nothing(cloud: Json, dags: Path, tmp_path: Path) -> None:
    before = files(dags)
    answered = send(cloud, tmp_path, "build-3", dag("broken", "A = "))
    assert (answered["status"], answered["answer"]["error"]) == (400, "bad_request")
    (problem,) = answered["answer"]["problems"]
    assert "orders/broken.py" in problem
    assert files(dags) == before


def test_nobody_without_the_key_is_let_in(cloud: Json) -> None:
    aws = cloud["environment"]["AWS_ENDPOINT_URL"]
    scheme = "AWS4-HMAC-SHA256 Credential="
    for address in (cloud["gateway"], aws, f"{aws}/moto-api/reset"):
        assert refused(address) == 403
        assert refused(address, Authorization=f"{scheme}AKIA0/20261122/eu-west-1/s3/aws4_request") == 403
    own = f"{scheme}{cloud['environment']['AWS_ACCESS_KEY_ID']}/20261122/eu-west-1/execute-api/aws4_request"
    assert refused(cloud["gateway"], Authorization=own) == 400
    assert refused(f"{cloud['gateway']}/other", Authorization=own) == 403


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    with served(tmp_path / "dags") as (process, cloud):
        assert process.poll() is None
        assert process.stdin
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
        with pytest.raises(urllib.error.URLError, match="refused"):
            urllib.request.urlopen(cloud["gateway"], timeout=PATIENCE_S)
