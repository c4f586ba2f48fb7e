"""Renders of the skyspark template, as plain cookiecutter makes them."""

from pathlib import Path

import pytest
from template.projects import COMBINATIONS, ROOT, Render, answers


@pytest.fixture(scope="session")
def render(cookies_session) -> Render:
    """Render the template with the given answers and the defaults for the others."""

    def render(**given: str) -> Path:
        result = cookies_session.bake(extra_context=answers(**given), template=str(ROOT))
        assert result.exception is None, result.exception
        return Path(result.project_path)

    return render


@pytest.fixture(scope="session", params=COMBINATIONS, ids=lambda combination: "-".join(combination.values()))
def combination(request: pytest.FixtureRequest) -> dict[str, str]:
    """The answers that decide which files there are."""
    return request.param


@pytest.fixture(scope="session")
def project(render: Render, combination: dict[str, str]) -> Path:
    """A render for each combination."""
    return render(**combination)
