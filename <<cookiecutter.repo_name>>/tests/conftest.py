"""Fixtures of this project's tests; `spark` and `warehouse` come with skyspark."""

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture
def posts_xml() -> str:
    """Six made posts, one of them neither question nor answer."""
    return str(DATA / "Posts.xml")


@pytest.fixture
def users_xml() -> str:
    """Three made users."""
    return str(DATA / "Users.xml")
