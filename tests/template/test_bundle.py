"""The bundle: what it deploys, and that the project's tests catch what the Databricks CLI lets through."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from template.projects import BIN, PRINCIPALS, Render

WORKFLOW = Path("databricks-workflows/medallion.yml")

Job = dict[str, Any]


@pytest.fixture(scope="module")
def rendered(render: Render) -> Path:
    return render(type_of_task="dab")


@pytest.fixture
def project(rendered: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered, tmp_path / "project")


def own_tests(project: Path) -> subprocess.CompletedProcess[str]:
    command = [BIN / "python", "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests/bundle"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def unknown_predecessor(job: Job) -> None:
    job["tasks"][1]["depends_on"] = [{"task_key": "nothing"}]


def its_own_predecessor(job: Job) -> None:
    job["tasks"][1]["depends_on"] = [{"task_key": job["tasks"][1]["task_key"]}]


def unknown_cluster(job: Job) -> None:
    job["tasks"][0]["job_cluster_key"] = "nothing"


def same_key_twice(job: Job) -> None:
    job["tasks"][1]["task_key"] = job["tasks"][0]["task_key"]


def two_kinds_of_task(job: Job) -> None:
    job["tasks"][0]["notebook_task"] = {"notebook_path": "/x"}


def unknown_app(job: Job) -> None:
    job["tasks"][0]["python_wheel_task"]["entry_point"] = "nothing"


def unknown_field(job: Job) -> None:
    job["tasks"][0]["retries"] = 3


def bad_level(job: Job) -> None:
    job["tasks"][0]["run_if"] = "SOMETIMES"


def cron_for_quartz(job: Job) -> None:
    job["schedule"]["quartz_cron_expression"] = "0 2 * * *"


def nobody_to_tell(job: Job) -> None:
    del job["email_notifications"]["on_failure"]


MISTAKES = [
    unknown_predecessor, its_own_predecessor, unknown_cluster, same_key_twice, two_kinds_of_task, unknown_app,
    unknown_field, bad_level, cron_for_quartz, nobody_to_tell,
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_the_projects_own_tests_catch_a_mistake(project: Path, mistake: Callable[[Job], None]) -> None:
    content = yaml.safe_load((project / WORKFLOW).read_text(encoding="utf-8"))
    mistake(content["resources"]["jobs"]["medallion"])
    (project / WORKFLOW).write_text(yaml.safe_dump(content), encoding="utf-8")
    done = own_tests(project)
    assert done.returncode == 1, done.stdout
    assert " failed" in done.stdout


def test_a_workflow_that_the_bundle_does_not_include_is_caught(project: Path) -> None:
    (project / WORKFLOW).rename(project / WORKFLOW.with_suffix(".yaml"))
    assert "test_every_workflow_file_is_included" in own_tests(project).stdout


def test_a_bundle_as_it_comes_out_passes(project: Path) -> None:
    done = own_tests(project)
    assert done.returncode == 0, done.stdout


def test_each_target_runs_as_its_own_principal_and_prod_is_kept_from_developers(rendered: Path) -> None:
    targets = yaml.safe_load((rendered / "databricks.yaml").read_text(encoding="utf-8"))["targets"]
    prod = PRINCIPALS["service_principal_application_id_prod"]
    assert targets["dev"]["mode"] == "development"
    assert targets["prod"]["mode"] == "production"
    assert targets["prod"]["workspace"]["root_path"].startswith(f"/Workspace/Users/{prod}/")
    managers = [p for p in targets["prod"]["permissions"] if p["level"] == "CAN_MANAGE"]
    assert managers == [{"service_principal_name": prod, "level": "CAN_MANAGE"}]


def test_every_task_gets_the_dependencies_before_the_project(rendered: Path) -> None:
    jobs = yaml.safe_load((rendered / WORKFLOW).read_text(encoding="utf-8"))["resources"]["jobs"]
    for job in jobs.values():
        for cluster in job["job_clusters"]:
            assert "-ml-" in cluster["new_cluster"]["spark_version"]
        for task in job["tasks"]:
            wheels = [library["whl"] for library in task["libraries"]]
            assert wheels == ["../dependency_wheels/*.whl", "../dist/*.whl"]
