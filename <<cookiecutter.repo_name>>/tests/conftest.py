"""Fixtures of this project's tests; `spark` and `warehouse` come with skyspark."""

from pathlib import Path

import pytest
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.read import load_pipeline

import resources

CONFIG = Path(resources.__path__[0]) / "config.yml"
DATA = Path(__file__).parent / "data"


@pytest.fixture
def posts_xml() -> str:
    """Six made posts, one of them neither question nor answer."""
    return str(DATA / "Posts.xml")


@pytest.fixture
def users_xml() -> str:
    """Three made users."""
    return str(DATA / "Users.xml")


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """The tables of config.yml, as they are made here."""
    return load_pipeline(CONFIG)
