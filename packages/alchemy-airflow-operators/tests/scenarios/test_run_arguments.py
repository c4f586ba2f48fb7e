"""Where the arguments of a run come from: templates, other tasks, mapping, names of the workspace."""

from typing import Any

import pytest
from airflow.sdk import DAG, task
from alchemy.operators.skyspark_operator import SkySparkOperator
from dag_runs import DEMO, RunDag, demo
from databricks.sdk.service.jobs import Run
from databricks_local.process import LocalWorkspace


def said(workspace: LocalWorkspace, run_id: int) -> str:
    jobs = workspace.client().jobs
    (task,) = jobs.get_run(run_id).tasks or ()
    return (jobs.get_run_output(task.run_id or 0).logs or "").strip()


def cluster_of(run: Run) -> Any:
    (task,) = run.tasks or ()
    assert task.new_cluster
    return task.new_cluster


def test_arguments_come_from_templates_and_other_tasks(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool
) -> None:
    @task
    def chosen() -> dict[str, Any]:
        return {"app": "succeed", "days": ["2026-01-01", "2026-01-02"], "workers": 3}

    with DAG(f"templated_{deferrable}", schedule=None, params={"team": "orders"}) as dag:
        found = chosen()
        SkySparkOperator(
            task_id="demo",
            spark_app="{{ ti.xcom_pull(task_ids='chosen')['app'] }}",
            cmd_params=found["days"],
            max_workers=found["workers"],
            project="{{ params.team }}",
            additional_spark_conf={"spark.app.day": "{{ dag_run.conf['day'] }}"},
            spark_env_vars={"RUN": "{{ dag.dag_id }}"},
            deferrable=deferrable,
            **DEMO,
        )
    finished = run_dag(dag, {"day": "2026-02-01"})

    assert finished.state == "success", finished.log
    run_id = finished.xcom("demo", "run_id")
    assert said(workspace, run_id) == "demo was called with ['2026-01-01', '2026-01-02']"
    cluster = cluster_of(workspace.client().jobs.get_run(run_id))
    assert cluster.autoscale.max_workers == 3
    assert cluster.custom_tags["project"] == "orders"
    assert cluster.spark_conf["spark.app.day"] == "2026-02-01"
    assert cluster.spark_env_vars["RUN"] == f"templated_{deferrable}"


def test_each_mapped_task_has_a_run_of_its_own(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool
) -> None:
    @task
    def days() -> list[list[str]]:
        return [["monday"], ["tuesday"], ["wednesday"]]

    with DAG(f"mapped_{deferrable}", schedule=None) as dag:
        mapped = SkySparkOperator.partial(task_id="demo", spark_app="succeed", deferrable=deferrable, **DEMO)
        mapped.expand(cmd_params=days())
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    run_ids = [finished.xcom("demo", "run_id", index) for index in range(3)]
    assert len(set(run_ids)) == 3
    assert [said(workspace, run_id) for run_id in run_ids] == [
        f"demo was called with ['{day}']" for (day,) in (["monday"], ["tuesday"], ["wednesday"])
    ]
    pages = [finished.xcom("demo", "run_page_url", index) for index in range(3)]
    assert pages == [workspace.client().jobs.get_run(run_id).run_page_url for run_id in run_ids]


def test_names_of_pools_and_policies_become_their_ids(run_dag: RunDag, workspace: LocalWorkspace) -> None:
    pools, policies = workspace.client().instance_pools, workspace.client().cluster_policies
    ids = [pools.create(name, "m5d.large").instance_pool_id for name in ("small", "small drivers", "smaller")]
    policy, _ = [policies.create(name=name).policy_id for name in ("cheap", "cheaper")]
    with DAG("pooled", schedule=None) as dag:
        names = {"instance_pool_name": "small", "driver_instance_pool_name": "small drivers"}
        demo("succeed", policy_name="cheap", **names)
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    cluster = cluster_of(workspace.client().jobs.get_run(finished.xcom("demo", "run_id")))
    assert [cluster.instance_pool_id, cluster.driver_instance_pool_id] == ids[:2]
    assert cluster.policy_id == policy


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"instance_pool_name": "huge"}, "There is no instance pool 'huge' in the workspace"),
        ({"policy_name": "strict"}, "There is no cluster policy 'strict' in the workspace"),
        ({"max_workers": 0}, "max_workers is 0: give a whole number from 1 on."),
        ({"spark_s3_iam_role": "other"}, "spark_s3_iam_role 'other' does not begin with 'alc-db-'"),
    ],
    ids=["pool", "policy", "number", "role"],
)
def test_a_wrong_argument_fails_at_once_and_starts_nothing(
    run_dag: RunDag,
    workspace: LocalWorkspace,
    request: pytest.FixtureRequest,
    arguments: dict[str, Any],
    sentence: str,
) -> None:
    name = f"wrong_{next(iter(arguments))}"
    with DAG(name, schedule=None) as dag:
        demo("succeed", retries=2, **arguments)
    finished = run_dag(dag)

    assert finished.state == "failed"
    assert sentence in finished.log
    assert finished.tries("demo") == 1
    assert name not in {
        run.run_name.partition(".")[0] for run in workspace.client().jobs.list_runs() if run.run_name
    }
