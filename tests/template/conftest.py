"""Renders of the templates, as plain cookiecutter makes them."""

from pathlib import Path

import pytest
from template import astro_dag
from template.projects import COMBINATIONS, ROOT, Render, answers


@pytest.fixture(scope="session")
def render(cookies_session) -> Render:
    """Render the skyspark template with the given answers and the defaults for the others."""

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


@pytest.fixture(scope="session")
def render_astro_dag(cookies_session) -> Render:
    """Render the astro-dag template with the given answers and the defaults for the others."""

    def render(**given: str) -> Path:
        chosen = astro_dag.answers(**given)
        result = cookies_session.bake(extra_context=chosen, template=str(astro_dag.TEMPLATE))
        assert result.exception is None, result.exception
        return Path(result.project_path)

    return render
