"""Deploys whose calls go wrong."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene import Scene


@pytest.fixture
def scene(cloud: Any, aws: str) -> Iterator[Scene]:
    """Two repositories of a deployment, whose calls come by a proxy."""
    with Scene.of(cloud, aws) as scene:
        yield scene
