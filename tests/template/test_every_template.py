"""What holds for the projects of all templates, with every combination of the answers that decide."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from template import airflow_platform
from template.projects import BIN, COMBINATIONS, lint, run, texts
from template.secret_scan import secrets

RENDERS = [
    *(("render", combination) for combination in COMBINATIONS),
    ("render_astro_dag", {}),
    *(("render_airflow_platform", combination) for combination in airflow_platform.COMBINATIONS),
]
PARSERS = {
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yaml": lambda text: list(yaml.safe_load_all(text)),
    ".yml": lambda text: list(yaml.safe_load_all(text)),
}
CLEAN_SCRIPTS: set[tuple[str, ...]] = set()


@pytest.fixture(
    scope="module",
    params=RENDERS,
    # Of an address, how git goes there is enough.
    ids=lambda made: "-".join([made[0], *(re.sub(r"\W*[:@].*", "", answer) for answer in made[1].values())]),
)
def project(request: pytest.FixtureRequest) -> Path:
    """A render for each combination of each template."""
    fixture, combination = request.param
    return request.getfixturevalue(fixture)(**combination)


def files(project: Path, pattern: str) -> list[Path]:
    return sorted(path for path in project.rglob(pattern) if path.is_file())


def test_no_template_language_remains(project: Path) -> None:
    for path, text in texts(project):
        assert not re.search(r"<<|<%|<#|cookiecutter\.\w", path + text), path


def test_every_file_parses(project: Path) -> None:
    parsed = [path for path, text in texts(project) if PARSERS.get(Path(path).suffix, len)(text) is not None]
    assert len(parsed) > 30


def test_texts_end_in_one_newline_and_lines_in_none_of_their_blanks(project: Path) -> None:
    for path, text in texts(project):
        assert not text or re.search(r"[^\n]\n\Z", text), path
        assert not re.match("\n", text), path
        assert not re.search(r"[ \t]$|\r|\n\n\n\n", text, re.MULTILINE), path


def test_ruff_and_yamllint_find_nothing(project: Path) -> None:
    lint(project)


def test_zizmor_finds_nothing(project: Path) -> None:
    run(BIN / "zizmor", "--offline", "--persona", "pedantic", ".", cwd=project)


def test_hadolint_and_shellcheck_find_nothing(project: Path) -> None:
    for dockerfile in files(project, "Dockerfile"):
        run(BIN / "hadolint", dockerfile, cwd=project)
    scripts = files(project, "*.sh")
    # Most answers change none of them, and to follow what they source takes seconds.
    texts_of_scripts = tuple(script.read_text(encoding="utf-8") for script in scripts)
    if scripts and texts_of_scripts not in CLEAN_SCRIPTS:
        run(BIN / "shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *scripts, cwd=project)
        CLEAN_SCRIPTS.add(texts_of_scripts)


def test_nothing_looks_like_a_secret(project: Path) -> None:
    for path, text in texts(project):
        assert not list(secrets(text)), path


def test_actions_are_pinned_by_commit(project: Path) -> None:
    uses = re.findall(r"uses: (.*)", (project / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert uses
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v[0-9.]+", action) for action in uses)


def test_a_lock_has_versions_and_hashes_and_no_address(project: Path) -> None:
    locks = files(project, "*.lock")
    assert locks
    for path in locks:
        lock = path.read_text(encoding="utf-8")
        assert "://" not in lock
        packages = re.findall(r"^[^\s#].*\n(?:[ ]+--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", lock, re.MULTILINE)
        assert "".join(packages) == lock
        assert all(re.match(r"[a-z0-9-]+==[0-9][^ ]* ", package) for package in packages)


def test_make_lists_its_targets_and_can_plan_each(project: Path) -> None:
    listed = {line.split()[0] for line in run("make", cwd=project).splitlines()}
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile.replace("\\\n", ""), re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == listed
    for target in listed:
        run("make", "--dry-run", "--warn-undefined-variables", target, "APP=medallion", "ARGS=", cwd=project)


def test_the_makefile_needs_no_newer_make_than_that_of_macos(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    # GNU make 3.82 and 4 brought these: https://www.gnu.org/software/make/ NEWS
    for newer in (
        ".ONESHELL",
        ".SHELLFLAGS",
        "!=",
        "&:",
        "$(file ",
        "$(intcmp",
        "$(let ",
        "private ",
        "undefine ",
    ):
        assert newer not in makefile
