"""What the function talks to, made once for all invocations of a process."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config

from astro_dag_deploy.errors import StorageError
from astro_dag_deploy.model.astro import AstroDeployer
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.settings import Settings
from astro_dag_deploy.utils.deployment_lock import DeploymentLock
from astro_dag_deploy.utils.email_client import EmailClient
from astro_dag_deploy.utils.resource_client import ResourceClient
from astro_dag_deploy.utils.s3_client import PARALLEL, S3Client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client as BotoS3Client

_CALLS = Config(
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=PARALLEL,
    retries={"mode": "standard", "total_max_attempts": 5},
)
# A token that is replaced is used within this time.
_TOKEN_SECONDS = 300


@dataclass(frozen=True)
class Services:
    """The clients, each made when it is first needed.

    Attributes:
        settings: what they are made from.
    """

    settings: Settings

    @cached_property
    def s3(self) -> S3Client:
        """The bucket of the DAGs."""
        return S3Client(self.settings.dag_bucket, self._boto_s3)

    @cached_property
    def resources(self) -> ResourceClient:
        """Fetches the files that requests name."""
        return ResourceClient(
            self._boto_s3,
            allowed_buckets=self.settings.source_buckets,
            allowed_hosts=self.settings.source_hosts,
            max_file_bytes=self.settings.max_file_bytes,
        )

    @cached_property
    def finished(self) -> DynamoDBPersistenceLayer:
        """Remembers the requests that were carried out."""
        return DynamoDBPersistenceLayer(table_name=self.settings.state_table, boto3_client=self._dynamodb)

    @cached_property
    def mail(self) -> EmailClient | None:
        """Sends mails, if there is a sender."""
        if not self.settings.mail_from:
            return None
        return EmailClient(self.settings.mail_from, self.settings.mail_to, boto3.client("ses", config=_CALLS))

    def lock(self, target: Target, lease: float) -> DeploymentLock:
        """Make the lock of a deployment, see DeploymentLock."""
        return DeploymentLock(self.settings.state_table, self._dynamodb, target, lease=lease)

    def deployer(self, target: Target) -> AstroDeployer:
        """Make the adapter that the settings name; its token is read when it is needed."""

        def token() -> str:
            return self._token(target.workspace)

        if self.settings.deployer == "api":
            from astro_dag_deploy.utils.astro_api_client import AstroApiClient

            return AstroApiClient(self.settings.astro_api_url, self.settings.astro_organization, token)
        from astro_dag_deploy.utils.astro_cli_client import AstroCliClient

        return AstroCliClient(self.settings.astro_cli, token)

    def _token(self, workspace: str) -> str:
        secret = self.settings.astro_token_secret
        try:
            text = self._secrets.get(secret, max_age=_TOKEN_SECONDS)
        except GetParameterError:
            raise StorageError(
                f"Secret {secret} with Astro's token cannot be read from Secrets Manager."
            ) from None
        token = str(text).strip()
        if token.startswith("{"):
            try:
                found = json.loads(token).get(workspace)
            except ValueError:
                found = None
            if not isinstance(found, str) or not found.strip():
                raise StorageError(f"Secret {secret} is JSON without a token for workspace {workspace}.")
            token = found.strip()
        if not token:
            raise StorageError(f"Secret {secret} is empty: put Astro's token into it.")
        return token

    @cached_property
    def _boto_s3(self) -> "BotoS3Client":
        return boto3.client("s3", config=_CALLS)

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return boto3.client("dynamodb", config=_CALLS)

    @cached_property
    def _secrets(self) -> SecretsProvider:
        return SecretsProvider(boto3_client=boto3.client("secretsmanager", config=_CALLS))
