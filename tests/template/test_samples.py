"""What an upgrade brings must fit a project whose sample has given way to the user's own content."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from template.projects import BIN, MACHINE, QUESTIONS, Render, run, texts

from mshell_cut.globs import matcher

is_sample = matcher(QUESTIONS["_samples"])


def managed(project: Path) -> Iterator[tuple[str, str]]:
    return ((path, text) for path, text in texts(project) if not is_sample(path))


def test_every_sample_pattern_means_a_file(render: Render) -> None:
    paths = [path for kind in ("docker", "dab") for path, _ in texts(render(type_of_task=kind))]
    for pattern in QUESTIONS["_samples"]:
        assert any(map(matcher([pattern]), paths)), pattern


def test_what_upgrades_bring_imports_no_sample(project: Path) -> None:
    own = {folder.name for folder in (project / "src").iterdir()}
    for path, text in managed(project):
        if path.endswith(".py"):
            nodes = list(ast.walk(ast.parse(text)))
            imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
            imported += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
            assert not own & {name.partition(".")[0] for name in imported}, path


def test_the_readme_leads_to_no_sample_but_where_tables_are_declared(project: Path) -> None:
    readme = (project / "README.md").read_text(encoding="utf-8")
    named = {path for path in re.findall(r"`([\w./-]+)`", readme) if (project / path).is_file()}
    assert "pyproject.toml" in named
    assert set(filter(is_sample, named)) == {"src/resources/config.yml"}


def test_the_projects_checks_hold_without_its_sample_jobs_and_pipelines(
    render: Render, tmp_path: Path
) -> None:
    project = shutil.copytree(render(type_of_task="dab"), tmp_path / "project")
    shutil.rmtree(project / "src/pipelines")
    (project / "databricks-workflows/medallion_pipeline.yml").unlink()
    workflow = project / "databricks-workflows/medallion.yml"
    workflow.write_text("resources:\n  volumes:\n    landing: {name: landing}\n", encoding="utf-8")
    command = [BIN / "python", "-m", "pytest", "-p", "no:cacheprovider", "tests/bundle"]
    printed = run(*command, cwd=project)
    assert re.search(r"=+ \d+ passed in ", printed), printed


def test_make_run_names_the_apps_there_are(render: Render, tmp_path: Path) -> None:
    project = shutil.copytree(render(), tmp_path / "project")
    (project / "src/apps/medallion.py").rename(project / "src/apps/orders.py")
    (project / ".venv").mkdir()
    (project / ".venv/.installed").touch()
    done = subprocess.run(
        ["make", "run"], cwd=project, env=MACHINE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "error: there is no app 'medallion': name one with APP=...: daily_tags orders"
    )
