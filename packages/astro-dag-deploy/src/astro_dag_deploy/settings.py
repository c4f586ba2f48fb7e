"""What the function's environment says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from astro_dag_deploy.errors import NotAllowedError, SettingsError
from astro_dag_deploy.model.target import Target

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """The settings, see the README for what each is for.

    Attributes:
        dag_bucket: the versioned bucket of the DAGs.
        state_table: the DynamoDB table of locks and finished requests.
        allowed: the deployments that are served: what requests and the bucket call them, and their ids in
            Astro.
        source_buckets: buckets that files may come from.
        source_hosts: `host`, `host:port` or `*.suffix` that files may come from by https.
        deployer: `cli` or `api`.
        astro_cli: the program of the Astro CLI.
        astro_api_url: the address of the Astro API.
        astro_organization: the id of the organization, for the Astro API.
        astro_token_secret: the name or ARN of the secret that holds the token.
        mail_from: the sender of mails, empty for no mail.
        mail_to: who gets a mail about every failure.
        environment: dev or prod, in mails and logs.
        max_file_bytes: how large a file may be.
        max_set_bytes: how large the files of a request may be together.
    """

    dag_bucket: str
    state_table: str
    allowed: Mapping[Target, Target]
    source_buckets: frozenset[str]
    source_hosts: frozenset[str]
    deployer: str
    astro_cli: str
    astro_api_url: str
    astro_organization: str
    astro_token_secret: str
    mail_from: str
    mail_to: tuple[str, ...]
    environment: str
    max_file_bytes: int
    max_set_bytes: int

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: one is missing or wrong; all of them are named.
        """
        problems: list[str] = []

        def required(name: str) -> str:
            value = variables.get(name, "").strip()
            if not value:
                problems.append(f"{name} is not set")
            return value

        def number(name: str, default: int) -> int:
            text = variables.get(name, "").strip() or str(default)
            if not text.isascii() or not text.isdigit() or int(text) == 0:
                problems.append(f"{name} must be a whole number of bytes above 0")
                return default
            return int(text)

        deployer = variables.get("ASTRO_DEPLOYER", "").strip() or "cli"
        if deployer not in ("cli", "api"):
            problems.append("ASTRO_DEPLOYER must be cli or api")
        allowed = _deployments(required("ALLOWED_DEPLOYMENTS"), problems)
        settings = cls(
            dag_bucket=required("DAG_BUCKET"),
            state_table=required("STATE_TABLE"),
            allowed=allowed,
            source_buckets=frozenset(_entries(variables.get("SOURCE_BUCKETS", ""))),
            source_hosts=frozenset(_entries(variables.get("SOURCE_HOSTS", "").lower())),
            deployer=deployer,
            astro_cli=variables.get("ASTRO_CLI", "").strip() or "astro",
            astro_api_url=variables.get("ASTRO_API_URL", "").strip() or "https://api.astronomer.io",
            astro_organization=required("ASTRO_ORGANIZATION") if deployer == "api" else "",
            astro_token_secret=required("ASTRO_TOKEN_SECRET"),
            mail_from=variables.get("MAIL_FROM", "").strip(),
            mail_to=tuple(_entries(variables.get("MAIL_TO", ""))),
            environment=variables.get("ENVIRONMENT", "").strip() or "dev",
            max_file_bytes=number("MAX_FILE_BYTES", 2 * _MEBIBYTE),
            max_set_bytes=number("MAX_SET_BYTES", 32 * _MEBIBYTE),
        )
        if problems:
            raise SettingsError(f"The function's environment is not complete: {'; '.join(problems)}.")
        return settings

    def ids_of(self, target: Target) -> Target:
        """Return the ids of a deployment in Astro.

        Raises:
            NotAllowedError: it is not one that is served.
        """
        if target not in self.allowed:
            raise NotAllowedError(
                f"Deployment {target} is not one that this function serves: have it put into "
                "ALLOWED_DEPLOYMENTS."
            )
        return self.allowed[target]


def _deployments(text: str, problems: list[str]) -> dict[Target, Target]:
    """Read `workspace/deployment`, or these `=` the two ids in Astro, with commas between."""
    allowed: dict[Target, Target] = {}
    for entry in _entries(text):
        name, named, ids = entry.partition("=")
        target, astro = _target(name), _target(ids if named else name)
        if target is None or astro is None or target in allowed:
            problems.append(
                "ALLOWED_DEPLOYMENTS must be workspace/deployment or name/name=workspace/deployment, each "
                "once, more of them with commas between"
            )
            break
        if astro in allowed.values():
            # Each would replace what was deployed by the name of the other.
            problems.append(f"ALLOWED_DEPLOYMENTS has two names for {astro}")
            break
        allowed[target] = astro
    return allowed


def _target(text: str) -> Target | None:
    parts = [part.strip() for part in text.split("/")]
    return Target(*parts) if len(parts) == 2 and all(parts) else None


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]
