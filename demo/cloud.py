"""The cloud of the demo, in the environment of the deploy function: ``cloud.py DAGS NAME``.

moto is AWS, with what the function's stack has: a versioned bucket, a table and a secret; and a bucket of
build products. A loopback API is Astro with one deployment, which requests call NAME; it unpacks the bundle
of a finalized deploy into the folder DAGS. In front of the function itself is the gateway. AWS and the
gateway take requests of one access key only, Astro those of one token, both made here.

It prints one JSON object with where to send requests and with the key; what the function logs goes to its
standard error. It ends when its standard input does.
"""

import functools
import json
import logging
import os
import re
import secrets
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "packages/astro-dag-deploy/tests/standins"))

import stack
from astro_api import AstroApi, Fault, api_token
from gateway import Application, Gateway, is_signed_by
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug import Request, Response
from werkzeug.serving import make_server

PACKAGE = Path(__file__).resolve().parents[1] / "packages/astro-dag-deploy"
WORKSPACE, DEPLOYMENT = "cm0workspace", "cm0deployment"
"""The ids in Astro."""
DAGS, SOURCES, TABLE, SECRET = "demo-dags", "demo-builds", "demo-state", "astro-token"


class Astro(AstroApi):
    """Astro with one deployment, whose DAGs are the files of a folder."""

    def __init__(self, dags: Path) -> None:
        super().__init__()
        self._dags = dags

    def _finalize_deploy(
        self, match: re.Match[str], query: dict[str, str], body: bytes, headers: Any, fault: Fault
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        answer = super()._finalize_deploy(match, query, body, headers, fault)
        unpack(self._found(match).bundle, self._dags)
        return answer


def unpack(bundle: dict[str, bytes], folder: Path) -> None:
    """Make a folder have the files of a bundle, and no others.

    Each file is there whole or not at all, since Airflow reads them at any time.

    Args:
        bundle: The files by their paths, with / between the parts.
        folder: The folder.

    Raises:
        ValueError: A path leads out of the folder; nothing was written.
    """
    targets = {folder / path: content for path, content in bundle.items()}
    for target in targets:
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{target} is not below {folder}.")
    for target, content in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content)
        part.replace(target)
    for found in folder.rglob("*"):
        if found.is_file() and found not in targets and "__pycache__" not in found.parts:
            found.unlink()


class Guarded:
    """A WSGI application that takes requests of one access key only."""

    def __init__(self, application: Application, key: str) -> None:
        self._application = application
        self._key = key

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass a request on, or refuse it."""
        if is_signed_by(Request(environ), self._key):
            return self._application(environ, start_response)
        return Response("The access key is not known.\n", 403)(environ, start_response)


def serve(application: Application) -> str:
    """Serve an application on a free port of 127.0.0.1 until this process ends, and return its address."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def surround(astro: Astro, name: str) -> None:
    """Make in AWS and Astro what the function needs, and its environment, as `template.yml` has it.

    Args:
        astro: Astro, without a deployment.
        name: What requests call the workspace and the deployment, with / between.
    """
    token = api_token(astro.organization, WORKSPACE)
    astro.add_deployment(DEPLOYMENT, workspace=WORKSPACE, token=token)
    stack.make_stack(DAGS, TABLE, SECRET, token)
    stack.make_bucket(SOURCES)
    os.environ |= {
        "DAG_BUCKET": DAGS,
        "STATE_TABLE": TABLE,
        "ALLOWED_DEPLOYMENTS": f"{name}={WORKSPACE}/{DEPLOYMENT}",
        "SOURCE_BUCKETS": SOURCES,
        "ASTRO_DEPLOYER": "api",
        "ASTRO_API_URL": astro.url,
        "ASTRO_ORGANIZATION": astro.organization,
        "ASTRO_TOKEN_SECRET": SECRET,
        "ENVIRONMENT": "dev",
        "POWERTOOLS_SERVICE_NAME": "astro-dag-deploy",
        "POWERTOOLS_METRICS_NAMESPACE": "AstroDagDeploy/demo",
    }


def main() -> None:
    """Serve until the standard input ends."""
    folder, name = sys.argv[1:]
    key = f"AKIA{secrets.token_hex(12).upper()}"
    # Of a user's own settings of AWS nothing is to be read: an endpoint or a profile would lead elsewhere.
    for variable in [variable for variable in os.environ if variable.startswith("AWS_")]:
        del os.environ[variable]
    # For each call moto would list the folder of its modules, and werkzeug log a line.
    backend = functools.cache(DomainDispatcherApplication.get_backend_for_host)
    DomainDispatcherApplication.get_backend_for_host = backend
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    aws = serve(Guarded(DomainDispatcherApplication(create_backend_app), key))
    os.environ |= {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_DEFAULT_REGION": stack.REGION,
        "AWS_ENDPOINT_URL": aws,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with Astro(Path(folder)) as astro:
        surround(astro, name)
        # What it imports reads variables at once, as in a cold start.
        from astro_dag_deploy.main import handler

        front = Gateway(handler, PACKAGE, key)
        variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        print(
            json.dumps(
                {
                    "gateway": serve(front) + front.path,
                    "bucket": SOURCES,
                    "environment": variables,
                }
            ),
            flush=True,
        )
        # What the function prints is its log.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        sys.stdin.buffer.read()
    # An invocation that goes on must not hold up the end.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
