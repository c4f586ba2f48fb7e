"""A machine without a past for each test, and small templates made of dicts."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scaffold import ANGLES, BIN, MakeTemplate, commit_all, write_tree

from mshell_cut import hooks

# Each of two workers gets two of the first four, so that both take as long.
_SLOWEST = (
    "test_all_steps_are_taken_and_leave_gold_rows_and_a_page[docker]",
    "test_updated_projects_are_green",
    "test_all_steps_are_taken_and_leave_gold_rows_and_a_page[dab]",
    "test_a_new_project_is_green_with_all_that_can_be_added[dab-18-True]",
    "test_an_archive_becomes_gold_once_and_again_when_it_changes",
    "test_a_newcomer_gets_from_nothing_to_rows_in_a_delta_table",
    "test_a_new_project_is_green_with_all_that_can_be_added[docker-17.3-False]",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take minutes, and keep together what shares its setup."""
    for item in items:
        # A file's tests, or each project's where a file judges many of them; and all that reads the site.
        group = f"{item.path.parent.name}-{item.path.stem}"
        if item.path.name == "test_every_template.py":
            group += item.callspec.id
        elif "site" in item.fixturenames:
            group = "site"
        item.add_marker(pytest.mark.xdist_group(group))
    place = {name: number for number, name in enumerate(_SLOWEST)}
    items.sort(key=lambda item: place.get(item.name, len(place)))


@pytest.fixture(autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, with a git identity in it and no other settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    return home


@pytest.fixture
def make_template(tmp_path: Path) -> MakeTemplate:
    """Make a template with rules as a git repository: questions, private keys and files as given."""

    def make(
        questions: Mapping[str, Any], files: Mapping[str, str | bytes] | None = None, **private: Any
    ) -> Path:
        template = tmp_path / "template"
        content = {
            **questions,
            "_jinja2_env_vars": ANGLES,
            **{f"_{key}": value for key, value in private.items()},
        }
        rendered = files or {"README.md": "# << cookiecutter.repo_name >>\n"}
        write_tree(template, {"cookiecutter.json": json.dumps(content)})
        write_tree(template / "<<cookiecutter.repo_name>>", rendered)
        write_tree(template / "hooks", hooks.texts())
        (template / "{{cookiecutter.repo_name}}").symlink_to("<<cookiecutter.repo_name>>")
        commit_all(template, "first")
        return template

    return make


@pytest.fixture
def template(make_template: MakeTemplate) -> Path:
    """A template with one question of each kind."""
    return make_template(
        {
            "repo_name": "orders",
            "description": "All orders",
            "kind": ["docker", "dab"],
            "principal": "",
            "tested": True,
            "token": "",
        },
        {
            "README.md": "# << cookiecutter.repo_name >>\n<< cookiecutter.description >> {{ ds }}\n",
            "docker/Dockerfile": "FROM scratch\n",
            "bundle/databricks.yaml": "principal: << cookiecutter.principal | jsonify >>\n",
            "script.sh": "#!/bin/sh\n",
        },
        rules={
            "repo_name": {"required": True, "pattern": "[a-z][a-z0-9-]*", "message": "must be lower case"},
            "principal": {"when": {"kind": "dab"}, "otherwise": "", "required": True},
            "token": {"secret": True},
        },
        prune={"kind": {"dab": ["docker/Dockerfile"], "docker": ["bundle"]}},
        samples=["README.md"],
        next_steps=["make test"],
    )


@pytest.fixture
def mshell_cut() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command as a user would, without a terminal."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "mshell-cut", *map(str, arguments)],
            cwd=cwd,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
