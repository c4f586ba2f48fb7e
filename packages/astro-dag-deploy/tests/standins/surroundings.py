"""What is around the function in a test: a bucket, a table, a secret, a deployment, and Lambda's context."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from astro_dag_deploy import main, services
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.utils import http_session
from astro_dag_deploy.utils.s3_client import S3Client
from botocore.config import Config
from stack import make_stack

WORKSPACE = "clworkspace"
TOKEN = "token-that-nobody-may-see"
# On a busy machine a call that is late must not be taken for one that is lost, and made again.
PATIENT = services._CALLS.merge(Config(connect_timeout=600, read_timeout=600))


@dataclass
class Context:
    """Lambda's context of one invocation."""

    aws_request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    seconds: float = 300.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Cloud:
    """The function's surroundings, of one test alone.

    Attributes:
        bucket: the versioned bucket.
        table: the table of locks and requests.
        target: a deployment that is served.
        astro: the loopback Astro.
    """

    bucket: str
    table: str
    target: Target
    astro: Any

    @property
    def s3(self) -> Any:
        return boto3.client("s3")

    @property
    def dynamodb(self) -> Any:
        return boto3.client("dynamodb")

    @property
    def storage(self) -> S3Client:
        return S3Client(self.bucket, self.s3)

    def event(self, repo: str, files: Mapping[str, str], **more: Any) -> dict[str, Any]:
        """A direct event: one DAG for each file of Python, named as the file, the others its dependencies."""
        paths = sorted(files)
        dags = [
            {
                "dag_id": path.removesuffix(".py").replace("/", "."),
                "dag_file": {"path": path, "text": files[path]},
            }
            for path in paths
            if path.endswith(".py")
        ]
        if dags:
            dags[0]["dependencies"] = [
                {"path": path, "text": files[path]} for path in paths if not path.endswith(".py")
            ]
        return {
            "astroWorkspace": self.target.workspace,
            "astroDeployment": self.target.deployment,
            "repo": repo,
            "body": {"dags": dags},
            **more,
        }

    def deploy(self, repo: str, files: Mapping[str, str], **more: Any) -> dict[str, Any]:
        """Call the handler as Lambda does."""
        return main.handler(self.event(repo, files, **more), Context())

    def bundle(self) -> dict[str, str]:
        """The DAGs that Astro has, by path."""
        return {path: content.decode() for path, content in self.astro.bundle(self.target.deployment).items()}


def make_surroundings(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make in AWS and Astro what a function needs, and its environment."""
    make_stack(cloud.bucket, cloud.table, cloud.bucket, TOKEN)
    cloud.astro.add_deployment(cloud.target.deployment, workspace=cloud.target.workspace, token=TOKEN)
    variables = {
        "DAG_BUCKET": cloud.bucket,
        "STATE_TABLE": cloud.table,
        "ALLOWED_DEPLOYMENTS": str(cloud.target),
        "SOURCE_BUCKETS": f"{cloud.bucket}-sources",
        "ASTRO_DEPLOYER": "api",
        "ASTRO_API_URL": cloud.astro.url,
        "ASTRO_ORGANIZATION": cloud.astro.organization,
        "ASTRO_TOKEN_SECRET": cloud.bucket,
        "ENVIRONMENT": "dev",
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(services, "_CALLS", PATIENT)
    monkeypatch.setattr(http_session, "_CONNECT_SECONDS", 600.0)
    monkeypatch.setattr(http_session, "_READ_SECONDS", 600.0)
