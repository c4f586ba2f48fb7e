"""Jobs that a bundle deployed: found by name, given parameters, repaired."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator
from dag_runs import RunDag
from databricks.sdk.service.compute import ClusterSpec, DockerImage
from databricks.sdk.service.jobs import (
    JobParameterDefinition,
    PythonWheelTask,
    RunResultState,
    Task,
    TaskDependency,
)
from databricks_local.process import LocalWorkspace
from demo_image import IMAGE, REGISTRY, RUNTIME


def app(key: str, entry_point: str, *parameters: str, after: str | None = None) -> Task:
    return Task(
        key,
        new_cluster=ClusterSpec(
            spark_version=RUNTIME, num_workers=1, docker_image=DockerImage(url=f"{REGISTRY}/{IMAGE}")
        ),
        python_wheel_task=PythonWheelTask("demo", entry_point, parameters=list(parameters)),
        depends_on=[TaskDependency(after)] if after else None,
    )


def deploy(workspace: LocalWorkspace, name: str, *tasks: Task, **parameters: str) -> int:
    """Make a job as a bundle does, and return its id."""
    declared = [JobParameterDefinition(default=value, name=name) for name, value in parameters.items()]
    made = workspace.client().jobs.create(name=name, tasks=list(tasks), parameters=declared or None)
    return made.job_id or 0


def bundle(dag_id: str, **arguments: Any) -> DAG:
    with DAG(dag_id, schedule=None) as dag:
        SkySparkBundleOperator(
            task_id="demo", polling_period_seconds=0.1, retry_delay=timedelta(0), **arguments
        )
    return dag


def executions(file: Path) -> int:
    return len(file.read_text().splitlines())


def test_a_job_runs_by_its_name_with_the_parameters_of_the_dag(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool
) -> None:
    name = f"orders {deferrable}"
    job_id = deploy(
        workspace,
        name,
        app("only", "succeed", "{{job.parameters.day}}", "{{job.parameters.env}}"),
        day="",
        env="dev",
    )
    deploy(workspace, f"[dev ana] {name}", app("only", "fail"))
    finished = run_dag(
        bundle(
            f"bundle_by_name_{deferrable}",
            job_name=name,
            job_parameters={"day": "{{ dag_run.conf['day'] }}"},
            deferrable=deferrable,
        ),
        {"day": "2026-01-01"},
    )

    assert finished.state == "success", finished.log
    jobs = workspace.client().jobs
    run = jobs.get_run(finished.xcom("demo", "run_id"))
    assert run.job_id == job_id
    (task,) = run.tasks or ()
    assert jobs.get_run_output(task.run_id or 0).logs == "demo was called with ['2026-01-01', 'dev']\n"
    assert finished.xcom("demo", "run_page_url") == run.run_page_url
    assert finished.xcom("demo", "_link_DatabricksJobRunLink") == run.run_page_url


def test_a_job_of_mode_development_runs_by_its_name_in_the_bundle(
    run_dag: RunDag, workspace: LocalWorkspace
) -> None:
    job_id = deploy(workspace, "[dev ana_smith] nightly [eu]", app("only", "succeed"))
    deploy(workspace, "[dev ana_smith] not nightly [eu]", app("only", "fail"))
    finished = run_dag(bundle("bundle_of_ana", job_name="nightly [eu]"))

    assert finished.state == "success", finished.log
    run = workspace.client().jobs.get_run(finished.xcom("demo", "run_id"))
    assert run.job_id == job_id


def test_a_job_runs_by_its_id_that_another_task_knows(run_dag: RunDag, workspace: LocalWorkspace) -> None:
    job_id = deploy(workspace, "by id", app("only", "succeed"))

    @task
    def known() -> int:
        return job_id

    with DAG("bundle_by_id", schedule=None) as dag:
        SkySparkBundleOperator(task_id="demo", job_id=known(), polling_period_seconds=0.1)
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    assert workspace.client().jobs.get_run(finished.xcom("demo", "run_id")).job_id == job_id


def test_a_name_of_no_job_or_of_several_fails_at_once_and_says_what_there_is(
    run_dag: RunDag, workspace: LocalWorkspace
) -> None:
    ids = [
        deploy(workspace, name, app("only", "succeed"))
        for name in ("[dev ana] twice", "[dev ben] twice", "same", "same")
    ]
    developed = run_dag(bundle("bundle_of_two_developers", job_name="twice", retries=2))
    same = run_dag(bundle("bundle_with_two_jobs", job_name="same", retries=2))
    none = run_dag(bundle("bundle_without_job", job_name="never", retries=2))

    for finished in (developed, same, none):
        assert finished.state == "failed"
        assert finished.tries("demo") == 1
    assert str(ids[0]) in developed.log
    assert str(ids[1]) in developed.log
    assert f"2 times there is a job 'same' ({ids[2]}, {ids[3]})" in same.log or (
        f"2 times there is a job 'same' ({ids[3]}, {ids[2]})" in same.log
    )
    assert "There is no job 'never' in the workspace" in none.log


def test_a_retry_repairs_the_failed_run_and_what_succeeded_does_not_run_again(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool, tmp_path: Path
) -> None:
    once, flaky, after = (tmp_path / name for name in ("once", "flaky", "after"))
    name = f"repaired {deferrable}"
    job_id = deploy(
        workspace,
        name,
        app("once", "count", str(once)),
        app("flaky", "flaky", str(flaky), "3", after="once"),
        app("after", "count", str(after), after="flaky"),
    )
    dag = bundle(f"bundle_repaired_{deferrable}", job_name=name, retries=2, deferrable=deferrable)
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    assert finished.tries("demo") == 3
    (run,) = workspace.client().jobs.list_runs(job_id=job_id)
    assert finished.xcom("demo", "run_id") == run.run_id
    assert run.state
    assert run.state.result_state == RunResultState.SUCCESS
    assert [executions(file) for file in (once, flaky, after)] == [1, 3, 1]
    assert "ValueError: not yet" in finished.log


def test_without_repair_a_retry_runs_the_whole_job_again(
    run_dag: RunDag, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    always, flaky = tmp_path / "always", tmp_path / "flaky"
    job_id = deploy(
        workspace,
        "not repaired",
        app("always", "count", str(always)),
        app("flaky", "flaky", str(flaky), "2", after="always"),
    )
    finished = run_dag(bundle("bundle_not_repaired", job_id=job_id, repair_run=False, retries=1))

    assert finished.state == "success", finished.log
    assert len(list(workspace.client().jobs.list_runs(job_id=job_id))) == 2
    assert [executions(always), executions(flaky)] == [2, 2]


def test_the_log_of_a_failed_job_has_the_traceback_of_each_failed_task_alone(
    run_dag: RunDag, workspace: LocalWorkspace
) -> None:
    job_id = deploy(
        workspace,
        "fails",
        app("bad", "fail"),
        app("good", "succeed"),
        app("skipped", "succeed", after="bad"),
    )
    finished = run_dag(bundle("bundle_that_fails", job_id=job_id))

    assert finished.state == "failed"
    assert "Task bad has ended as FAILED" in finished.log
    assert "LookupError: there are no orders of 2026-01-01" in finished.log
    assert "Task good" not in finished.log
    assert "Task skipped" not in finished.log
    run = workspace.client().jobs.get_run(finished.xcom("demo", "run_id"))
    assert f"See {run.run_page_url}" in finished.log
