"""A workspace with the things that operators name, and the description of its API."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from databricks.sdk.service.jobs import ConditionTask, ConditionTaskOp, JobParameterDefinition, Task
from databricks_local.process import LocalWorkspace

Json = dict[str, Any]

EXTRA = {
    "ecr_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "instance_profile_arn": "arn:aws:iam::123456789012:instance-profile/databricks",
}


@dataclass(frozen=True)
class Named:
    """A workspace in which things have names.

    Attributes:
        workspace: The workspace.
        ids: The ids of pools and jobs by name.
    """

    workspace: LocalWorkspace
    ids: Mapping[str, str]


@pytest.fixture(scope="session")
def things(databricks_local: LocalWorkspace) -> Named:
    """Pools and jobs with names."""
    client = databricks_local.client()
    ids = {}
    for pool in ("golden workers", "golden drivers"):
        ids[pool] = str(client.instance_pools.create(pool, "m5d.xlarge").instance_pool_id)
    nothing = Task("nothing", condition_task=ConditionTask(ConditionTaskOp.EQUAL_TO, "1", "1"))
    declared = [JobParameterDefinition(name, "") for name in ("date", "days", "full", "share", "note")]
    for name, title in (("golden orders", "golden orders"), ("golden sales", "[dev ana] golden sales")):
        ids[name] = str(client.jobs.create(name=title, tasks=[nothing], parameters=declared).job_id)
    return Named(databricks_local, ids)


@pytest.fixture(scope="module")
def named(things: Named) -> Iterator[Named]:
    """The workspace with these things, to which Airflow's connection leads."""
    host, _, port = things.workspace.host.removeprefix("http://").partition(":")
    connection = {
        "conn_type": "databricks",
        "host": host,
        "port": int(port),
        "schema": "http",
        "password": things.workspace.token,
        "extra": EXTRA,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection))
        yield things


@pytest.fixture(scope="session")
def by_the_sdk() -> Callable[[Callable[..., Any], Json], Json]:
    """Return a function that reads a request's body with databricks-sdk's dataclasses and writes it again.

    The dataclasses are the API's description. A field or a value of an enumeration that they do not know does
    not come back, nor does what is empty; a parameter that the call lacks raises KeyError.
    """

    def again(hint: Any, value: Any) -> Any:
        (kind,) = (each for each in get_args(hint) or (hint,) if each is not NoneType)
        if get_origin(kind) is list:
            return [again(get_args(kind)[0], each) for each in value]
        return kind.from_dict(value).as_dict() if hasattr(kind, "from_dict") else value

    def body_again(call: Callable[..., Any], body: Json) -> Json:
        hints = get_type_hints(call)
        return {name: again(hints[name], value) for name, value in body.items()}

    return body_again
