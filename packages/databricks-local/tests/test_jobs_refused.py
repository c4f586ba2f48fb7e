"""Settings that the service refuses, each with its sentence."""

import json
import urllib.error
from typing import Any

import pytest
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.errors import NotImplemented as NotImitated
from databricks.sdk.service import compute, jobs
from databricks_local.process import LocalWorkspace

CONDITION = {"op": "EQUAL_TO", "left": "1", "right": "1"}
CLUSTER = {"spark_version": "17.3.x-scala2.13", "num_workers": 1}
A = {"task_key": "a", "condition_task": CONDITION}
B = {"task_key": "b", "condition_task": CONDITION}
WHEEL = {"package_name": "p", "entry_point": "e"}


def after(task: dict[str, Any], *keys: str, **more: Any) -> dict[str, Any]:
    return {**task, "depends_on": [{"task_key": key, **more} for key in keys]}


def loop(**values: Any) -> dict[str, Any]:
    return {"task_key": "loop", "for_each_task": {"inputs": "[1]", "task": {**A, "task_key": "x"}, **values}}


NOTEBOOK = {"task_key": "n", "notebook_task": {"notebook_path": "/n"}}

TASKS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no key": ([{"condition_task": CONDITION}], "Missing required field: settings.tasks.task_key."),
    "a key of other characters": ([{**A, "task_key": "a b"}], "Task key 'a b' is not accepted"),
    "a long key": ([{**A, "task_key": "a" * 101}], "must have 1 to 100 characters"),
    "a key twice": ([A, A], "Task key 'a' is used by more than one task"),
    "no work": ([{"task_key": "a"}], "No task defined for a"),
    "two kinds of work": (
        [{**A, "notebook_task": {"notebook_path": "/n"}}],
        "Task 'a' defines more than one task: condition_task and notebook_task.",
    ),
    "an incomplete kind": (
        [{"task_key": "a", "condition_task": {"op": "EQUAL_TO", "left": "1"}}],
        "Missing required field: settings.tasks.condition_task.right",
    ),
    "an unknown dependency": ([after(A, "z")], "Task 'a' depends on 'z', which is no task of the job."),
    "itself as dependency": ([after(A, "a")], "Task dependency graph contains a cycle: a -> a."),
    "a cycle": ([after(A, "b"), after(B, "a")], "Task dependency graph contains a cycle"),
    "an outcome of what has none": ([NOTEBOOK, after(B, "n", outcome="true")], "which is no condition_task"),
    "an outcome that cannot be": ([A, after(B, "a", outcome="yes")], "it can be 'true' or 'false'"),
    "an unknown job cluster": (
        [{**NOTEBOOK, "job_cluster_key": "big"}],
        "Job cluster 'big' of task 'n' is not defined in field 'job_clusters'.",
    ),
    "an unknown environment": (
        [{**NOTEBOOK, "environment_key": "default"}],
        "Environment 'default' of task 'n' is not defined in field 'environments'.",
    ),
    "two clusters": (
        [{**NOTEBOOK, "existing_cluster_id": "1", "new_cluster": CLUSTER}],
        "Only one of existing_cluster_id and new_cluster can be specified for task 'n'.",
    ),
    "a wheel without compute": (
        [{"task_key": "w", "python_wheel_task": WHEEL}],
        "An environment is required for serverless task w.",
    ),
    "libraries without a cluster": (
        [{**NOTEBOOK, "libraries": [{"whl": "/a.whl"}]}],
        "Libraries field is not supported for serverless task n",
    ),
    "a cluster without a size": (
        [{**NOTEBOOK, "new_cluster": {"spark_version": "17.3.x-scala2.13"}}],
        "Missing required field: settings.cluster_spec.new_cluster.size",
    ),
    "a cluster without a runtime": (
        [{**NOTEBOOK, "new_cluster": {"num_workers": 1}}],
        "Missing required field: settings.cluster_spec.new_cluster.spark_version",
    ),
    "a negative timeout": (
        [{**A, "timeout_seconds": -1}],
        "timeout_seconds of task 'a' is -1, but the least is 0",
    ),
    "too negative retries": ([{**NOTEBOOK, "max_retries": -2}], "max_retries of task 'n' is -2"),
    "a condition with retries": (
        [{**A, "max_retries": 1}],
        "'a' is a condition_task, which cannot be retried",
    ),
    "a loop with retries": (
        [{**loop(task=NOTEBOOK), "max_retries": 1}],
        "'loop' is a for_each_task: set retries in its nested task.",
    ),
    "a loop in a loop": ([loop(task=loop())], "cannot be a for_each_task"),
    "a loop over a condition": ([loop()], "cannot be a condition_task"),
    "a nested task with dependencies": (
        [loop(task=after(NOTEBOOK, "a"))],
        "cannot depend on other tasks",
    ),
    "a loop over no array": ([loop(inputs='{"a": 1}', task=NOTEBOOK)], "must be a JSON array"),
    "too many iterations": (
        [loop(inputs=json.dumps([0] * 5001), task=NOTEBOOK)],
        "more than 5000 elements",
    ),
    "too parallel a loop": ([loop(concurrency=101, task=NOTEBOOK)], "must be between 1 and 100"),
    "a nested task without compute": (
        [loop(task={"task_key": "w", "python_wheel_task": WHEEL})],
        "An environment is required for serverless task w.",
    ),
}


# The fields of a request are those that the installed databricks-sdk knows.
RETRIES_ARE_SUBMITTED = "max_retries" in jobs.SubmitTask.__dataclass_fields__


@pytest.mark.parametrize(("tasks", "said"), TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("route", ["create", "runs/submit"])
def test_tasks_that_cannot_be_are_refused(
    databricks_local: LocalWorkspace, route: str, tasks: list[dict[str, Any]], said: str
) -> None:
    if route == "runs/submit" and any("job_cluster_key" in task for task in tasks):
        said = "unknown field 'tasks[0].job_cluster_key'"
    if route == "runs/submit" and not RETRIES_ARE_SUBMITTED and any("max_retries" in task for task in tasks):
        said = "unknown field 'tasks[0].max_retries'"
    answer = refused(databricks_local, route, {"tasks": tasks})
    assert said in answer["message"]


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a long name": ({"name": "ä" * 2049}, "Job name can have at most 4096 bytes in UTF-8"),
    "a long description": ({"description": "a" * 27701}, "at most 27700 characters"),
    "too many runs": ({"max_concurrent_runs": 1001}, "must be between 0 and 1000"),
    "negative runs": ({"max_concurrent_runs": -1}, "must be between 0 and 1000"),
    "too many tags": ({"tags": {str(n): "" for n in range(26)}}, "at most 25 tags, not 26"),
    "a negative timeout": ({"timeout_seconds": -1}, "timeout_seconds is -1, but the least is 0"),
    "two identities": (
        {"run_as": {"user_name": "a", "service_principal_name": "b"}},
        "run_as must name exactly one",
    ),
    "no identity": ({"run_as": {}}, "run_as must name exactly one"),
    "a parameter twice": (
        {"parameters": [{"name": "a", "default": ""}] * 2},
        "name 'a' is used more than once in parameters",
    ),
    "a parameter's odd name": (
        {"parameters": [{"name": "a b", "default": ""}]},
        "The job parameter name 'a b' is not accepted",
    ),
    "a parameter without default": (
        {"parameters": [{"name": "a"}]},
        "Missing required field: settings.parameters.default",
    ),
    "a job cluster twice": (
        {"job_clusters": [{"job_cluster_key": "c", "new_cluster": CLUSTER}] * 2},
        "job_cluster_key 'c' is used more than once in job_clusters",
    ),
    "a job cluster without a size": (
        {"job_clusters": [{"job_cluster_key": "c", "new_cluster": {"spark_version": "17.3.x-scala2.13"}}]},
        "Missing required field: settings.cluster_spec.new_cluster.size",
    ),
    "an environment without a key": (
        {"environments": [{"spec": {"environment_version": "4"}}]},
        "Missing required field: settings.environments.environment_key",
    ),
    "cron of another dialect": (
        {"schedule": {"quartz_cron_expression": "0 30 2,7,11,15 * * *", "timezone_id": "UTC"}},
        "Invalid quartz_cron_expression: 0 30 2,7,11,15 * * *. Databricks uses Quartz cron syntax",
    ),
    "an unknown time zone": (
        {"schedule": {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "Mars/Base"}},
        "Invalid timezone_id: 'Mars/Base' is no time zone",
    ),
    "a schedule without time zone": (
        {"schedule": {"quartz_cron_expression": "0 0 2 * * ?"}},
        "Missing required field: settings.schedule.timezone_id",
    ),
    "two ways to start": (
        {
            "schedule": {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC"},
            "continuous": {"pause_status": "PAUSED"},
        },
        "Only one of schedule and continuous can be set",
    ),
    "a repository without provider": (
        {"git_source": {"git_url": "https://example.org/a.git"}},
        "git_source.git_provider must be one of: github,",
    ),
    "an unknown field": ({"max_concurent_runs": 1}, "Did you mean 'max_concurrent_runs'?"),
    "a field of another type": ({"max_concurrent_runs": [1]}, "must be a whole number"),
    "an unknown field in a task": ({"tasks": [{**A, "depends": []}]}, "unknown field 'tasks[0].depends'"),
    "an unknown choice": ({"tasks": [{**A, "run_if": "SOMETIMES"}]}, "not one of"),
}


@pytest.mark.parametrize(("settings", "said"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_be_are_refused_in_all_routes_alike(
    databricks_local: LocalWorkspace, settings: dict[str, Any], said: str
) -> None:
    created = refused(databricks_local, "create", settings)
    assert said in created["message"]
    job_id = databricks_local.call("POST", "/api/2.2/jobs/create", {"name": "whole"})["job_id"]
    for route in ("reset", "update"):
        answer = refused(databricks_local, route, {"job_id": job_id, "new_settings": settings})
        assert answer["error_code"] == created["error_code"]
    job = databricks_local.call("GET", f"/api/2.2/jobs/get?job_id={job_id}")
    assert job["settings"]["name"] == "whole"


def refused(workspace: LocalWorkspace, route: str, body: object) -> dict[str, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        workspace.call("POST", f"/api/2.2/jobs/{route}", body)
    assert caught.value.code == 400
    answer: dict[str, str] = json.load(caught.value)
    return answer


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (
            jobs.Task("j", spark_jar_task=jobs.SparkJarTask(main_class_name="A")),
            r"spark_jar_task \(task 'j'\)",
        ),
        (jobs.Task("d", dbt_task=jobs.DbtTask(commands=["dbt run"])), r"dbt_task \(task 'd'\)"),
        (
            jobs.Task("q", sql_task=jobs.SqlTask("w", query=jobs.SqlTaskQuery("q"))),
            "queries, alerts and dashboards of sql_task",
        ),
        (
            jobs.Task("g", notebook_task=jobs.NotebookTask("/n", source=jobs.Source.GIT)),
            r"source GIT \(task 'g'\)",
        ),
    ],
)
def test_work_that_is_not_imitated_says_so(
    databricks_local: LocalWorkspace, task: jobs.Task, said: str
) -> None:
    with pytest.raises(NotImitated, match=f"databricks-local does not imitate {said}"):
        databricks_local.client().jobs.create(tasks=[task])


def test_a_trigger_that_is_not_imitated_may_be_there_paused(databricks_local: LocalWorkspace) -> None:
    client = databricks_local.client()
    trigger = jobs.TriggerSettings(file_arrival=jobs.FileArrivalTriggerConfiguration(url="/Volumes/a/b/c/"))
    with pytest.raises(NotImitated, match="the trigger file_arrival: set its pause_status to PAUSED"):
        client.jobs.create(trigger=trigger)
    trigger.pause_status = jobs.PauseStatus.PAUSED
    job_id = client.jobs.create(trigger=trigger).job_id
    assert client.jobs.get(job_id).settings.trigger == trigger


def test_a_policy_stands_for_what_a_cluster_does_not_say(databricks_local: LocalWorkspace) -> None:
    client = databricks_local.client()
    cluster = compute.ClusterSpec(policy_id="0123456789ABCDEF", apply_policy_default_values=True)
    task = jobs.Task("n", notebook_task=jobs.NotebookTask("/n"), job_cluster_key="c")
    clusters = [jobs.JobCluster("c", new_cluster=cluster)]
    job_id = client.jobs.create(tasks=[task], job_clusters=clusters).job_id
    (kept,) = client.jobs.get(job_id).settings.job_clusters
    assert kept.new_cluster.as_dict() == {"policy_id": "0123456789ABCDEF"}


def test_work_in_the_form_of_one_task_is_checked_too(databricks_local: LocalWorkspace) -> None:
    jar = {"spark_jar_task": {"main_class_name": "A"}, "new_cluster": CLUSTER}
    with pytest.raises(urllib.error.HTTPError) as caught:
        databricks_local.call("POST", "/api/2.2/jobs/runs/submit", jar)
    assert caught.value.code == 501
    answer = refused(databricks_local, "runs/submit", {**NOTEBOOK, "tasks": [NOTEBOOK]})
    assert "unknown field 'task_key'" in answer["message"]
    both = {"notebook_task": NOTEBOOK["notebook_task"], "tasks": [NOTEBOOK]}
    answer = refused(databricks_local, "runs/submit", both)
    assert answer["message"] == "tasks and notebook_task cannot be specified together."


def test_permissions_of_a_one_time_run_are_checked(databricks_local: LocalWorkspace) -> None:
    people = [{"group_name": "users", "user_name": "a", "permission_level": "CAN_VIEW"}]
    answer = refused(databricks_local, "runs/submit", {"tasks": [A], "access_control_list": people})
    assert "exactly one user, group or service principal" in answer["message"]


def test_a_one_time_run_needs_tasks(databricks_local: LocalWorkspace) -> None:
    with pytest.raises(InvalidParameterValue, match="One of job_cluster_key, new_cluster"):
        databricks_local.client().jobs.submit(run_name="empty")


def test_a_long_token_is_refused(databricks_local: LocalWorkspace) -> None:
    client = databricks_local.client()
    task = jobs.SubmitTask("a", condition_task=jobs.ConditionTask(jobs.ConditionTaskOp.EQUAL_TO, "1", "1"))
    with pytest.raises(InvalidParameterValue, match="has 65 characters, but can have at most 64"):
        client.jobs.submit(tasks=[task], idempotency_token="t" * 65)
