"""The routes of pipelines (https://docs.databricks.com/api/workspace/pipelines)."""

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from typing import Any

from databricks.sdk.service.pipelines import PipelinesAPI

from databricks_local.api import Call, Endpoint
from databricks_local.errors import conflict, invalid, missing, not_imitated
from databricks_local.fields import fields_of
from databricks_local.pipelines.filters import ascending, event_filter, pipeline_filter
from databricks_local.pipelines.records import Pipeline
from databricks_local.pipelines.settings import spec_of
from databricks_local.pipelines.shapes import pipeline_listed, pipeline_shown, update_shown

_PATH = "/api/2.0/pipelines"
_SHOWN_UPDATES = 5
_PIPELINES_DEFAULT, _PIPELINES_MOST = 25, 100
_UPDATES_DEFAULT, _UPDATES_MOST = 25, 100
_EVENTS_DEFAULT, _EVENTS_MOST = 1000, 1000
_UNIMITATED = ("parameters", "replace_where_overrides", "reset_checkpoint_selection", "rewind_spec")


def _pipeline(call: Call) -> Pipeline:
    pipeline_id = call.path["pipeline_id"]
    pipeline = call.workspace.pipelines.records.get(pipeline_id)
    if pipeline is None:
        raise missing(f"The specified pipeline {pipeline_id} was not found.")
    return pipeline


def _name_is_free(call: Call, name: str, own_id: str = "") -> None:
    others = [each for each in call.workspace.pipelines.records.named(name) if each != own_id]
    if others and not call.values.get("allow_duplicate_names"):
        raise conflict(
            f"The pipeline name '{name}' is already used by another pipeline. "
            "This check can be skipped by setting `allow_duplicate_names = true` in the request."
        )


def _extra(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"run_as": values["run_as"]} if values.get("run_as") else {}


async def create(call: Call) -> object:
    """Create a pipeline, or with ``dry_run`` only check that it could be."""
    if call.values.get("id"):
        raise invalid("id is given by the service: leave it out.")
    pipeline_id = str(uuid.uuid4())
    spec = spec_of(call.values, pipeline_id)
    _name_is_free(call, spec["name"])
    if call.values.get("dry_run"):
        return {"effective_settings": spec}
    call.workspace.pipelines.records.add(pipeline_id, call.workspace.config.user, spec, _extra(call.values))
    return {"pipeline_id": pipeline_id}


async def get(call: Call) -> object:
    """Show a pipeline."""
    pipeline = _pipeline(call)
    updates = call.workspace.pipelines.records.updates(pipeline.pipeline_id, limit=_SHOWN_UPDATES)
    return pipeline_shown(pipeline, updates)


async def list_pipelines(call: Call) -> object:
    """Show pipelines by pages, in the order of their ids."""
    values, records = call.values, call.workspace.pipelines.records
    offset = _offset(values)
    limit = _limit(values, _PIPELINES_DEFAULT, _PIPELINES_MOST)
    text, descending = values.get("filter"), False
    if offset:
        text, descending = offset["filter"], offset["descending"]
    elif values.get("order_by"):
        descending = _descending_ids(values["order_by"])
    lets_through = pipeline_filter(text) if text else lambda _: True
    found = [pipeline for pipeline in records.all() if lets_through(pipeline)]
    found = found[::-1] if descending else found
    start = offset["start"] if offset else 0
    page = found[start : start + limit]
    shown = [pipeline_listed(p, records.updates(p.pipeline_id, limit=_SHOWN_UPDATES)) for p in page]
    answer: dict[str, Any] = {"statuses": shown} if shown else {}
    if start + limit < len(found):
        following = {"start": start + limit, "filter": text, "descending": descending}
        answer["next_page_token"] = _token(following)
    return answer


async def edit(call: Call) -> object:
    """Give a pipeline another spec; an update that runs goes on with the old one."""
    pipeline, values = _pipeline(call), call.values
    if values.get("id", pipeline.pipeline_id) != pipeline.pipeline_id:
        raise invalid(f"The id '{values['id']}' in the body is not the one in the path.")
    expected = values.get("expected_last_modified")
    if expected is not None and expected != pipeline.modified_ms:
        raise conflict(
            f"The pipeline was modified at {pipeline.modified_ms}, not at {expected}: "
            "read it again before you edit it."
        )
    given = {name: value for name, value in values.items() if name != "pipeline_id"}
    spec = spec_of(given, pipeline.pipeline_id)
    _name_is_free(call, spec["name"], pipeline.pipeline_id)
    # The service keeps who a pipeline runs as until another one is named.
    call.workspace.pipelines.records.edit(pipeline.pipeline_id, spec, pipeline.extra | _extra(values))
    return {}


async def delete(call: Call) -> object:
    """Delete a pipeline; an update that runs is stopped first."""
    pipeline = _pipeline(call)
    await call.workspace.pipelines.delete(pipeline)
    return {}


async def start_update(call: Call) -> object:
    """Start an update."""
    pipeline, values = _pipeline(call), call.values
    for field in _UNIMITATED:
        if values.get(field):
            raise not_imitated(f"{field} of an update")
    if values.get("full_refresh") and (
        values.get("refresh_selection") or values.get("full_refresh_selection")
    ):
        raise invalid(
            "full_refresh refreshes all tables: leave refresh_selection and full_refresh_selection out."
        )
    return {"update_id": call.workspace.pipelines.start_update(pipeline, values).update_id}


async def get_update(call: Call) -> object:
    """Show an update."""
    pipeline = _pipeline(call)
    update_id = call.path["update_id"]
    update = call.workspace.pipelines.records.update(pipeline.pipeline_id, update_id)
    if update is None:
        raise missing(f"The specified update {update_id} was not found.")
    return {"update": update_shown(update)}


async def list_updates(call: Call) -> object:
    """Show the updates of a pipeline by pages, newest first."""
    pipeline, values = _pipeline(call), call.values
    offset = _offset(values)
    limit = _limit(values, _UPDATES_DEFAULT, _UPDATES_MOST)
    below = offset["below"] if offset else None
    found = call.workspace.pipelines.records.updates(pipeline.pipeline_id, limit=limit + 1, below=below)
    page = found[:limit]
    until = [index for index, update in enumerate(page) if update.update_id == values.get("until_update_id")]
    if until:
        return {"updates": [update_shown(update) for update in page[: until[0] + 1]]}
    answer: dict[str, Any] = {"updates": [update_shown(update) for update in page]} if page else {}
    if len(found) > limit:
        answer["next_page_token"] = _token({"below": page[-1].number})
    return answer


async def list_events(call: Call) -> object:
    """Show the events of a pipeline by pages, newest first unless asked otherwise."""
    pipeline, values = _pipeline(call), call.values
    offset = _offset(values)
    limit = _limit(values, _EVENTS_DEFAULT, _EVENTS_MOST)
    start, text = 0, values.get("filter")
    oldest_first = ascending(values.get("order_by"))
    if offset:
        start, text, oldest_first = offset["start"], offset["filter"], offset["ascending"]
    conditions, parameters = event_filter(text) if text else ([], [])
    found = call.workspace.pipelines.records.events(
        pipeline.pipeline_id, conditions, parameters, ascending=oldest_first, limit=limit + 1, offset=start
    )
    answer: dict[str, Any] = {"events": found[:limit]} if found else {}
    if len(found) > limit:
        answer["next_page_token"] = _token(
            {"start": start + limit, "filter": text, "ascending": oldest_first}
        )
    return answer


async def stop(call: Call) -> object:
    """Stop the update that runs; the answer does not wait for it."""
    call.workspace.pipelines.stop_update(_pipeline(call))
    return {}


def _descending_ids(order_by: str | list[str]) -> bool:
    orders = [order_by] if isinstance(order_by, str) else order_by
    words = orders[0].lower().split() if len(orders) == 1 else []
    if words not in (["id"], ["id", "asc"], ["id", "desc"]):
        raise invalid(f"Invalid order_by '{', '.join(orders)}': id asc and id desc are supported.")
    return words[-1] == "desc"


def _limit(values: Mapping[str, Any], default: int, most: int) -> int:
    limit = int(values.get("max_results", default))
    if not 1 <= limit <= most:
        raise invalid(f"max_results is {limit}, but must be between 1 and {most}.")
    return limit


def _token(position: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _offset(values: Mapping[str, Any]) -> Any:
    token = values.get("page_token")
    if not token:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        position = None
    if not isinstance(position, dict):
        raise invalid(f"The page token '{token}' is invalid.")
    return position


def _fields(name: str, **more: Any) -> Any:
    return fields_of(getattr(PipelinesAPI, name), without=["pipeline_id", "update_id"], **more)


# In a query a list of one is its only element.
_LISTED = {"order_by": object}

ENDPOINTS = (
    Endpoint("POST", _PATH, create, _fields("create")),
    Endpoint("GET", _PATH, list_pipelines, _fields("list_pipelines", extra=_LISTED)),
    Endpoint("GET", f"{_PATH}/{{pipeline_id}}", get, _fields("get")),
    Endpoint(
        "PUT", f"{_PATH}/{{pipeline_id}}", edit, _fields("update", extra={"pipeline_id": str, "id": str})
    ),
    Endpoint("DELETE", f"{_PATH}/{{pipeline_id}}", delete, _fields("delete")),
    Endpoint("POST", f"{_PATH}/{{pipeline_id}}/updates", start_update, _fields("start_update")),
    Endpoint("GET", f"{_PATH}/{{pipeline_id}}/updates", list_updates, _fields("list_updates")),
    Endpoint("GET", f"{_PATH}/{{pipeline_id}}/updates/{{update_id}}", get_update, _fields("get_update")),
    Endpoint(
        "GET", f"{_PATH}/{{pipeline_id}}/events", list_events, _fields("list_pipeline_events", extra=_LISTED)
    ),
    Endpoint("POST", f"{_PATH}/{{pipeline_id}}/stop", stop, _fields("stop")),
)
