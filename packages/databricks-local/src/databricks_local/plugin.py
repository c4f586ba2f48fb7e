"""Fixtures for pytest: a workspace that lives as long as the tests."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databricks_local.process import LocalWorkspace


@pytest.fixture(scope="session")
def databricks_local_options() -> Sequence[str]:
    """Return the options of ``databricks-local serve`` for the fixtures; override it for others."""
    return ()


@pytest.fixture(scope="session")
def databricks_local_factory(
    tmp_path_factory: pytest.TempPathFactory, databricks_local_options: Sequence[str]
) -> "Iterator[Callable[..., LocalWorkspace]]":
    """Return a function that serves one more workspace, given more options; all end with the tests."""
    # Who only has the package installed must not pay for it in every test run.
    from databricks_local.process import LocalWorkspace

    made: list[LocalWorkspace] = []

    def make(*options: str) -> LocalWorkspace:
        root = tmp_path_factory.mktemp("databricks-local") / "root"
        made.append(LocalWorkspace(root, [*databricks_local_options, *options]))
        return made[-1].start()

    yield make
    for workspace in made:
        workspace.stop()


@pytest.fixture(scope="session")
def databricks_local(databricks_local_factory: "Callable[..., LocalWorkspace]") -> "LocalWorkspace":
    """Return a workspace on 127.0.0.1 that all tests of the session share."""
    return databricks_local_factory()
