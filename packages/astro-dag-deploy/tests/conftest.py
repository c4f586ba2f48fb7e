"""A cloud on this machine: moto's HTTP server as AWS, the loopback Astro of `standins` as Astronomer."""

import functools
import logging
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from astro_dag_deploy import main
from astro_dag_deploy.model.target import Target
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import ThreadedMotoServer

sys.path.insert(0, str(Path(__file__).parent / "standins"))

from astro_api import AstroApi
from stack import REGION
from surroundings import WORKSPACE, Cloud, make_surroundings


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of AWS, in the environment of every client."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("POWERTOOLS_SERVICE_NAME", "astro-dag-deploy")
        # For each call moto would list the folder of its modules, and log a line.
        backend = functools.cache(DomainDispatcherApplication.get_backend_for_host)
        patch.setattr(DomainDispatcherApplication, "get_backend_for_host", backend)
        patch.setattr(logging.getLogger("werkzeug"), "level", logging.WARNING)
        yield address
    server.stop()


@pytest.fixture(scope="session")
def astro() -> Iterator[Any]:
    """Astronomer's API, one for all tests: each has a deployment of its own."""
    with AstroApi() as server:
        yield server


@pytest.fixture
def api() -> Iterator[AstroApi]:
    """Astronomer's API with one deployment, of one test alone: it takes faults."""
    with AstroApi() as server:
        server.add_deployment("deployment1")
        yield server


@pytest.fixture
def token(api: AstroApi) -> str:
    """A token that this API takes."""
    return api.add_token()


@pytest.fixture
def cloud(aws: str, astro: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A bucket, a table, a secret and a deployment, and a function that knows them."""
    name = f"t{uuid.uuid4().hex[:16]}"
    made = Cloud(bucket=name, table=name, target=Target(WORKSPACE, f"dep{name}"), astro=astro)
    make_surroundings(made, monkeypatch)
    main._services.cache_clear()
    yield made
    main._services.cache_clear()
