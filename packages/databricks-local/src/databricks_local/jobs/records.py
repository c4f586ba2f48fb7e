"""Jobs, runs and task runs as they are kept: one row of SQLite each.

What is searched or ordered by has a column of its own; the settings of a run, which never
change, have theirs, so that saving a state does not write them again; the rest of a record is one JSON text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from databricks_local.clock import Clock
from databricks_local.jobs import rows
from databricks_local.jobs.model import Job, Kind, Position, Repair, Run, RunFilter, Task
from databricks_local.jobs.states import BLOCKED, PENDING, State
from databricks_local.store import Store

__all__ = ["Job", "JobRecords", "Kind", "Position", "Repair", "Run", "RunFilter", "State", "Task"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id INTEGER PRIMARY KEY, folded_name TEXT NOT NULL, creator TEXT NOT NULL, created_ms INTEGER NOT NULL,
    settings TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_name ON jobs (folded_name, job_id);
CREATE TABLE IF NOT EXISTS runs (
    run_id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL, kind TEXT NOT NULL, start_ms INTEGER NOT NULL,
    ended INTEGER NOT NULL, settings TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_start ON runs (start_ms, run_id);
CREATE INDEX IF NOT EXISTS runs_by_job ON runs (job_id, start_ms, run_id);
CREATE INDEX IF NOT EXISTS unfinished_runs ON runs (run_id) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS task_runs (
    run_id INTEGER PRIMARY KEY, job_run_id INTEGER NOT NULL, parent_run_id INTEGER, ended INTEGER NOT NULL,
    settings TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS task_runs_by_run ON task_runs (job_run_id, parent_run_id, run_id);
CREATE TABLE IF NOT EXISTS run_tokens (
    job_id INTEGER NOT NULL, token TEXT NOT NULL, run_id INTEGER NOT NULL, PRIMARY KEY (job_id, token)
) WITHOUT ROWID;
"""

_NO_JOB = 0
"""The `job_id` under which tokens of one-time runs are kept."""


class JobRecords:
    """The jobs, runs and task runs of a workspace.

    Objects handed out are copies: change one and hand it to `save_run` or `save_task`.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._db = store.db
        self._clock = clock

    # Jobs

    def new_job(self, settings: Mapping[str, Any], creator: str) -> Job:
        """Keep a new job."""
        job = Job(self._store.next_id("job"), creator, self._clock.now_ms(), dict(settings))
        self._db.execute(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?)",
            (job.job_id, rows.folded_name(job.settings), creator, job.created_ms, rows.text(job.settings)),
        )
        return job

    def job(self, job_id: int) -> Job | None:
        """Return the job with this number; None if there is none."""
        row = self._db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        return rows.opened_job(row) if row else None

    def jobs(
        self,
        *,
        limit: int,
        name: str | None = None,
        offset: int = 0,
        below: int | None = None,
        above: int | None = None,
    ) -> list[Job]:
        """Return jobs, newest first.

        Args:
            limit: At most so many.
            name: Only those with this name, upper and lower case alike.
            offset: Leave so many out before the first.
            below: Only those with a smaller number.
            above: Only those with a larger number, the nearest ones.
        """
        where, values = rows.where(
            ("folded_name = ?", None if name is None else name.casefold()),
            ("job_id < ?", below),
            ("job_id > ?", above),
        )
        order = "job_id" if above is not None else "job_id DESC"
        query = " ".join(["SELECT * FROM jobs", where, "ORDER BY", order, "LIMIT ? OFFSET ?"])
        found = [rows.opened_job(row) for row in self._db.execute(query, (*values, limit, offset))]
        return found[::-1] if above is not None else found

    def triggered_jobs(self) -> list[Job]:
        """Return the jobs that start by themselves: those with a schedule, a trigger or `continuous`."""
        found = self._db.execute(
            "SELECT * FROM jobs WHERE coalesce(json_extract(settings, '$.schedule'), "
            "json_extract(settings, '$.trigger'), json_extract(settings, '$.continuous')) IS NOT NULL "
            "ORDER BY job_id"
        )
        return [rows.opened_job(row) for row in found]

    def save_settings(self, job_id: int, settings: Mapping[str, Any]) -> None:
        """Give a job other settings. Its runs keep those they began with."""
        self._db.execute(
            "UPDATE jobs SET folded_name = ?, settings = ? WHERE job_id = ?",
            (rows.folded_name(settings), rows.text(settings), job_id),
        )

    def delete_job(self, job_id: int) -> None:
        """Forget a job; its runs stay."""
        self._db.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))

    # Runs

    def run_of_token(self, job_id: int | None, token: str) -> int | None:
        """Return the run that was started with a token, also if it is deleted; None if the token is new.

        Args:
            job_id: The job whose run it is; None for one-time runs.
            token: The caller's `idempotency_token`.
        """
        row = self._db.execute(
            "SELECT run_id FROM run_tokens WHERE job_id = ? AND token = ?", (job_id or _NO_JOB, token)
        ).fetchone()
        return int(row["run_id"]) if row else None

    def new_run(
        self,
        settings: Mapping[str, Any],
        *,
        job_id: int | None,
        kind: Kind,
        name: str,
        creator: str,
        trigger: str = "ONE_TIME",
        trigger_run_id: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        token: str | None = None,
        only: Collection[str] | None = None,
    ) -> Run:
        """Keep a new run and the first attempts of its tasks, all of them or nothing.

        The caller hands the run to the engine. With a token that was used before it looks with `run_of_token`
        first: this call raises then.

        Args:
            settings: The job's, or those of `runs/submit`.
            job_id: The job it is a run of; None for a one-time run.
            kind: See `Run`.
            name: See `Run`.
            creator: See `Run`.
            trigger: See `Run`.
            trigger_run_id: See `Run`.
            parameters: See `Run`.
            token: The caller's `idempotency_token`.
            only: Keys of the tasks to run; the others are no part of the run. None for all.

        Raises:
            sqlite3.IntegrityError: The token has a run.
        """
        run = Run(
            run_id=self._store.next_id("run"),
            job_id=job_id,
            shown_job_id=self._store.next_id("job") if job_id is None else job_id,
            kind=kind,
            name=name,
            creator=creator,
            trigger=trigger,
            settings=dict(settings),
            start_ms=self._clock.now_ms(),
            trigger_run_id=trigger_run_id,
            parameters=dict(parameters or {}),
        )
        run.history = [Repair(0, run.start_ms, parameters=run.parameters)]
        tasks = [each for each in settings.get("tasks", ()) if only is None or each["task_key"] in only]
        keys = {each["task_key"] for each in tasks}
        with self._store.transaction():
            if token is not None:
                self._db.execute(
                    "INSERT INTO run_tokens VALUES (?, ?, ?)", (job_id or _NO_JOB, token, run.run_id)
                )
            self._db.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run.run_id, run.shown_job_id, kind, run.start_ms, 0, rows.text(settings), rows.body(run)),
            )
            for each in tasks:
                self._add_task(run.run_id, each, state=_first_state(each, keys))
        return run

    def run(self, run_id: int) -> Run | None:
        """Return the run with this number; None if there is none."""
        row = self._db.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return rows.opened_run(row) if row else None

    def save_run(self, run: Run) -> None:
        """Keep a run's new state."""
        if run.history:
            run.history[-1].state = run.state
            run.history[-1].end_ms = run.end_ms
        self._db.execute(
            "UPDATE runs SET ended = ?, body = ? WHERE run_id = ?",
            (run.state.ended, rows.body(run), run.run_id),
        )

    def delete_run(self, run_id: int) -> None:
        """Forget a run and its task runs; its token stays used."""
        with self._store.transaction():
            self._db.execute("DELETE FROM task_runs WHERE job_run_id = ?", (run_id,))
            self._db.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))

    def unfinished(self, job_id: int | None = None) -> list[Run]:
        """Return runs under way (queued ones too), oldest first.

        Args:
            job_id: Only those of this job; None for all, one-time runs too.
        """
        where, values = rows.where(("ended = ?", 0), ("job_id = ?", job_id))
        query = " ".join(["SELECT * FROM runs", where, "ORDER BY run_id"])
        return [rows.opened_run(row) for row in self._db.execute(query, values)]

    def runs(
        self,
        only: RunFilter,
        *,
        limit: int,
        offset: int = 0,
        older_than: Position | None = None,
        newer_than: Position | None = None,
    ) -> list[Run]:
        """Return runs, newest first.

        Args:
            only: Which runs.
            limit: At most so many.
            offset: Leave so many out before the first.
            older_than: Only those behind this position.
            newer_than: Only those before this position, the nearest ones.
        """
        where, values = rows.where(
            ("job_id = ?", only.job_id),
            ("ended = ?", only.ended),
            ("kind = ?", only.kind),
            ("start_ms >= ?", only.start_from),
            ("start_ms <= ?", only.start_to),
            ("(start_ms, run_id) < (?, ?)", older_than),
            ("(start_ms, run_id) > (?, ?)", newer_than),
        )
        order = "start_ms, run_id" if newer_than is not None else "start_ms DESC, run_id DESC"
        query = " ".join(["SELECT * FROM runs", where, "ORDER BY", order, "LIMIT ? OFFSET ?"])
        found = [rows.opened_run(row) for row in self._db.execute(query, (*values, limit, offset))]
        return found[::-1] if newer_than is not None else found

    def new_repair(
        self,
        run: Run,
        keys: Collection[str],
        *,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Repair:
        """Begin a repair of an ended run: a new entry in its history and a new attempt of each task named.

        The run is PENDING afterwards; the caller hands it to the engine.

        Args:
            run: The run; it is changed and kept.
            keys: Keys of the tasks to run again.
            parameters: What replaces the run's own, as in `Run.parameters`; absent ones stay.
            settings: The job's settings of today, with all those tasks; None keeps the run's own.
        """
        run.parameters = {**run.parameters, **(parameters or {})}
        run.settings = dict(settings or run.settings)
        repair = Repair(self._store.next_id("repair"), self._clock.now_ms(), parameters=run.parameters)
        latest = {task.key: task for task in self.tasks(run.run_id)}
        with self._store.transaction():
            for task in run.settings["tasks"]:
                if task["task_key"] in keys:
                    before = replace(latest[task["task_key"]], settings=task)
                    self.new_attempt(before, repair_id=repair.repair_id, state=_first_state(task, keys))
            run.history.append(repair)
            run.state = PENDING
            run.queue = None
            run.end_ms = 0
            self._db.execute(
                "UPDATE runs SET settings = ? WHERE run_id = ?", (rows.text(run.settings), run.run_id)
            )
            self.save_run(run)
        return repair

    # Task runs

    def task(self, task_run_id: int) -> Task | None:
        """Return the task run with this number; None if there is none."""
        row = self._db.execute("SELECT * FROM task_runs WHERE run_id = ?", (task_run_id,)).fetchone()
        return rows.opened_task(row) if row else None

    def tasks(self, job_run_id: int) -> list[Task]:
        """Return a run's task runs in the order they were made: all attempts, but no iterations."""
        return list(self._tasks(job_run_id, None))

    def iterations(self, parent: Task) -> list[Task]:
        """Return the iterations of a for-each task run in the order they were made, all attempts."""
        return list(self._tasks(parent.job_run_id, parent.run_id))

    def iteration_states(self, parent: Task) -> dict[int, tuple[State, str | None]]:
        """Return state and error of the latest attempt of each iteration of a for-each task run, by position.

        There may be thousands of them: this reads little of each.
        """
        found = self._db.execute(
            "SELECT json_extract(body, '$.iteration'), json_extract(body, '$.state'), "
            "json_extract(body, '$.error') FROM task_runs WHERE job_run_id = ? AND parent_run_id = ? "
            "ORDER BY run_id",
            (parent.job_run_id, parent.run_id),
        )
        return {index: (rows.opened_state(state), error) for index, state, error in found}

    def all_tasks(self, job_run_id: int) -> list[Task]:
        """Return all task runs of a run, iterations too, in the order they were made."""
        found = self._db.execute(
            "SELECT * FROM task_runs WHERE job_run_id = ? ORDER BY run_id", (job_run_id,)
        )
        return [rows.opened_task(row) for row in found]

    def _tasks(self, job_run_id: int, parent_run_id: int | None) -> Iterator[Task]:
        found = self._db.execute(
            "SELECT * FROM task_runs WHERE job_run_id = ? AND parent_run_id IS ? ORDER BY run_id",
            (job_run_id, parent_run_id),
        )
        return map(rows.opened_task, found)

    def save_task(self, task: Task) -> None:
        """Keep a task run's new state."""
        self._db.execute(
            "UPDATE task_runs SET ended = ?, body = ? WHERE run_id = ?",
            (task.state.ended, rows.body(task), task.run_id),
        )

    def new_attempt(self, task: Task, *, repair_id: int | None = None, state: State = PENDING) -> Task:
        """Keep the next attempt of a task: a retry or, with `repair_id`, a part of a repair."""
        again = Task(
            run_id=self._store.next_id("run"),
            job_run_id=task.job_run_id,
            key=task.key,
            settings=task.settings,
            attempt=task.attempt + 1,
            original_run_id=task.original_run_id,
            repair_id=task.repair_id if repair_id is None else repair_id,
            parent_run_id=task.parent_run_id,
            iteration=task.iteration,
            input=task.input,
            state=state,
        )
        self._insert_task(again)
        return again

    def new_iteration(self, parent: Task, index: int, value: str, *, state: State = PENDING) -> Task:
        """Keep an iteration of a for-each task run.

        Args:
            parent: The for-each task run.
            index: Its position among the inputs, from 0.
            value: The input, as `{{input}}` shows it.
            state: What it begins with.
        """
        nested = parent.settings["for_each_task"]["task"]
        return self._add_task(
            parent.job_run_id, nested, parent=parent, iteration=index, value=value, state=state
        )

    def _add_task(
        self,
        job_run_id: int,
        settings: Mapping[str, Any],
        *,
        state: State,
        parent: Task | None = None,
        iteration: int | None = None,
        value: str | None = None,
    ) -> Task:
        number = self._store.next_id("run")
        task = Task(
            run_id=number,
            job_run_id=job_run_id,
            key=settings["task_key"],
            settings=dict(settings),
            original_run_id=number,
            repair_id=parent.repair_id if parent else 0,
            parent_run_id=parent.run_id if parent else None,
            iteration=iteration,
            input=value,
            state=state,
        )
        self._insert_task(task)
        return task

    def _insert_task(self, task: Task) -> None:
        self._db.execute(
            "INSERT INTO task_runs VALUES (?, ?, ?, ?, ?, ?)",
            (
                task.run_id,
                task.job_run_id,
                task.parent_run_id,
                task.state.ended,
                rows.text(task.settings),
                rows.body(task),
            ),
        )


def _first_state(task: Mapping[str, Any], keys: Collection[str]) -> State:
    return BLOCKED if any(each["task_key"] in keys for each in task.get("depends_on", ())) else PENDING
