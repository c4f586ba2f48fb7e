"""Following an update of a Lakeflow pipeline to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skyspark.errors import DeployError
from skyspark.pipeline.deploy.polling import looks
from skyspark.pipeline.deploy.workspace import Workspace, explained

_ENDED = {"COMPLETED", "FAILED", "CANCELED"}
_FLOW_ENDED = {"COMPLETED", "FAILED", "SKIPPED", "STOPPED", "EXCLUDED"}


@dataclass(frozen=True)
class FlowResult:
    """What became of a flow of an update.

    Attributes:
        name: The flow's name, which is its table's.
        status: As Lakeflow calls it, such as ``COMPLETED``.
        rows: Rows written, where the workspace says so.
        broken: Rows that broke an expectation, by its name.
        message: What went wrong.
    """

    name: str
    status: str
    rows: int | None = None
    broken: tuple[tuple[str, int], ...] = ()
    message: str | None = None


@dataclass(frozen=True)
class UpdateResult:
    """What became of an update.

    Attributes:
        update_id: Its id.
        state: As Lakeflow calls it, such as ``COMPLETED``.
        flows: Its flows that ended.
        message: Why it failed.
    """

    update_id: str
    state: str
    flows: tuple[FlowResult, ...]
    message: str | None = None


def start_update(workspace: Workspace, pipeline_id: str, *, full_refresh: bool = False) -> str:
    """Start an update and return its id.

    Args:
        workspace: The workspace.
        pipeline_id: The pipeline.
        full_refresh: Whether its tables are made anew.

    Raises:
        DeployError: The workspace refused it.
    """
    with explained(f"starting pipeline {pipeline_id} in {workspace.host}"):
        started = workspace.client.pipelines.start_update(pipeline_id, full_refresh=full_refresh)
    if started.update_id is None:
        raise DeployError(f"starting pipeline {pipeline_id}: the workspace named no update.")
    return started.update_id


def follow_update(
    workspace: Workspace,
    pipeline_id: str,
    update_id: str,
    *,
    continuous: bool,
    say: Callable[[str], None],
) -> UpdateResult:
    """Wait for the end of an update, or until a continuous one runs.

    Args:
        workspace: The workspace.
        pipeline_id: The pipeline.
        update_id: The update.
        continuous: Whether the pipeline runs without end.
        say: Is told each state and the end of each flow.

    Raises:
        DeployError: The workspace cannot be asked.
    """
    flows: dict[str, FlowResult] = {}
    seen: set[str] = set()
    state = ""
    for _ in looks():
        with explained(f"following update {update_id} in {workspace.host}"):
            answer = workspace.call("GET", f"/api/2.0/pipelines/{pipeline_id}/updates/{update_id}")
            events = _events(workspace, pipeline_id, update_id, seen)
        for event in events:
            _learn(event, flows, say)
        now = str(answer.get("update", {}).get("state", ""))
        if now != state:
            state = now
            say(f"update {update_id}: {state.lower().replace('_', ' ')}")
        if state in _ENDED or (continuous and state == "RUNNING"):
            break
    errors = (_error(event) for event in events if event.get("level") == "ERROR")
    failed = (flow.message for flow in flows.values() if flow.status == "FAILED")
    message = next((reason for reason in (*failed, *errors) if reason), None)
    return UpdateResult(update_id, state, tuple(flows.values()), message)


def _events(workspace: Workspace, pipeline_id: str, update_id: str, seen: set[str]) -> list[dict[str, Any]]:
    """Return the update's events that are new, the oldest first."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"max_results": 100, "order_by": ["timestamp desc"]}
    while True:
        page = workspace.call("GET", f"/api/2.0/pipelines/{pipeline_id}/events", **query)
        fresh = [event for event in page.get("events", []) if event.get("id") not in seen]
        found += [e for e in fresh if e.get("origin", {}).get("update_id") in (update_id, None)]
        token = page.get("next_page_token")
        # The newest come first: a page that holds nothing new is followed by older ones only.
        if not token or not fresh:
            seen.update(str(event.get("id")) for event in found)
            return found[::-1]
        query = {"max_results": 100, "page_token": token}


def _learn(event: dict[str, Any], flows: dict[str, FlowResult], say: Callable[[str], None]) -> None:
    if event.get("event_type") != "flow_progress":
        return
    progress = event.get("details", {}).get("flow_progress", {})
    name, status = event.get("origin", {}).get("flow_name"), str(progress.get("status", ""))
    if not name:
        return
    before = flows.get(name)
    metrics = progress.get("metrics") or {}
    quality = progress.get("data_quality") or {}
    broken = tuple(
        (str(e.get("name")), int(e.get("failed_records", 0))) for e in quality.get("expectations", [])
    )
    flow = FlowResult(
        name,
        status,
        metrics.get("num_output_rows", before.rows if before else None),
        broken or (before.broken if before else ()),
        _error(event) if status == "FAILED" else None,
    )
    flows[name] = flow
    if status in _FLOW_ENDED and (before is None or before.status != status):
        say(described(flow))


def described(flow: FlowResult) -> str:
    """Return a flow's result as a line for people.

    Args:
        flow: The result.
    """
    parts = [f"{flow.name}: {flow.status.lower()}"]
    if flow.rows is not None:
        parts.append(f"{flow.rows} rows")
    parts += [f"{count} rows break '{name}'" for name, count in flow.broken if count]
    if flow.message:
        parts.append(flow.message)
    return ", ".join(parts)


def _error(event: dict[str, Any]) -> str | None:
    exceptions = (event.get("error") or {}).get("exceptions") or []
    first = next((str(one["message"]) for one in exceptions if one.get("message")), None) or event.get(
        "message"
    )
    return first.splitlines()[0] if first else None
