"""What the API shows of pipelines and updates."""

from typing import Any

from databricks_local.pipelines.events import timestamp
from databricks_local.pipelines.records import ENDED, Pipeline, Update

_LATEST = 5
_BUSY = {
    "QUEUED": "DEPLOYING",
    "CREATED": "DEPLOYING",
    "WAITING_FOR_RESOURCES": "DEPLOYING",
    "INITIALIZING": "STARTING",
    "RESETTING": "RESETTING",
    "SETTING_UP_TABLES": "RUNNING",
    "RUNNING": "RUNNING",
    "STOPPING": "STOPPING",
}


def pipeline_state(pipeline: Pipeline, updates: list[Update]) -> str:
    """Return a value of the API's ``PipelineState``.

    Args:
        pipeline: The pipeline.
        updates: Its updates, newest first.
    """
    if updates and updates[0].state not in ENDED:
        return _BUSY[updates[0].state]
    return "FAILED" if pipeline.failed else "IDLE"


def pipeline_listed(pipeline: Pipeline, updates: list[Update]) -> dict[str, Any]:
    """Return a pipeline as lists show it.

    Args:
        pipeline: The pipeline.
        updates: Its latest updates, newest first.
    """
    ended = next((update for update in updates if update.state in ENDED), None)
    run_as = next(iter(pipeline.extra.get("run_as", {}).values()), pipeline.creator)
    shown = {
        "pipeline_id": pipeline.pipeline_id,
        "state": pipeline_state(pipeline, updates),
        "name": pipeline.name,
        "health": "UNHEALTHY" if ended and ended.state == "FAILED" else "HEALTHY",
        "creator_user_name": pipeline.creator,
        "run_as_user_name": run_as,
    }
    if updates:
        shown["latest_updates"] = [
            {
                "update_id": update.update_id,
                "state": update.state,
                "creation_time": timestamp(update.created_ms),
            }
            for update in updates[:_LATEST]
        ]
    return shown


def pipeline_shown(pipeline: Pipeline, updates: list[Update]) -> dict[str, Any]:
    """Return a pipeline as ``GET /api/2.0/pipelines/{pipeline_id}`` shows it.

    Args:
        pipeline: The pipeline.
        updates: Its latest updates, newest first.
    """
    shown = {
        **pipeline_listed(pipeline, updates),
        "spec": pipeline.spec,
        "last_modified": pipeline.modified_ms,
        "effective_publishing_mode": "DEFAULT_PUBLISHING_MODE",
        **pipeline.extra,
    }
    if updates and shown["state"] == "FAILED":
        shown["cause"] = updates[0].message
    return shown


def update_shown(update: Update) -> dict[str, Any]:
    """Return an update as the API shows it."""
    request = update.request
    shown = {
        "pipeline_id": update.pipeline_id,
        "update_id": update.update_id,
        "config": update.spec,
        "cause": request.get("cause", "API_CALL"),
        "state": update.state,
        "creation_time": update.created_ms,
        "full_refresh": bool(request.get("full_refresh")),
        "validate_only": bool(request.get("validate_only")),
    }
    for selection in ("refresh_selection", "full_refresh_selection"):
        if request.get(selection):
            shown[selection] = request[selection]
    return shown
