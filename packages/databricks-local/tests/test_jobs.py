"""Jobs through databricks-sdk: create, get, list, reset, update, delete."""

import urllib.error
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service import jobs
from databricks_local.process import LocalWorkspace


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


def condition(key: str, *after: str, **settings: Any) -> jobs.Task:
    return jobs.Task(
        task_key=key,
        condition_task=jobs.ConditionTask(op=jobs.ConditionTaskOp.EQUAL_TO, left="1", right="1"),
        depends_on=[jobs.TaskDependency(task_key=each) for each in after],
        **settings,
    )


def refused(workspace: LocalWorkspace, path: str, body: object = None) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        workspace.call("GET" if body is None else "POST", path, body)
    return caught.value.code, caught.value.read().decode()


def test_a_job_is_given_back_as_it_was_created(client: WorkspaceClient) -> None:
    notebook = jobs.NotebookTask(notebook_path="/Workspace/n", base_parameters={"a": "1"})
    job_id = client.jobs.create(
        name="nightly",
        description="what it is for",
        tags={"team": "x"},
        parameters=[jobs.JobParameterDefinition(name="day", default="{{job.start_time.iso_date}}")],
        schedule=jobs.CronSchedule("0 0 2 * * ?", "Europe/Berlin", pause_status=jobs.PauseStatus.PAUSED),
        tasks=[
            condition("c", "b", "a"),
            condition("b"),
            jobs.Task(task_key="a", notebook_task=notebook, max_retries=2),
        ],
    ).job_id
    job = client.jobs.get(job_id)
    assert job.job_id == job_id
    assert job.creator_user_name == job.run_as_user_name == "local@databricks.local"
    assert job.created_time > 1_700_000_000_000
    settings = job.settings
    assert (settings.name, settings.description, settings.tags) == (
        "nightly",
        "what it is for",
        {"team": "x"},
    )
    assert settings.schedule.quartz_cron_expression == "0 0 2 * * ?"
    assert settings.parameters[0].default == "{{job.start_time.iso_date}}"
    assert [task.task_key for task in settings.tasks] == ["c", "b", "a"]
    assert settings.tasks[2].notebook_task.base_parameters == {"a": "1"}
    assert settings.tasks[2].max_retries == 2


def test_what_is_not_said_is_filled_in_as_the_service_does(client: WorkspaceClient) -> None:
    notebook = jobs.Task(task_key="n", notebook_task=jobs.NotebookTask(notebook_path="/n"))
    job_id = client.jobs.create(tasks=[condition("c", "n", "b"), condition("b"), notebook]).job_id
    settings = client.jobs.get(job_id).settings
    assert (settings.name, settings.max_concurrent_runs, settings.timeout_seconds) == ("Untitled", 1, 0)
    assert settings.format is jobs.Format.MULTI_TASK
    assert settings.email_notifications.as_dict() == {}
    assert settings.webhook_notifications.as_dict() == {}
    assert [each.task_key for each in settings.tasks[0].depends_on] == ["b", "n"]
    assert settings.tasks[0].run_if is jobs.RunIf.ALL_SUCCESS
    assert settings.tasks[2].notebook_task.source is jobs.Source.WORKSPACE


def test_runs_of_a_job_made_by_2_2_queue_and_those_of_2_1_do_not(databricks_local: LocalWorkspace) -> None:
    queues = {}
    for version in ("2.1", "2.2"):
        made = databricks_local.call("POST", f"/api/{version}/jobs/create", {"name": version})
        job = databricks_local.call("GET", f"/api/2.2/jobs/get?job_id={made['job_id']}")
        queues[version] = job["settings"].get("queue")
    assert queues == {"2.1": None, "2.2": {"enabled": True}}


def test_a_job_that_is_not_there_is_not_found(client: WorkspaceClient) -> None:
    with pytest.raises(ResourceDoesNotExist, match=r"Job 987654321 does not exist\."):
        client.jobs.get(987654321)
    for change in (
        lambda: client.jobs.reset(987654321, jobs.JobSettings()),
        lambda: client.jobs.update(987654321),
        lambda: client.jobs.delete(987654321),
        lambda: client.jobs.run_now(987654321),
    ):
        with pytest.raises(InvalidParameterValue, match=r"Job 987654321 does not exist\."):
            change()


def test_a_reset_replaces_all_settings_but_the_identity(client: WorkspaceClient) -> None:
    run_as = jobs.JobRunAs(service_principal_name="4c7e0e33-1d3f-4b8b-9f31-6b8b0f7b2f11")
    job_id = client.jobs.create(name="old", tags={"a": "b"}, run_as=run_as, tasks=[condition("a")]).job_id
    client.jobs.reset(job_id, jobs.JobSettings(name="new", tasks=[condition("b")]))
    job = client.jobs.get(job_id)
    assert (job.settings.name, job.settings.tags) == ("new", None)
    assert [task.task_key for task in job.settings.tasks] == ["b"]
    assert job.run_as_user_name == run_as.service_principal_name


def test_an_update_replaces_fields_and_merges_lists_by_their_keys(client: WorkspaceClient) -> None:
    job_id = client.jobs.create(
        name="job",
        tags={"kept": "no"},
        max_concurrent_runs=3,
        tasks=[condition("a", timeout_seconds=5), condition("b")],
    ).job_id
    changed = jobs.JobSettings(
        tags={"new": "yes"}, tasks=[condition("a", "b", description="changed"), condition("c")]
    )
    client.jobs.update(job_id, new_settings=changed)
    settings = client.jobs.get(job_id).settings
    assert (settings.name, settings.max_concurrent_runs, settings.tags) == ("job", 3, {"new": "yes"})
    tasks = {task.task_key: task for task in settings.tasks}
    assert list(tasks) == ["a", "b", "c"]
    assert (tasks["a"].description, tasks["a"].timeout_seconds) == ("changed", 0)


def test_an_update_removes_fields_and_entries(client: WorkspaceClient) -> None:
    schedule = jobs.CronSchedule("0 0 2 * * ?", "UTC", pause_status=jobs.PauseStatus.PAUSED)
    job_id = client.jobs.create(schedule=schedule, tasks=[condition("a"), condition("b")]).job_id
    client.jobs.update(job_id, fields_to_remove=["schedule", "tasks/a"])
    settings = client.jobs.get(job_id).settings
    assert settings.schedule is None
    assert [task.task_key for task in settings.tasks] == ["b"]
    with pytest.raises(InvalidParameterValue, match="'schedule/timezone_id' is nested"):
        client.jobs.update(job_id, fields_to_remove=["schedule/timezone_id"])


def test_what_airflow_sends_along_is_taken(databricks_local: LocalWorkspace) -> None:
    workspace, people = databricks_local, [{"group_name": "users", "permission_level": "CAN_VIEW"}]
    settings = {"name": "by Airflow", "max_concurrent_runs": "2", "access_control_list": people}
    job_id = workspace.call("POST", "/api/2.2/jobs/create", settings)["job_id"]
    for route in ("reset", "update"):
        workspace.call("POST", f"/api/2.2/jobs/{route}", {"job_id": str(job_id), "new_settings": settings})
    query = "limit=25&expand_tasks=False&include_user_names=False&page_token=&name=by+Airflow"
    (job,) = workspace.call("GET", f"/api/2.2/jobs/list?{query}")["jobs"]
    assert job["settings"]["max_concurrent_runs"] == 2
    assert "access_control_list" not in job["settings"]


def test_a_job_can_be_created_with_permissions(client: WorkspaceClient) -> None:
    users = jobs.JobAccessControlRequest(
        group_name="users", permission_level=jobs.JobPermissionLevel.CAN_MANAGE_RUN
    )
    job_id = client.jobs.create(name="shared", access_control_list=[users]).job_id
    found = client.jobs.get_permissions(str(job_id)).access_control_list
    levels = {
        (each.user_name or each.group_name, level.permission_level)
        for each in found
        for level in each.all_permissions
        if not level.inherited
    }
    assert levels == {
        ("users", jobs.JobPermissionLevel.CAN_MANAGE_RUN),
        ("local@databricks.local", jobs.JobPermissionLevel.IS_OWNER),
    }


def test_a_job_with_wrong_permissions_is_not_created(client: WorkspaceClient) -> None:
    owner = jobs.JobAccessControlRequest(
        group_name="users", permission_level=jobs.JobPermissionLevel.IS_OWNER
    )
    with pytest.raises(InvalidParameterValue, match="A group cannot be the owner of a job"):
        client.jobs.create(name="owned by all", access_control_list=[owner])
    assert list(client.jobs.list(name="owned by all")) == []


def test_an_update_that_breaks_the_job_changes_nothing(client: WorkspaceClient) -> None:
    job_id = client.jobs.create(name="whole", tasks=[condition("a"), condition("b", "a")]).job_id
    with pytest.raises(InvalidParameterValue, match="'b' depends on 'a'"):
        client.jobs.update(job_id, new_settings=jobs.JobSettings(name="broken"), fields_to_remove=["tasks/a"])
    settings = client.jobs.get(job_id).settings
    assert settings.name == "whole"
    assert len(settings.tasks) == 2


def test_a_deleted_job_is_gone(client: WorkspaceClient) -> None:
    job_id = client.jobs.create(name="gone").job_id
    client.jobs.delete(job_id)
    with pytest.raises(ResourceDoesNotExist):
        client.jobs.get(job_id)


@pytest.fixture(scope="module")
def forty(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    """A workspace with forty jobs and nothing else; every fourth is called "Nightly"."""
    workspace = databricks_local_factory()
    client = workspace.client()
    for number in range(40):
        name = "Nightly" if number % 4 == 0 else f"job {number}"
        client.jobs.create(name=name, tasks=[condition("a")])
    return workspace


def test_all_pages_of_jobs_are_listed_newest_first(forty: LocalWorkspace) -> None:
    client = forty.client()
    found = [job.job_id for job in client.jobs.list(limit=7)]
    assert len(found) == 40
    assert found == sorted(found, reverse=True)


def test_jobs_are_found_by_name_in_any_case(forty: LocalWorkspace) -> None:
    found = list(forty.client().jobs.list(name="nightLY", limit=3))
    assert {job.settings.name for job in found} == {"Nightly"}
    assert len(found) == 10
    assert list(forty.client().jobs.list(name="night")) == []


def test_pages_lead_forth_and_back(forty: LocalWorkspace) -> None:
    first = forty.call("GET", "/api/2.2/jobs/list?limit=15")
    second = forty.call("GET", f"/api/2.2/jobs/list?limit=15&page_token={first['next_page_token']}")
    third = forty.call("GET", f"/api/2.2/jobs/list?limit=15&page_token={second['next_page_token']}")
    back = forty.call("GET", f"/api/2.2/jobs/list?limit=15&page_token={second['prev_page_token']}")
    assert back["jobs"] == first["jobs"]
    assert [len(page["jobs"]) for page in (first, second, third)] == [15, 15, 10]
    assert "has_more" not in first
    assert "prev_page_token" not in first
    assert "next_page_token" not in third


def test_2_1_says_whether_another_page_follows(forty: LocalWorkspace) -> None:
    first = forty.call("GET", "/api/2.1/jobs/list?limit=30")
    second = forty.call("GET", f"/api/2.1/jobs/list?limit=30&page_token={first['next_page_token']}")
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert forty.call("GET", "/api/2.1/jobs/list?name=none") == {"has_more": False}
    assert forty.call("GET", "/api/2.2/jobs/list?name=none") == {}


def test_details_of_jobs_are_listed_on_demand(forty: LocalWorkspace) -> None:
    (short,) = forty.call("GET", "/api/2.2/jobs/list?limit=1")["jobs"]
    assert "tasks" not in short["settings"]
    (whole,) = forty.call("GET", "/api/2.2/jobs/list?limit=1&expand_tasks=true")["jobs"]
    assert [task["task_key"] for task in whole["settings"]["tasks"]] == ["a"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit is 0, but must be between 1 and 100"),
        ("limit=101", "limit is 101"),
        ("page_token=nonsense", "The page token 'nonsense' is invalid"),
        ("page_token=WyJiZWxvdyIsICIxIl0=", "is invalid"),
        ("offset=9223372036854775808", "'offset' must be a whole number of 64 bits"),
        ("limits=3", "unknown field 'limits'. Did you mean 'limit'?"),
    ],
)
def test_a_wrong_query_of_jobs_is_refused(forty: LocalWorkspace, query: str, said: str) -> None:
    status, text = refused(forty, f"/api/2.2/jobs/list?{query}")
    assert status == 400
    assert said in text


def test_a_job_with_more_than_a_hundred_tasks_is_read_by_pages(databricks_local: LocalWorkspace) -> None:
    client = databricks_local.client()
    job_id = client.jobs.create(name="wide", tasks=[condition(f"t{number}") for number in range(250)]).job_id
    first = databricks_local.call("GET", f"/api/2.2/jobs/get?job_id={job_id}")
    assert len(first["settings"]["tasks"]) == 100
    assert first["next_page_token"]
    keys = [task.task_key for task in client.jobs.get(job_id).settings.tasks]
    assert keys == [f"t{number}" for number in range(250)]
    (listed,) = databricks_local.call("GET", "/api/2.2/jobs/list?name=wide&expand_tasks=true")["jobs"]
    assert listed["has_more"]
    assert len(listed["settings"]["tasks"]) == 100
    (expanded,) = client.jobs.list(name="wide", expand_tasks=True)
    assert len(expanded.settings.tasks) == 250


def test_2_1_takes_a_hundred_tasks_only(databricks_local: LocalWorkspace) -> None:
    tasks = [condition(f"t{number}").as_dict() for number in range(101)]
    status, text = refused(databricks_local, "/api/2.1/jobs/create", {"tasks": tasks})
    assert status == 400
    assert "at most 100 by version 2.1" in text


def test_jobs_outlive_the_server(databricks_local_factory: Callable[..., LocalWorkspace]) -> None:
    workspace = databricks_local_factory()
    first = workspace.client().jobs.create(name="stays").job_id
    last = workspace.client().jobs.create(name="goes").job_id
    workspace.client().jobs.delete(last)
    workspace.kill()
    workspace.restart()
    assert workspace.client().jobs.get(first).settings.name == "stays"
    assert workspace.client().jobs.create(name="next").job_id > last
