"""Pipelines through the SDK, as far as nothing has to run."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict
from databricks.sdk.errors import NotImplemented as NotImitated
from databricks.sdk.service.jobs import PipelineTask, Task
from databricks.sdk.service.pipelines import (
    EventLevel,
    FileLibrary,
    NotebookLibrary,
    PathPattern,
    PipelineCluster,
    PipelineLibrary,
    PipelineState,
    UpdateInfoState,
)
from databricks_local.process import LocalWorkspace

Client = WorkspaceClient


@pytest.fixture
def client(databricks_local: LocalWorkspace) -> Client:
    return databricks_local.client()


@pytest.fixture
def pipeline_id(client: Client) -> Iterator[str]:
    made = client.pipelines.create(name=f"pipeline {uuid.uuid4()}", catalog="main", schema="s").pipeline_id
    assert made
    yield made
    client.pipelines.delete(made)


def started(client: Client, pipeline_id: str, *, full_refresh: bool = False) -> str:
    update_id = client.pipelines.start_update(pipeline_id, full_refresh=full_refresh).update_id
    assert update_id
    return update_id


def ended(client: Client, pipeline_id: str, update_id: str) -> UpdateInfoState:
    while True:
        update = client.pipelines.get_update(pipeline_id, update_id).update
        assert update
        assert update.state
        if update.state.value in ("COMPLETED", "FAILED", "CANCELED"):
            return update.state


def test_a_pipeline_is_shown_as_it_was_created(client: Client) -> None:
    name = f"shown {uuid.uuid4()}"
    library = PipelineLibrary(glob=PathPattern(include="/Workspace/src/**"))
    made = client.pipelines.create(
        name=name, catalog="main", schema="s", libraries=[library], configuration={"a": "b"}, serverless=True
    )
    assert made.pipeline_id
    shown = client.pipelines.get(made.pipeline_id)
    assert shown.name == name
    assert shown.state is PipelineState.IDLE
    assert shown.creator_user_name == shown.run_as_user_name == "local@databricks.local"
    assert shown.spec
    assert shown.spec.id == made.pipeline_id
    assert shown.spec.libraries == [library]
    assert shown.spec.configuration == {"a": "b"}
    assert shown.spec.storage is None
    assert not shown.latest_updates
    client.pipelines.delete(made.pipeline_id)
    with pytest.raises(NotFound, match=f"The specified pipeline {made.pipeline_id} was not found"):
        client.pipelines.get(made.pipeline_id)


def test_a_name_is_given_once_unless_told_otherwise(client: Client, pipeline_id: str) -> None:
    name = client.pipelines.get(pipeline_id).name
    with pytest.raises(ResourceConflict, match="is already used by another pipeline"):
        client.pipelines.create(name=name)
    again = client.pipelines.create(name=name, allow_duplicate_names=True).pipeline_id
    assert again
    spec = client.pipelines.get(again).spec
    assert spec
    assert spec.storage == f"dbfs:/pipelines/{again}"
    with pytest.raises(ResourceConflict, match="is already used"):
        client.pipelines.update(pipeline_id, name=name, catalog="main")
    client.pipelines.delete(again)
    client.pipelines.update(pipeline_id, name=name, catalog="main")


def test_a_dry_run_creates_nothing(client: Client) -> None:
    name = f"dry {uuid.uuid4()}"
    settings = client.pipelines.create(name=name, catalog="main", dry_run=True).effective_settings
    assert settings
    assert settings.channel == "CURRENT"
    assert not list(client.pipelines.list_pipelines(filter=f"name LIKE '{name}'"))


GLOB = PipelineLibrary(glob=PathPattern(include="/a/**"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"schema": "a", "target": "b"}, "Exactly one of schema or target"),
        ({"target": "main.b"}, "is not a valid name"),
        ({"catalog": "main", "storage": "dbfs:/x"}, "You can not specify storage"),
        ({"serverless": True}, "Serverless compute needs Unity Catalog"),
        ({"serverless": True, "catalog": "main", "clusters": [PipelineCluster()]}, "cluster settings"),
        ({"root_path": "src"}, "root_path must be an absolute path"),
        ({"tags": {str(number): "" for number in range(26)}}, "at most 25 tags, not 26"),
        ({"libraries": [PipelineLibrary()]}, "exactly one of file, glob and notebook"),
        (
            {"libraries": [PipelineLibrary(file=FileLibrary("a.py"))]},
            "absolute path of the workspace, not 'a.py'",
        ),
        ({"libraries": [PipelineLibrary(glob=PathPattern("/a/*.py"))]}, r"'/a/\*.py' does neither"),
        (
            {"libraries": [GLOB, PipelineLibrary(notebook=NotebookLibrary("/n"))]},
            "can have no file or notebook libraries",
        ),
        ({"id": "x"}, "given by the service"),
    ],
)
def test_what_the_service_refuses_is_refused(client: Client, settings: dict[str, object], said: str) -> None:
    given: dict[str, object] = {"name": f"refused {uuid.uuid4()}", **settings}
    with pytest.raises(BadRequest, match=said):
        client.pipelines.create(**given)  # type: ignore[arg-type]
    assert not list(client.pipelines.list_pipelines(filter="name LIKE 'refused %'"))


def test_what_is_not_imitated_says_so(client: Client, pipeline_id: str) -> None:
    with pytest.raises(NotImitated, match="continuous pipelines"):
        client.pipelines.create(name="c", continuous=True)
    with pytest.raises(NotImitated, match="libraries of pipelines of the kind jar"):
        client.pipelines.create(name="j", libraries=[PipelineLibrary(jar="/x.jar")])
    with pytest.raises(NotImitated, match="reset_checkpoint_selection"):
        client.pipelines.start_update(pipeline_id, reset_checkpoint_selection=["t"])


def test_an_unknown_field_is_refused(client: Client) -> None:
    body = {"name": "x", "catalogue": "main"}
    with pytest.raises(BadRequest, match=r"unknown field 'catalogue'\. Did you mean 'catalog'"):
        client.api_client.do("POST", "/api/2.0/pipelines", body=body)


def test_an_edit_replaces_the_spec_and_keeps_the_id(client: Client, pipeline_id: str) -> None:
    before = client.pipelines.get(pipeline_id)
    name = f"edited {uuid.uuid4()}"
    client.pipelines.update(
        pipeline_id, id=pipeline_id, name=name, catalog="main", expected_last_modified=before.last_modified
    )
    after = client.pipelines.get(pipeline_id)
    assert after.spec
    assert (after.name, after.spec.id, after.spec.schema) == (name, pipeline_id, None)
    with pytest.raises(ResourceConflict, match="read it again"):
        client.pipelines.update(pipeline_id, name=name, expected_last_modified=1)
    with pytest.raises(BadRequest, match="is not the one in the path"):
        client.pipelines.update(pipeline_id, name=name, id=str(uuid.uuid4()))


def test_pipelines_are_listed_by_name_and_by_pages(client: Client) -> None:
    mark = uuid.uuid4().hex
    made = [
        client.pipelines.create(name=f"list_{mark} {number}", catalog="main").pipeline_id
        for number in range(5)
    ]
    notebook = PipelineLibrary(notebook=NotebookLibrary(f"/Shared/{mark}"))
    made.append(client.pipelines.create(name=f"other {mark}", libraries=[notebook]).pipeline_id)
    # An underscore is any one sign.
    found = list(client.pipelines.list_pipelines(filter=f"name LIKE 'LIST_{mark}%'", max_results=2))
    assert sorted(p.pipeline_id or "" for p in found) == sorted(p or "" for p in made[:5])
    backwards = client.pipelines.list_pipelines(
        filter=f"name LIKE '%{mark} _'", max_results=2, order_by=["id desc"]
    )
    assert [p.pipeline_id for p in backwards] == [p.pipeline_id for p in found][::-1]
    (by_notebook,) = client.pipelines.list_pipelines(filter=f"notebook='/Shared/{mark}'")
    assert by_notebook.pipeline_id == made[5]
    with pytest.raises(BadRequest, match="max_results is 101"):
        list(client.pipelines.list_pipelines(max_results=101))
    with pytest.raises(BadRequest, match="Invalid filter"):
        list(client.pipelines.list_pipelines(filter="name = 'x'"))
    for each in made:
        client.pipelines.delete(each or "")


def test_an_update_without_spark_for_pipelines_fails_with_a_sentence(
    client: Client, pipeline_id: str
) -> None:
    update_id = started(client, pipeline_id)
    assert ended(client, pipeline_id, update_id) is UpdateInfoState.FAILED
    shown = client.pipelines.get(pipeline_id)
    assert shown.state is PipelineState.FAILED
    assert "pipelines need Spark 4.1 or newer" in (shown.cause or "")
    client.pipelines.stop(pipeline_id).result()
    assert client.pipelines.get(pipeline_id).state is PipelineState.IDLE


def test_events_are_listed_by_time_level_and_pages(client: Client, pipeline_id: str) -> None:
    # Events have whole milliseconds.
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    update_id = started(client, pipeline_id)
    ended(client, pipeline_id, update_id)
    events = list(client.pipelines.list_pipeline_events(pipeline_id, max_results=1))
    assert [event.event_type for event in events] == ["update_progress", "update_progress", "create_update"]
    assert {event.origin.update_id for event in events if event.origin} == {update_id}
    oldest = list(
        client.pipelines.list_pipeline_events(pipeline_id, order_by=["timestamp asc"], max_results=2)
    )
    assert oldest == events[::-1]
    only = f"level in ('ERROR', 'WARN') AND timestamp >= '{began}'"
    (error,) = client.pipelines.list_pipeline_events(pipeline_id, filter=only)
    assert error.level is EventLevel.ERROR
    assert error.error
    assert error.error.exceptions
    assert "pipelines need Spark 4.1" in (error.error.exceptions[0].message or "")
    (same,) = client.pipelines.list_pipeline_events(pipeline_id, filter=f"id='{error.id}'")
    assert same == error
    assert not list(client.pipelines.list_pipeline_events(pipeline_id, filter=f"timestamp < '{began}'"))
    with pytest.raises(BadRequest, match="Invalid filter"):
        list(client.pipelines.list_pipeline_events(pipeline_id, filter="message = 'x'"))


def test_updates_are_listed_by_pages_newest_first(client: Client, pipeline_id: str) -> None:
    made = []
    for _ in range(3):
        made.append(started(client, pipeline_id, full_refresh=True))
        ended(client, pipeline_id, made[-1])
    page = client.pipelines.list_updates(pipeline_id, max_results=2)
    rest = client.pipelines.list_updates(pipeline_id, max_results=2, page_token=page.next_page_token)
    assert [u.update_id for u in (page.updates or []) + (rest.updates or [])] == made[::-1]
    assert all(u.full_refresh for u in page.updates or [])
    until = client.pipelines.list_updates(pipeline_id, until_update_id=made[1]).updates or []
    assert [u.update_id for u in until] == made[:0:-1]
    with pytest.raises(NotFound, match="The specified update nothing was not found"):
        client.pipelines.get_update(pipeline_id, "nothing")


def test_a_pipeline_task_fails_with_the_reason_of_the_update(client: Client, pipeline_id: str) -> None:
    task = Task(task_key="t", pipeline_task=PipelineTask(pipeline_id))
    job_id = client.jobs.create(name="with a pipeline", tasks=[task]).job_id
    assert job_id
    run_id = client.jobs.run_now(job_id).run_id
    while (state := client.jobs.get_run(run_id).state) and state.result_state is None:
        pass
    (attempt,) = client.jobs.get_run(run_id).tasks or []
    assert attempt.run_id
    assert "pipelines need Spark 4.1" in (client.jobs.get_run_output(attempt.run_id).error or "")


def test_an_update_that_a_killed_server_left_is_failed(
    databricks_local_factory: Callable[..., LocalWorkspace],
) -> None:
    workspace = databricks_local_factory()
    client = workspace.client()
    pipeline_id = client.pipelines.create(name="left", catalog="main").pipeline_id
    assert pipeline_id
    update_id = started(client, pipeline_id)
    workspace.kill()
    client = workspace.restart().client()
    update = client.pipelines.get_update(pipeline_id, update_id).update
    assert update
    assert update.state is UpdateInfoState.FAILED
    assert client.pipelines.get(pipeline_id).cause
