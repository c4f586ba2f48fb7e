"""Pipelines, their updates and events as they are kept."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from databricks_local.clock import Clock
from databricks_local.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS pipelines (
    pipeline_id TEXT PRIMARY KEY, name TEXT NOT NULL, creator TEXT NOT NULL, created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL, failed INTEGER NOT NULL, spec TEXT NOT NULL, extra TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS pipelines_by_name ON pipelines (name);
CREATE TABLE IF NOT EXISTS pipeline_updates (
    number INTEGER PRIMARY KEY, update_id TEXT NOT NULL UNIQUE, pipeline_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL, state TEXT NOT NULL, request TEXT NOT NULL,
    spec TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS pipeline_updates_by_pipeline ON pipeline_updates (pipeline_id, number);
CREATE TABLE IF NOT EXISTS pipeline_events (
    number INTEGER PRIMARY KEY, pipeline_id TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, level TEXT NOT NULL,
    event_id TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS pipeline_events_by_time ON pipeline_events (pipeline_id, timestamp_ms, number);
"""

ENDED = ("COMPLETED", "FAILED", "CANCELED")
"""States of an update that nothing follows."""


@dataclass
class Pipeline:
    """A pipeline.

    Attributes:
        pipeline_id: A UUID.
        creator: Name of the user who created it.
        created_ms: Epoch milliseconds.
        modified_ms: When its spec last changed.
        failed: Whether its last update failed and nobody stopped it since.
        spec: As the API shows it.
        extra: What is kept beside the spec: ``run_as``.
    """

    pipeline_id: str
    creator: str
    created_ms: int
    modified_ms: int
    failed: bool
    spec: dict[str, Any]
    extra: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.spec["name"])


@dataclass
class Update:
    """An update of a pipeline.

    Attributes:
        number: Counts updates of all pipelines.
        update_id: A UUID.
        pipeline_id: The pipeline's.
        created_ms: Epoch milliseconds.
        state: A value of the API's ``UpdateInfoState``.
        request: ``cause``, ``full_refresh``, ``refresh_selection``, … as they were asked for.
        spec: The pipeline's spec when it began.
        message: Why it failed.
    """

    number: int
    update_id: str
    pipeline_id: str
    created_ms: int
    state: str
    request: dict[str, Any]
    spec: dict[str, Any]
    message: str = ""


class PipelineRecords:
    """The pipelines of a workspace. Objects handed out are copies."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._db = store.db
        self._clock = clock

    def add(self, pipeline_id: str, creator: str, spec: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        """Keep a new pipeline."""
        now = self._clock.now_ms()
        self._db.execute(
            "INSERT INTO pipelines VALUES (?, ?, ?, ?, ?, 0, ?, ?)",
            (pipeline_id, spec["name"], creator, now, now, json.dumps(spec), json.dumps(extra)),
        )

    def get(self, pipeline_id: str) -> Pipeline | None:
        """Return a pipeline, or nothing."""
        row = self._db.execute("SELECT * FROM pipelines WHERE pipeline_id = ?", (pipeline_id,)).fetchone()
        return _pipeline(row) if row else None

    def edit(self, pipeline_id: str, spec: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        """Give a pipeline another spec."""
        self._db.execute(
            "UPDATE pipelines SET name = ?, spec = ?, extra = ?, modified_ms = ? WHERE pipeline_id = ?",
            (spec["name"], json.dumps(spec), json.dumps(extra), self._clock.now_ms(), pipeline_id),
        )

    def mark(self, pipeline_id: str, *, failed: bool) -> None:
        """Say whether the last update of a pipeline failed."""
        self._db.execute("UPDATE pipelines SET failed = ? WHERE pipeline_id = ?", (failed, pipeline_id))

    def delete(self, pipeline_id: str) -> None:
        """Forget a pipeline, its updates and its events."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM pipelines WHERE pipeline_id = ?", (pipeline_id,))
            db.execute("DELETE FROM pipeline_updates WHERE pipeline_id = ?", (pipeline_id,))
            db.execute("DELETE FROM pipeline_events WHERE pipeline_id = ?", (pipeline_id,))

    def named(self, name: str) -> list[str]:
        """Return the ids of the pipelines with a name."""
        rows = self._db.execute("SELECT pipeline_id FROM pipelines WHERE name = ?", (name,))
        return [row["pipeline_id"] for row in rows]

    def all(self) -> list[Pipeline]:
        """Return all pipelines in the order of their ids."""
        return [_pipeline(row) for row in self._db.execute("SELECT * FROM pipelines ORDER BY pipeline_id")]

    # Updates

    def new_update(self, pipeline: Pipeline, update_id: str, request: Mapping[str, Any]) -> Update:
        """Keep a new update."""
        update = Update(
            self._store.next_id("pipeline_update"),
            update_id,
            pipeline.pipeline_id,
            self._clock.now_ms(),
            "QUEUED",
            dict(request),
            pipeline.spec,
        )
        self._db.execute(
            "INSERT INTO pipeline_updates VALUES (?, ?, ?, ?, ?, ?, ?, '')",
            (
                update.number,
                update_id,
                update.pipeline_id,
                update.created_ms,
                update.state,
                json.dumps(update.request),
                json.dumps(update.spec),
            ),
        )
        return update

    def save_update(self, update: Update) -> None:
        """Keep an update's new state."""
        self._db.execute(
            "UPDATE pipeline_updates SET state = ?, message = ? WHERE number = ?",
            (update.state, update.message, update.number),
        )

    def update(self, pipeline_id: str, update_id: str) -> Update | None:
        """Return an update of a pipeline, or nothing."""
        row = self._db.execute(
            "SELECT * FROM pipeline_updates WHERE pipeline_id = ? AND update_id = ?", (pipeline_id, update_id)
        ).fetchone()
        return _update(row) if row else None

    def updates(self, pipeline_id: str, *, limit: int, below: int | None = None) -> list[Update]:
        """Return updates of a pipeline, newest first.

        Args:
            pipeline_id: The pipeline.
            limit: At most so many.
            below: Only those with a smaller number.
        """
        rows = self._db.execute(
            "SELECT * FROM pipeline_updates WHERE pipeline_id = ? AND (?2 IS NULL OR number < ?2) "
            "ORDER BY number DESC LIMIT ?3",
            (pipeline_id, below, limit),
        )
        return [_update(row) for row in rows]

    def unfinished(self) -> list[Update]:
        """Return the updates of all pipelines that have not ended."""
        rows = self._db.execute(
            "SELECT * FROM pipeline_updates WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELED')"
        )
        return [_update(row) for row in rows]

    # Events

    def add_event(self, pipeline_id: str, timestamp_ms: int, event: Mapping[str, Any]) -> None:
        """Keep an event."""
        self._db.execute(
            "INSERT INTO pipeline_events (pipeline_id, timestamp_ms, level, event_id, body) "
            "VALUES (?, ?, ?, ?, ?)",
            (pipeline_id, timestamp_ms, event["level"], event["id"], json.dumps(event)),
        )

    def events(
        self,
        pipeline_id: str,
        conditions: Sequence[str],
        values: Sequence[str | int],
        *,
        ascending: bool,
        limit: int,
        offset: int,
    ) -> list[dict[str, Any]]:
        """Return events of a pipeline by their time.

        Args:
            pipeline_id: The pipeline.
            conditions: On ``level``, ``event_id`` and ``timestamp_ms``, as ``event_filter`` gives them.
            values: The values for their question marks.
            ascending: Oldest first.
            limit: At most so many.
            offset: Leave so many out before the first.
        """
        where = " AND ".join(["pipeline_id = ?", *conditions])
        order = "ASC" if ascending else "DESC"
        ordered = f"ORDER BY timestamp_ms {order}, number {order} LIMIT ? OFFSET ?"
        query = " ".join(["SELECT body FROM pipeline_events WHERE", where, ordered])
        rows = self._db.execute(query, (pipeline_id, *values, limit, offset))
        return [json.loads(row["body"]) for row in rows]


def _pipeline(row: sqlite3.Row) -> Pipeline:
    return Pipeline(
        row["pipeline_id"],
        row["creator"],
        row["created_ms"],
        row["modified_ms"],
        bool(row["failed"]),
        json.loads(row["spec"]),
        json.loads(row["extra"]),
    )


def _update(row: sqlite3.Row) -> Update:
    return Update(
        row["number"],
        row["update_id"],
        row["pipeline_id"],
        row["created_ms"],
        row["state"],
        json.loads(row["request"]),
        json.loads(row["spec"]),
        row["message"],
    )
