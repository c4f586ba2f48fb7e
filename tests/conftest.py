"""A machine without a past for each test, and small templates made of dicts."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scaffold import ANGLES, BIN, MakeTemplate, commit_all, write_tree
from xdist.scheduler import LoadFileScheduling

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take minutes."""
    place = {name: number for number, name in enumerate(_SLOWEST)}
    items.sort(key=lambda item: place.get(item.name, len(place)))


class _SharedSetup(LoadFileScheduling):
    """Keeps the tests of a file on one worker, as `--dist loadfile` does, but for two kinds of files."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        # It judges many projects, one after the other, and all would wait for its last.
        if file.endswith("test_every_template.py"):
            return nodeid[nodeid.index("[") :]
        # They read the site that is built for them.
        return "site" if file.endswith(("docs/test_links.py", "docs/test_reference.py")) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _SharedSetup(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, with a git identity in it and no other settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # Newer versions of git tidy up in the background, where tests copy and remove repositories.
    settings = "[user]\n\tname = Ada\n\temail = ada@example.com\n[maintenance]\n\tauto = false\n"
    (home / ".gitconfig").write_text(settings)
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
