import json
import stat
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable

import pytest
from databricks.sdk import WorkspaceClient, oauth
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound, ResourceAlreadyExists
from databricks.sdk.errors import NotImplemented as NotImitated
from databricks.sdk.service.iam import AccessControlRequest, AccessControlResponse, PermissionLevel
from databricks.sdk.service.jobs import NotebookTask, Task
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace

ME = "local@databricks.local"


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


@pytest.fixture
def job(client: WorkspaceClient) -> str:
    task = Task(task_key="a", notebook_task=NotebookTask(notebook_path="/Shared/a"))
    return str(client.jobs.create(name="for permissions", tasks=[task]).job_id)


def shown(entries: list[AccessControlResponse] | None) -> set[tuple[str | None, str, bool]]:
    return {
        (e.user_name or e.group_name or e.service_principal_name, p.permission_level.value, bool(p.inherited))
        for e in entries or []
        for p in e.all_permissions or []
        if p.permission_level
    }


def test_the_caller_is_the_configured_user(client: WorkspaceClient, databricks_local: LocalWorkspace) -> None:
    me = client.current_user.me()
    assert (me.user_name, me.active) == (ME, True)
    assert "admins" in {group.display for group in me.groups or []}
    assert me.id
    assert client.users.get(me.id).user_name == ME
    assert [u.id for u in client.users.list(filter=f'userName eq "{ME}"')] == [me.id]
    assert list(client.users.list(filter="userName eq 'nobody'")) == []
    assert list(client.service_principals.list(filter='displayName eq "bot"')) == []
    assert [g.display_name for g in client.groups.list()] == ["admins", "users"]
    with pytest.raises(NotFound):
        client.service_principals.get("123")
    assert client.get_workspace_id() == 1


def test_a_service_principal_can_hold_the_token(
    databricks_local_factory: Callable[..., LocalWorkspace],
) -> None:
    name = str(uuid.uuid4())
    client = databricks_local_factory("--user", name).client()
    me = client.current_user.me()
    assert (me.user_name, me.emails) == (name, None) or (me.user_name, me.emails) == (name, [])
    found = list(client.service_principals.list(filter=f'applicationId eq "{name}"'))
    assert [p.application_id for p in found] == [name]
    assert client.service_principals.get(me.id or "").application_id == name
    assert list(client.users.list()) == []
    client.workspace.mkdirs(f"/Workspace/Users/{name}/.bundle")


def test_the_host_is_described_before_there_is_a_token(databricks_local: LocalWorkspace) -> None:
    # Older clients do not ask which workspace it is.
    if hasattr(oauth, "get_host_metadata"):
        assert oauth.get_host_metadata(databricks_local.host).workspace_id == "1"
    endpoints = oauth.get_workspace_endpoints(databricks_local.host)
    assert endpoints.token_endpoint == f"{databricks_local.host}/oidc/v1/token"
    with urllib.request.urlopen(f"{databricks_local.host}/.well-known/databricks-config") as response:
        assert json.load(response)["oidc_endpoint"] == f"{databricks_local.host}/oidc"


def test_telemetry_is_taken(databricks_local: LocalWorkspace) -> None:
    answer = databricks_local.call(
        "POST", "/telemetry-ext", {"uploadTime": 1, "items": [], "protoLogs": ["{}", "{}"]}
    )
    assert answer == {"errors": [], "numProtoSuccess": 2}


def test_versions_and_node_types_can_be_selected(client: WorkspaceClient) -> None:
    select = client.clusters.select_spark_version
    assert select(long_term_support=True, scala="2.13", spark_version="4.0") == "17.3.x-scala2.13"
    assert select(long_term_support=True, scala="2.13", latest=True) == "18.x-scala2.13"
    assert client.clusters.select_node_type(min_cores=4, min_memory_gb=30) == "i3.xlarge"
    assert client.clusters.select_node_type(local_disk=True) == "m5d.large"
    assert list(client.clusters.list()) == []
    with pytest.raises(DatabricksError, match="Cluster 0123 does not exist"):
        client.clusters.get("0123")


def test_pools_are_kept(client: WorkspaceClient) -> None:
    made = client.instance_pools.create("small nodes", "m5d.large", idle_instance_autotermination_minutes=10)
    assert made.instance_pool_id
    pool = client.instance_pools.get(made.instance_pool_id)
    assert (pool.instance_pool_name, pool.node_type_id) == ("small nodes", "m5d.large")
    assert [p.instance_pool_id for p in client.instance_pools.list()] == [made.instance_pool_id]
    with pytest.raises(BadRequest, match="already exists"):
        client.instance_pools.create("small nodes", "m5d.large")
    client.instance_pools.delete(made.instance_pool_id)
    with pytest.raises(NotFound, match="Can't find an instance pool"):
        client.instance_pools.get(made.instance_pool_id)


def test_policies_are_kept(client: WorkspaceClient) -> None:
    definition = json.dumps({"autoscale.max_workers": {"type": "range", "maxValue": 10}})
    made = client.cluster_policies.create(name="small clusters", definition=definition)
    assert made.policy_id
    policy = client.cluster_policies.get(made.policy_id)
    assert (policy.name, policy.definition) == ("small clusters", definition)
    assert [p.policy_id for p in client.cluster_policies.list()] == [made.policy_id]
    with pytest.raises(BadRequest, match="A cluster policy with the name small clusters already exists"):
        client.cluster_policies.create(name="small clusters")
    client.cluster_policies.delete(made.policy_id)
    with pytest.raises(NotFound, match="Can't find a cluster policy"):
        client.cluster_policies.get(made.policy_id)


def test_the_creator_owns_a_job_and_admins_manage_it(client: WorkspaceClient, job: str) -> None:
    found = client.permissions.get("jobs", job)
    assert (found.object_id, found.object_type) == (f"/jobs/{job}", "job")
    assert shown(found.access_control_list) == {
        (ME, "IS_OWNER", False),
        ("admins", "CAN_MANAGE", True),
    }
    admins = [e for e in found.access_control_list or [] if e.group_name == "admins"]
    assert [p.inherited_from_object for p in admins[0].all_permissions or []] == [["/jobs/"]]


def test_permissions_are_replaced_and_added_to(client: WorkspaceClient, job: str) -> None:
    bot = str(uuid.uuid4())
    set_ = client.permissions.set(
        "jobs",
        job,
        access_control_list=[
            AccessControlRequest(service_principal_name=bot, permission_level=PermissionLevel.IS_OWNER),
            AccessControlRequest(group_name="data", permission_level=PermissionLevel.CAN_VIEW),
        ],
    )
    expected = {(bot, "IS_OWNER", False), ("data", "CAN_VIEW", False), ("admins", "CAN_MANAGE", True)}
    assert shown(set_.access_control_list) == expected
    client.permissions.update(
        "jobs",
        job,
        access_control_list=[
            AccessControlRequest(group_name="data", permission_level=PermissionLevel.CAN_MANAGE_RUN),
            AccessControlRequest(user_name="a@b.c", permission_level=PermissionLevel.CAN_VIEW),
        ],
    )
    assert shown(client.jobs.get_permissions(job).access_control_list) == {  # type: ignore[arg-type]
        (bot, "IS_OWNER", False),
        ("data", "CAN_MANAGE_RUN", False),
        ("a@b.c", "CAN_VIEW", False),
        ("admins", "CAN_MANAGE", True),
    }


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "The job must have exactly one owner"),
        (
            [("user_name", "a", "IS_OWNER"), ("user_name", "b", "IS_OWNER")],
            "The job must have exactly one owner",
        ),
        ([("group_name", "g", "IS_OWNER")], "A group cannot be the owner of a job"),
        (
            [("user_name", "a", "IS_OWNER"), ("user_name", "b", "CAN_RESTART")],
            "CAN_RESTART is not one of a job",
        ),
        ([("user_name", "", "IS_OWNER")], "exactly one user, group or service principal"),
    ],
)
def test_permissions_that_cannot_be_are_refused(
    client: WorkspaceClient, job: str, entries: list[tuple[str, str, str]], said: str
) -> None:
    before = client.permissions.get("jobs", job)
    requests = [
        AccessControlRequest(**{field: name}, permission_level=PermissionLevel(level))
        for field, name, level in entries
    ]
    with pytest.raises(BadRequest, match=said):
        client.permissions.set("jobs", job, access_control_list=requests)
    assert client.permissions.get("jobs", job) == before


def test_what_lies_in_a_home_folder_belongs_to_its_user(client: WorkspaceClient) -> None:
    folder = f"/Workspace/Users/{ME}/{uuid.uuid4().hex}"
    client.workspace.mkdirs(folder)
    client.workspace.upload(f"{folder}/a.txt", b"1", format=ImportFormat.AUTO)
    directory = str(client.workspace.get_status(folder).object_id)
    file = str(client.workspace.get_status(f"{folder}/a.txt").object_id)
    home = client.workspace.get_status(f"/Users/{ME}").object_id
    request = AccessControlRequest(group_name="team", permission_level=PermissionLevel.CAN_READ)
    client.permissions.set("directories", directory, access_control_list=[request])
    found = client.permissions.get("files", file)
    assert found.object_id == f"/files/{file}"
    sources = {
        (e.user_name or e.group_name, p.inherited_from_object[0])
        for e in found.access_control_list or []
        for p in e.all_permissions or []
        if p.inherited_from_object
    }
    expected = {
        (ME, f"/directories/{home}"),
        ("team", f"/directories/{directory}"),
        ("admins", "/directories/"),
    }
    assert sources == expected
    with pytest.raises(NotFound):
        client.permissions.get("notebooks", file)


@pytest.mark.parametrize(
    ("kind", "id_"),
    [("jobs", "999999"), ("jobs", "x"), ("pipelines", "no"), ("directories", "999999"), ("clusters", "1-2")],
)
def test_permissions_need_an_object(client: WorkspaceClient, kind: str, id_: str) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        client.permissions.get(kind, id_)


def test_levels_are_told_by_kind(client: WorkspaceClient, job: str) -> None:
    levels = client.permissions.get_permission_levels("jobs", job).permission_levels or []
    assert {level.permission_level.value for level in levels if level.permission_level} == {
        "CAN_VIEW",
        "CAN_MANAGE_RUN",
        "IS_OWNER",
        "CAN_MANAGE",
    }
    with pytest.raises(NotImitated, match="permissions/dashboards"):
        client.permissions.get("dashboards", "1")


@pytest.fixture
def scope(client: WorkspaceClient) -> str:
    name = f"scope-{uuid.uuid4().hex}"
    client.secrets.create_scope(name)
    return name


def test_secrets_are_kept_for_their_owner_only(
    client: WorkspaceClient, databricks_local: LocalWorkspace, scope: str
) -> None:
    client.secrets.put_secret(scope, "key", string_value="the-secret-value")
    client.secrets.put_secret(scope, "raw", bytes_value="AAEC")
    assert client.dbutils.secrets.get(scope, "key") == "the-secret-value"
    assert client.dbutils.secrets.getBytes(scope, "raw") == b"\0\1\2"
    assert [s.key for s in client.secrets.list_secrets(scope)] == ["key", "raw"]
    file = databricks_local.root / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "the-secret-value" not in databricks_local.log.read_text()
    client.secrets.delete_secret(scope, "raw")
    with pytest.raises(NotFound, match="Secret does not exist with scope"):
        client.secrets.get_secret(scope, "raw")


def test_scopes_are_made_once_and_deleted(client: WorkspaceClient, scope: str) -> None:
    with pytest.raises(ResourceAlreadyExists):
        client.secrets.create_scope(scope)
    client.secrets.delete_scope(scope)
    with pytest.raises(NotFound, match=f"Scope {scope} does not exist"):
        list(client.secrets.list_secrets(scope))
    with pytest.raises(NotFound):
        client.secrets.put_secret(scope, "key", string_value="x")


def test_secrets_that_cannot_be_are_refused(client: WorkspaceClient, scope: str) -> None:
    with pytest.raises(BadRequest, match="not accepted"):
        client.secrets.create_scope("a\nb")
    with pytest.raises(DatabricksError) as caught:
        client.secrets.put_secret(scope, "key", string_value="x" * (128 * 1024 + 1))
    assert caught.value.error_code == "MAX_SECRET_SIZE_EXCEEDED"
    with pytest.raises(BadRequest, match="Exactly one"):
        client.secrets.put_secret(scope, "key")
    assert list(client.secrets.list_secrets(scope)) == []


@pytest.mark.parametrize("body", [{"scope": "a\ud800"}, {"scope": "a", "b\udc00": 1}])
def test_half_characters_are_refused_before_anything_is_kept(
    databricks_local: LocalWorkspace, body: object
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        databricks_local.call("POST", "/api/2.0/secrets/scopes/create", body)
    assert caught.value.code == 400
    assert "surrogate" in caught.value.read().decode()


def test_other_escapes_are_characters(client: WorkspaceClient, databricks_local: LocalWorkspace) -> None:
    databricks_local.call("POST", "/api/2.0/workspace/mkdirs", {"path": "/Shared/\U0001f600é"})
    assert client.workspace.get_status("/Shared/\U0001f600é").path == "/Shared/\U0001f600é"


def test_a_group_is_shown_by_its_id(client: WorkspaceClient) -> None:
    for group in client.groups.list():
        assert client.groups.get(group.id or "").display_name == group.display_name
