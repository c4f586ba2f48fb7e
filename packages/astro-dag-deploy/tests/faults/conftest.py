"""Deploys whose calls go wrong."""

import functools
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

sys.path.insert(0, str(Path(__file__).parent))

from scene import Scene


@pytest.fixture(autouse=True)
def _spare_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    # There are many thousands of calls, and for each moto lists the folder of its modules and logs a line.
    backend = functools.cache(DomainDispatcherApplication.get_backend_for_host)
    monkeypatch.setattr(DomainDispatcherApplication, "get_backend_for_host", backend)
    monkeypatch.setattr(logging.getLogger("werkzeug"), "level", logging.WARNING)


@pytest.fixture
def scene(cloud: Any, aws: str) -> Iterator[Scene]:
    """Two repositories of a deployment, whose calls come by a proxy."""
    with Scene.of(cloud, aws) as scene:
        yield scene
