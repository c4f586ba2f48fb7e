"""Renders of the templates, as plain cookiecutter makes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from template import airflow_platform, astro_dag
from template.projects import COMBINATIONS, ROOT, Render, answers


def renderer(cookies_session, template: Path, complete: Callable[..., dict[str, str]]) -> Render:
    """Have a template rendered with the given answers and its defaults for the others."""

    def render(**given: str) -> Path:
        result = cookies_session.bake(extra_context=complete(**given), template=str(template))
        assert result.exception is None, result.exception
        return Path(result.project_path)

    return render


@pytest.fixture(scope="session")
def render(cookies_session) -> Render:
    """Render the skyspark template."""
    return renderer(cookies_session, ROOT, answers)


@pytest.fixture(scope="session")
def render_astro_dag(cookies_session) -> Render:
    """Render the astro-dag template."""
    return renderer(cookies_session, astro_dag.TEMPLATE, astro_dag.answers)


@pytest.fixture(scope="session")
def render_airflow_platform(cookies_session) -> Render:
    """Render the airflow-platform template."""
    return renderer(cookies_session, airflow_platform.TEMPLATE, airflow_platform.answers)


@pytest.fixture(scope="session", params=COMBINATIONS, ids=lambda combination: "-".join(combination.values()))
def combination(request: pytest.FixtureRequest) -> dict[str, str]:
    """The answers that decide which files there are."""
    return request.param


@pytest.fixture(scope="session")
def project(render: Render, combination: dict[str, str]) -> Path:
    """A render for each combination."""
    return render(**combination)
