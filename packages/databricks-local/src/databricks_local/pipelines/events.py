"""The event log of an update, in the words of the service.

Its schema: https://docs.databricks.com/aws/en/ldp/monitor-event-log-schema
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from databricks_local.pipelines.records import PipelineRecords, Update

_FLOW = re.compile(r"Flow (?:'([^']+)'|(\S+)) (?:is|has) (?:been )?([A-Z]+)\b")
_RESOLVING = re.compile(r"Failed to resolve flow(?: due to upstream failure)?: '([^']+)'")
_ERROR = "\nError: "
_ENDED_BADLY = ("FAILED",)

_LEVELS = {"FAILED": "ERROR", "SKIPPED": "WARN", "EXCLUDED": "WARN", "STOPPED": "WARN"}


class EventLog:
    """Writes the events of one update."""

    def __init__(self, records: PipelineRecords, update: Update, user: str) -> None:
        self._records = records
        self._update = update
        self._user = user
        self.flow_errors: list[str] = []

    def created(self, now_ms: int) -> None:
        """Say that the update was asked for."""
        cause = self._update.request.get("cause", "API_CALL")
        short = self._update.update_id[:6]
        details = {
            "create_update": {"cause": cause, "full_refresh": bool(self._update.request.get("full_refresh"))}
        }
        self._add(now_ms, "create_update", f"Update {short} started by {cause}.", details=details)

    def state(self, now_ms: int, error: Mapping[str, Any] | None = None) -> None:
        """Say the state the update is in now.

        Args:
            now_ms: Epoch milliseconds.
            error: What ended it, as the API's ``ErrorDetail``.
        """
        state, short = self._update.state, self._update.update_id[:6]
        message = f"Update {short} is {state}."
        if state == "FAILED" and self._update.message:
            message = f"Update {short} has failed. {self._update.message}"
        details = {"update_progress": {"state": state}}
        self._add(
            now_ms, "update_progress", message, level=_LEVELS.get(state, "INFO"), details=details, error=error
        )

    def warning(self, now_ms: int, message: str) -> None:
        """Say what has no effect here."""
        self._add(now_ms, "user_action", message, level="WARN")

    def flow(self, now_ms: int, said: str) -> None:
        """Say what Spark said of a flow.

        Args:
            now_ms: Epoch milliseconds.
            said: Such as ``Flow main.s.t is RUNNING.``, with ``Error: …`` below when it failed.
        """
        message, _, reason = said.partition(_ERROR)
        found = _FLOW.match(message)
        if found is None:
            unresolved = _RESOLVING.search(message)
            if unresolved is None:
                return
            name, status = unresolved[1], "FAILED"
        else:
            name, status = found[1] or found[2], found[3]
        name = name.replace("`", "")
        error = None
        if status in _ENDED_BADLY:
            reason = reason or message
            self.flow_errors.append(f"Flow '{name}': {reason}" if reason != message else message)
            error = {"fatal": False, "exceptions": [{"message": reason, "stack": []}]}
        verb = "has" if status in ("COMPLETED", "FAILED") else "is"
        text = f"Flow '{name}' {verb} {status}."
        self._add(
            now_ms,
            "flow_progress",
            text,
            level=_LEVELS.get(status, "INFO"),
            details={"flow_progress": {"status": status}},
            error=error,
            flow=name,
        )

    def _add(
        self,
        now_ms: int,
        event_type: str,
        message: str,
        *,
        level: str = "INFO",
        details: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
        flow: str | None = None,
    ) -> None:
        update = self._update
        origin = {
            "cloud": "local",
            "region": "local",
            "org_id": 0,
            "pipeline_id": update.pipeline_id,
            "pipeline_name": update.spec["name"],
            "update_id": update.update_id,
        }
        if flow is not None:
            origin |= {"flow_name": flow, "dataset_name": flow}
        event: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "sequence": {"control_plane_seq_no": now_ms},
            "origin": origin,
            "timestamp": timestamp(now_ms),
            "message": message,
            "level": level,
            "event_type": event_type,
            "maturity_level": "STABLE",
        }
        if details is not None:
            event["details"] = details
        if error is not None:
            event["error"] = error
        self._records.add_event(update.pipeline_id, now_ms, event)


def timestamp(milliseconds: int) -> str:
    """Return a moment as the API writes it: ``2021-07-22T06:37:33.083Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"
