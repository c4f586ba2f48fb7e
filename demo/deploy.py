"""Steps 8 to 11: the project's DAG goes through the deploy function to Astro, and into Airflow's folder."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ci
from walk import REPOSITORY, DemoError, Project, Walk

AIRFLOW_BIN = REPOSITORY / ".venvs/airflow/bin"
LAMBDA_PYTHON = REPOSITORY / ".venvs/lambda/bin/python"
_PROGRAMS = Path(__file__).parent
_STOP_S = 10.0

WORKSPACE, DEPLOYMENT = "data", "dev"
"""What requests call the Astro workspace and the deployment."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Cloud:
    """The cloud that `cloud.py` serves.

    Attributes:
        gateway: The address that requests are posted to.
        bucket: The bucket of build products.
        environment: The variables of AWS's clients, its access key among them.
        log: The file with what the function logged.
    """

    gateway: str
    bucket: str
    environment: dict[str, str]
    log: Path


@contextlib.contextmanager
def serve_cloud(dags: Path, log: Path) -> Iterator[Cloud]:
    """Serve AWS, Astro and the gateway in a process that ends with this context, or with this process.

    Args:
        dags: The folder that has the DAGs of the deployment; made if it is missing.
        log: Where the process logs; its folder is made if it is missing.

    Yields:
        Where they are.

    Raises:
        DemoError: It does not start.
    """
    for folder in dags, log.parent:
        folder.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written:
        process = subprocess.Popen(
            [LAMBDA_PYTHON, _PROGRAMS / "cloud.py", dags, f"{WORKSPACE}/{DEPLOYMENT}"],
            # It ends when this pipe does: also when this process is killed.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            # Ctrl-C is for this process.
            start_new_session=True,
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DemoError(f"moto and the loopback Astro did not start: {_last_line(log)} See {log}.")
        said = json.loads(line)
        yield Cloud(said["gateway"], said["bucket"], said["environment"], log)
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_STOP_S)
        process.kill()
        process.wait()


def deploy_dags(walk: Walk, project: Project) -> Path:
    """Steps 8 to 11: deploy the DAGs that were pushed.

    Args:
        walk: The walk.
        project: The project; its CI has checked the commit out.

    Returns:
        The folder that Airflow reads its DAGs from.

    Raises:
        DemoError: Airflow cannot read the DAGs, the function refuses them, or Astro has others.
    """
    folder = ci.checkout(walk) / "dags"
    with walk.step(8, "Airflow reads the project's DAG") as step:
        read = read_dags(walk, project, folder)
        for dag_id, operators in read["operators"].items():
            tasks = ", ".join(f"{task} ({operator})" for task, operator in operators.items())
            step.say(f"{dag_id}: {tasks}")
        step.see("DAGs", folder)
    dags = walk.folder / "airflow/dags"
    with walk.step(9, "The CI job asks for a deploy of it") as step:
        cloud = walk.stack.enter_context(serve_cloud(dags, walk.folder / "logs/lambda.log"))
        request = deploy_request(read["request"], project, cloud)
        asked = walk.folder / "deploy/request.json"
        asked.parent.mkdir(exist_ok=True)
        asked.write_text(json.dumps(request, indent=2), encoding="utf-8")
        for dag in request["body"]["dags"]:
            step.say(f"{dag['dag_id']}: {dag['dag_file']['path']}, of {dag['squad_name']}")
        step.say(f"to the deployment {WORKSPACE}/{DEPLOYMENT}, as request {request['request_id']}")
        step.see("request", asked)
    with walk.step(10, "The gateway calls the deploy Lambda") as step:
        answered = send(walk, asked, cloud)
        answer = answered["answer"]
        step.say(f"POST {urlsplit(cloud.gateway).path}, signed, with an Idempotency-Key")
        step.say(f"{answered['status']} {answer['status']}: {', '.join(answer['dags'])}")
        step.see("the function's log", cloud.log)
    with walk.step(11, "S3 keeps the DAG, Astro takes the bundle and unpacks it") as step:
        for key in answered["objects"]:
            step.say(key)
        step.say(f"Astro's version {answer['astro_version']}, files in it: {answer['files']['deployed']}")
        _require_same(folder, dags / project.name)
        step.see("Airflow's DAGs folder", dags)
    return dags


def read_dags(walk: Walk, project: Project, folder: Path) -> Json:
    """Have Airflow read a folder.

    Args:
        walk: The walk, at a step.
        project: Whose DAGs they are.
        folder: The folder.

    Returns:
        `request`, for the deploy function, with all texts; `operators`, by DAG and task.

    Raises:
        DemoError: One does not load.
    """
    owner = walk.folder / "deploy/owner.json"
    answer = owner.with_name("dags.json")
    owner.parent.mkdir(exist_ok=True)
    whose = {
        "workspace": WORKSPACE,
        "deployment": DEPLOYMENT,
        "repo": project.name,
        "contact_email": project.answers["contact_email"],
        "squad_name": project.answers["squad_name"],
        "alert_slack_channel": project.answers["contact_slack_channel"],
    }
    owner.write_text(json.dumps(whose), encoding="utf-8")
    # Neither the checkout nor the template is for what Python leaves behind.
    clean = {"PYTHONDONTWRITEBYTECODE": "1"}
    walk.run([AIRFLOW_BIN / "python", _PROGRAMS / "read_dags.py", folder, owner, answer], env=clean)
    read: Json = json.loads(answer.read_text(encoding="utf-8"))
    return read


def deploy_request(read: Json, project: Project, cloud: Cloud) -> Json:
    """Return what `send_dags.py` is told: a request through the gateway, as the job of a commit sends it.

    Args:
        read: The request as astro-dag's projects make it.
        project: The project, with its commit.
        cloud: Where it is sent.
    """

    # The deployment's folder is shared by all repositories: each has a folder in it.
    def moved(file: Json) -> Json:
        return {**file, "path": f"{project.name}/{file['path']}"}

    dags = [
        {
            **dag,
            "dag_file": moved(dag["dag_file"]),
            "dependencies": [moved(each) for each in dag["dependencies"]],
        }
        for dag in read["body"]["dags"]
    ]
    addressed = {name: read[name] for name in ("astroWorkspace", "astroDeployment", "repo")}
    return {
        "url": cloud.gateway,
        # A job that runs again for the same commit asks for the same deploy.
        "request_id": f"{project.name}-{project.commit[:12]}",
        "bucket": cloud.bucket,
        "prefix": f"{project.name}/{project.commit[:12]}/",
        "body": {**addressed, "dags": dags},
    }


def send(walk: Walk, asked: Path, cloud: Cloud) -> Json:
    """Send a request, and return its status, its answer and what lies in the buckets then.

    Raises:
        DemoError: The answer is not 200.
    """
    file = asked.with_name("answer.json")
    walk.run([LAMBDA_PYTHON, _PROGRAMS / "send_dags.py", asked, file], env=cloud.environment)
    answered: Json = json.loads(file.read_text(encoding="utf-8"))
    if answered["status"] != 200:
        answer = answered["answer"]
        why = " ".join([answer["message"], *answer.get("problems", [])])
        raise DemoError(f"The deploy Lambda answered {answered['status']}: {why} Its log is {cloud.log}.")
    return answered


def _require_same(pushed: Path, deployed: Path) -> None:
    """Require that Airflow has the files that were pushed."""
    wanted, found = _contents(pushed), _contents(deployed)
    if wanted != found:
        different = ", ".join(sorted(str(path) for path, _ in wanted.items() ^ found.items()))
        raise DemoError(f"{deployed} is not what was pushed from {pushed}: {different} differs.")


def _contents(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."
