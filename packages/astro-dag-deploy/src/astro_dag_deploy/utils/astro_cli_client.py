"""Deploys with the Astro CLI, which says in words only whether it did.

Checked against the source of its version 1.45 (cmd/cloud/deploy.go, cloud/deploy/deploy.go): it exits with 0
without a deploy in a git work tree with changes, where the deployment is in another workspace, and where it
finds no DAG and nobody answers its question. It replaces the whole bundle, and with `--force` an empty one
deletes every DAG.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from astro_dag_deploy.errors import AstroError
from astro_dag_deploy.model.astro import AstroDeploy
from astro_dag_deploy.utils.api_token import read_token
from astro_dag_deploy.utils.dag_bundle import list_dags
from astro_dag_deploy.utils.quoting import quote, without_ansi

_SUCCESS = re.compile(r"^Successfully uploaded DAGs with version (\S+) to Astro\.", re.MULTILINE)
_ERROR = re.compile(r"^(?:Error|panic): .*", re.MULTILINE | re.DOTALL)
_NO_ERROR = re.compile(r"^(?:Usage:|goroutine )", re.MULTILINE)
_RULE = re.compile(r"^-+$", re.MULTILINE)
# https://www.astronomer.io/docs/api/platform-api-reference/deploy/create-deploy
_LONGEST_DESCRIPTION = 500
# What it says last tells what happened; a program gone mad may say more than fits into memory.
_KEPT_BYTES = 64 * 1024
# No release check and no telemetry: both reach for hosts that a function in a private network cannot see.
_PROJECT_CONFIG = """\
project:
  name: dags
deploy:
  git_metadata: false
show_warnings: true
telemetry:
  enabled: false
upgrade_message: false
"""


class AstroCliClient:
    """Runs `astro deploy --dags`, with `--no-dags-base-dir`: the CLI has that since 1.40.

    Airflow 3 has the root of a bundle on `sys.path`, and not a folder `dags/` in it: with the files at the
    root their imports of each other work as they do on a developer's machine, see
    https://github.com/astronomer/astro-cli/issues/1985.

    Args:
        program: the Astro CLI: a path, or a name that is looked up in PATH.
        token: returns the API token of the workspace.
        environment: further variables for it.
    """

    def __init__(
        self,
        program: str,
        token: Callable[[], str],
        *,
        environment: Mapping[str, str] | None = None,
    ):
        self._program = program
        self._token = token
        self._environment = dict(environment or {})

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
            AstroError: the CLI did not print its line of success and exit with 0, or took too long.
        """
        list_dags(project, allow_empty=allow_empty)
        config = project / ".astro" / "config.yaml"
        if not config.exists():
            config.parent.mkdir(exist_ok=True)
            config.write_text(_PROJECT_CONFIG)
        command = [
            self._program,
            "deploy",
            "--dags",
            "--no-dags-base-dir",
            f"--workspace-id={workspace}",
            f"--description={quote(description, longest=_LONGEST_DESCRIPTION)}",
        ]
        if allow_empty:
            command.append("--force")
        # What begins with a dash is no flag after this.
        command += ["--", deployment]
        return self._run(command, project, deployment, seconds)

    def _run(self, command: list[str], project: Path, deployment: str, seconds: float) -> AstroDeploy:
        token = read_token(self._token)
        # The CLI writes the token into its home.
        with tempfile.TemporaryDirectory(prefix="astro-home-", ignore_cleanup_errors=True) as folder:
            home = Path(folder)
            variables = {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": folder,
                "ASTRO_HOME": folder,
                "ASTRO_API_TOKEN": token,
                "ASTRO_TELEMETRY_DISABLED": "1",
                # Whatever is around the project, it is in no git work tree.
                "GIT_DIR": str(home / "no-repository"),
                **self._environment,
            }
            # Files, not pipes: a child that it left behind would hold a pipe open.
            with (home / "stdout").open("wb") as stdout, (home / "stderr").open("wb") as stderr:
                try:
                    process = subprocess.Popen(
                        command,
                        cwd=project,
                        env=variables,
                        stdin=subprocess.DEVNULL,
                        stdout=stdout,
                        stderr=stderr,
                        start_new_session=True,
                    )
                except OSError as error:
                    raise AstroError(
                        f"The Astro CLI, {self._program}, could not be started: {error.strerror}. Set "
                        "ASTRO_CLI to its path, or ASTRO_DEPLOYER to api."
                    ) from None
                code = _wait(process, seconds)
            output, errors = _tail(home / "stdout"), _tail(home / "stderr")
        said = quote(_summary(output, errors), [token])
        if code is None:
            raise AstroError(
                f"The Astro CLI did not end within {seconds:.0f} s and was killed, so deployment "
                f"{deployment} may have the new DAGs or the old ones: {said}"
            )
        found = _SUCCESS.search(output)
        if code != 0 or found is None:
            raise AstroError(
                f"The Astro CLI did not say that deployment {deployment} has the DAGs, exit code {code}: "
                f"{said}"
            )
        return AstroDeploy(found[1])


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait for a process, and leave none of its group behind; None where it took too long."""
    try:
        return process.wait(timeout=max(seconds, 0))
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _KEPT_BYTES, 0))
        return without_ansi(file.read().decode(errors="replace"))


def _summary(output: str, errors: str) -> str:
    """Return the error that it printed, without its help or stack, else the last lines of its output."""
    if error := _ERROR.search(errors):
        return _RULE.sub("", _NO_ERROR.split(error[0])[0])
    lines = [line for line in map(str.strip, (output + "\n" + errors).splitlines()) if line]
    return " ".join(lines[-3:]) or "it said nothing."
