"""Deploys with the Astro API: no program is needed, and Astro itself says whether it has the bundle.

https://www.astronomer.io/docs/api/platform-api-reference/deploy/create-deploy, and what the Astro CLI 1.45
asks of it (cloud/deploy/deploy.go, pkg/azure/azure.go).
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote as quote_path

from pydantic import BaseModel, Field, ValidationError

from astro_dag_deploy.errors import AstroError, SettingsError
from astro_dag_deploy.model.astro import AstroDeploy
from astro_dag_deploy.utils.api_token import read_token
from astro_dag_deploy.utils.dag_bundle import list_dags, write_bundle
from astro_dag_deploy.utils.http_session import (
    Answer,
    HttpSession,
    InsecureAddressError,
    NoAnswerError,
    require_secure,
)
from astro_dag_deploy.utils.quoting import quote

_LONGEST_DESCRIPTION = 500

Model = TypeVar("Model", bound=BaseModel)


class _Deployment(BaseModel):
    """What is needed of a deployment."""

    workspace: str = Field(alias="workspaceId")
    takes_dags: bool = Field(alias="isDagDeployEnabled")
    type: str | None = None


class _Deploy(BaseModel):
    """What is needed of a deploy; its status is INITIALIZED, DEPLOYED or FAILED."""

    id: str
    status: str
    upload_url: str | None = Field(default=None, alias="dagsUploadUrl", repr=False)
    version: str | None = Field(default=None, alias="dagTarballVersion")


class AstroApiClient:
    """Creates a deploy, uploads the bundle, finalizes the deploy and reads it back.

    Args:
        url: the address of the API; http only on this machine.
        organization: the id of the organization.
        token: returns the API token of the workspace.

    Raises:
        SettingsError: the address is not secure.
    """

    def __init__(self, url: str, organization: str, token: Callable[[], str]):
        try:
            require_secure(url)
        except InsecureAddressError as error:
            raise SettingsError(f"ASTRO_API_URL must be an https address: {error}.") from None
        self._url = f"{url.rstrip('/')}/v1/organizations/{quote_path(organization, safe='')}/deployments"
        self._token = token

    def deploy(
        self,
        project: Path,
        *,
        workspace: str,
        deployment: str,
        description: str,
        seconds: float,
        allow_empty: bool = False,
    ) -> AstroDeploy:
        """Deploy a project folder, see the port.

        Raises:
            AstroError: Astro refused it, did not answer within the time, or does not have the bundle.
        """
        files = list_dags(project, allow_empty=allow_empty)
        url = f"{self._url}/{quote_path(deployment, safe='')}"
        astro = _Conversation(HttpSession(seconds), url, read_token(self._token))
        astro.require_dag_deploys(workspace, deployment)
        deploy = astro.create(quote(description, longest=_LONGEST_DESCRIPTION))
        if not deploy.upload_url:
            raise AstroError(
                f"Astro named no address for the DAGs of {deployment}: have DAG-only deploys enabled for it."
            )
        # It has no name: a function that is killed leaves nothing behind.
        with tempfile.TemporaryFile() as archive:
            write_bundle(files, archive)
            version = astro.upload(deploy.upload_url, archive)
        astro.finalize(deploy.id, version)
        return AstroDeploy(version)


class _Conversation:
    """The requests of one deploy."""

    def __init__(self, session: HttpSession, url: str, token: str):
        self._session = session
        self._url = url
        self._token = token

    def require_dag_deploys(self, workspace: str, deployment: str) -> None:
        found = self._ask("read the deployment", "GET", "", _Deployment)
        if found.workspace != workspace:
            raise AstroError(
                f"Deployment {deployment} is not in workspace {workspace}: nothing was deployed."
            )
        if not found.takes_dags:
            raise AstroError(
                f"DAG-only deploys are off for deployment {deployment}: have them enabled "
                f"(astro deployment update {deployment} --dag-deploy enable)."
            )
        if found.type == "HYBRID":
            raise AstroError(
                f"Deployment {deployment} is of the type HYBRID, whose bundles need Astronomer's monitoring "
                "DAG: set ASTRO_DEPLOYER to cli, which puts it there."
            )

    def create(self, description: str) -> _Deploy:
        """Begin a deploy: one that is never finalized changes nothing, so a lost answer costs nothing."""
        body = {"type": "DAG_ONLY", "description": description}
        return self._ask("create a deploy", "POST", "/deploys", _Deploy, body)

    def upload(self, url: str, archive: BinaryIO) -> str:
        """Upload a bundle and return its version.

        https://learn.microsoft.com/rest/api/storageservices/put-blob
        """
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/gzip"}
        answer = self._heard(
            "upload the bundle", lambda: self._session.request("PUT", url, headers=headers, body=archive)
        )
        if answer.status != 201:
            raise AstroError(f"Astro's storage did not take the bundle: {answer.status}.")
        version = answer.headers.get("x-ms-version-id", "")
        if not version:
            raise AstroError("Astro's storage named no version of the bundle: nothing was deployed.")
        return version

    def finalize(self, deploy: str, version: str) -> None:
        """Have the bundle deployed, and return when Astro says that it is.

        A finalize whose answer got lost may have been heard: what the deploy has become tells.
        """
        path = f"/deploys/{quote_path(deploy, safe='')}"
        body = {"dagTarballVersion": version}
        heard = unsure = False
        number = 0
        while True:
            answer: Answer | None = None
            if not heard:
                try:
                    answer = self._send("POST", f"{path}/finalize", body, again=False)
                except NoAnswerError as error:
                    if error.final:
                        raise AstroError(f"Could not finalize deploy {deploy}: {error}.") from None
                # A refusal may be because an earlier one was heard.
                heard = answer is not None and (answer.status == 200 or (unsure and not answer.is_passing))
                unsure = unsure or answer is None or answer.is_passing
            now = self._ask(f"read deploy {deploy}, which may have taken effect", "GET", path, _Deploy)
            if now.status == "DEPLOYED":
                if now.version != version:
                    raise AstroError(
                        f"Astro deployed version {now.version} in deploy {deploy}, and {version} was "
                        "uploaded: look at the deployment in the Astro UI."
                    )
                return
            if now.status == "FAILED":
                raise AstroError(f"Deploy {deploy} ended as FAILED: look at the deployment in the Astro UI.")
            if answer is not None and not heard and not answer.is_passing:
                raise self._refused("finalize the deploy", answer)
            if not self._session.pause(number, answer):
                raise AstroError(
                    f"Deploy {deploy} is {now.status} and did not become DEPLOYED in time: it may do so yet."
                )
            number += 1

    def _ask(
        self, what: str, method: str, path: str, model: type[Model], body: Mapping[str, Any] | None = None
    ) -> Model:
        answer = self._heard(what, lambda: self._send(method, path, body, again=True))
        if answer.status != 200:
            raise self._refused(what, answer)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError:
            raise AstroError(f"Could not {what}: Astro's answer is not one of its API.") from None

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, *, again: bool) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        send = self._session.request if again else self._session.try_once
        return send(method, self._url + path, headers=headers, body=content)

    def _heard(self, what: str, send: Callable[[], Answer]) -> Answer:
        try:
            return send()
        except (NoAnswerError, InsecureAddressError) as error:
            raise AstroError(f"Could not {what}: {error}.") from None

    def _refused(self, what: str, answer: Answer) -> AstroError:
        if answer.status == 401:
            return AstroError(f"Could not {what}: Astro refused the API token (401), renew it in its secret.")
        try:
            said = json.loads(answer.content)["message"]
        except (ValueError, TypeError, KeyError):
            said = answer.content.decode(errors="replace")
        return AstroError(
            f"Could not {what}: {answer.status}, {quote(str(said), [self._token]).rstrip('.')}."
        )
