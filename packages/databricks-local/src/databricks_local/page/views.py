"""What the pages show, taken from the records."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from databricks_local.jobs.model import Job, Repair, Run, Task
from databricks_local.jobs.records import JobRecords, Position, RunFilter
from databricks_local.page import words
from databricks_local.page.graph import Drawing, draw
from databricks_local.page.timeline import Timeline, timeline
from databricks_local.workspace import Workspace

PER_PAGE = 25
_LAST_RUNS = 8
_SHOWN_ITERATIONS = 100


@dataclass(frozen=True)
class JobLine:
    """A job and its last runs, the oldest of them first."""

    job: Job
    runs: list[Run]


@dataclass(frozen=True)
class Attempt:
    """One attempt of a task.

    Attributes:
        task: The attempt.
        iterations: Its iterations, the newest attempt of each, if it is a for-each task. Of very many those
            that run or failed come first.
        left_out: How many iterations there are besides.
    """

    task: Task
    iterations: list[Task]
    left_out: int


@dataclass(frozen=True)
class TaskView:
    """A task of a run.

    Attributes:
        key: Its key.
        kind: What kind it is.
        depends_on: The tasks it waits for, with the outcome it needs where it needs one.
        settings: What it runs with, as JSON.
        attempts: Its attempts, newest first.
        done: Of a for-each task, how many iterations have ended and how many there are.
    """

    key: str
    kind: str
    depends_on: list[str]
    settings: str
    attempts: list[Attempt]
    done: tuple[int, int] | None

    @property
    def last(self) -> Task:
        """The newest attempt."""
        return self.attempts[0].task


@dataclass(frozen=True)
class Period:
    """The original run or a repair, and its timeline."""

    name: str
    repair: Repair
    timeline: Timeline


@dataclass(frozen=True)
class RunView:
    """A run.

    Attributes:
        run: The run.
        tasks: Its tasks by key, in the order they are written.
        drawing: Its tasks as a graph.
        outcomes: For each edge of the graph that needs an outcome, that outcome.
        periods: The original run and its repairs, newest first.
        parameters: Names and values.
        logs: The attempts that may have printed something, the one to look at first at the front.
        now_ms: The time of the workspace.
    """

    run: Run
    tasks: dict[str, TaskView]
    drawing: Drawing
    outcomes: dict[tuple[str, str], str]
    periods: list[Period]
    parameters: list[tuple[str, str]]
    logs: list[Task]
    now_ms: int


def job_lines(records: JobRecords, jobs: Sequence[Job]) -> list[JobLine]:
    """Return jobs with their last runs."""
    return [JobLine(job, records.runs(RunFilter(job_id=job.job_id), limit=_LAST_RUNS)[::-1]) for job in jobs]


def run_page(
    records: JobRecords, job_id: int | None, older_than: Position | None
) -> tuple[list[Run], Position | None]:
    """Return a page of runs, newest first, and where the next one begins.

    Args:
        records: Where they are.
        job_id: Only runs of this job; ``None``: of all.
        older_than: Where this page begins; ``None``: at the newest run.
    """
    runs = records.runs(RunFilter(job_id=job_id), limit=PER_PAGE + 1, older_than=older_than)
    more = len(runs) > PER_PAGE
    runs = runs[:PER_PAGE]
    return runs, (runs[-1].start_ms, runs[-1].run_id) if more else None


def run_view(workspace: Workspace, run: Run) -> RunView:
    """Return what the page of a run shows."""
    now_ms = workspace.clock.now_ms()
    everything = workspace.jobs.all_tasks(run.run_id)
    attempts: dict[str, list[Task]] = defaultdict(list)
    iterations: dict[int, dict[int, Task]] = defaultdict(dict)
    for task in everything:
        if task.parent_run_id is None:
            attempts[task.key].append(task)
        else:
            iterations[task.parent_run_id][task.iteration or 0] = task
    tasks = {key: _task_view(key, tries[::-1], iterations) for key, tries in attempts.items()}
    waits = {key: view.last.settings.get("depends_on") or [] for key, view in tasks.items()}
    return RunView(
        run=run,
        tasks=tasks,
        drawing=draw({key: [each["task_key"] for each in needs] for key, needs in waits.items()}),
        outcomes={
            (each["task_key"], key): each["outcome"]
            for key, needs in waits.items()
            for each in needs
            if each.get("outcome")
        },
        periods=_periods(run, everything, now_ms),
        parameters=_parameters(run),
        logs=sorted(
            (
                task
                for view in tasks.values()
                for attempt in view.attempts
                for task in (attempt.iterations or [attempt.task])
                if _ran(task) and "for_each_task" not in task.settings
            ),
            key=_interest,
        ),
        now_ms=now_ms,
    )


def _task_view(key: str, tries: list[Task], iterations: dict[int, dict[int, Task]]) -> TaskView:
    last = tries[0]
    attempts = []
    for task in tries:
        own = list(iterations[task.run_id].values())
        attempts.append(Attempt(task, _selected(own), max(0, len(own) - _SHOWN_ITERATIONS)))
    own = list(iterations[last.run_id].values())
    return TaskView(
        key=key,
        kind=words.kind(last.settings),
        depends_on=[
            each["task_key"] + (f" ({each['outcome']})" if each.get("outcome") else "")
            for each in last.settings.get("depends_on") or []
        ],
        settings=_json(last.resolved or last.settings),
        attempts=attempts,
        done=(sum(task.state.ended for task in own), len(own)) if own else None,
    )


def _periods(run: Run, tasks: Sequence[Task], now_ms: int) -> list[Period]:
    periods = []
    for number, repair in enumerate(run.history):
        own = [task for task in tasks if task.repair_id == repair.repair_id]
        name = f"Repair {number}" if number else "Original run"
        bars = timeline(_in_order(own), repair.start_ms, repair.end_ms, now_ms)
        periods.append(Period(name, repair, bars))
    return periods[::-1]


def _in_order(tasks: Sequence[Task]) -> list[Task]:
    """Return the attempts of a task below each other, and iterations below their for-each task."""
    nested: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.parent_run_id is not None:
            nested[task.parent_run_id].append(task)
    ordered = []
    for task in sorted(tasks, key=lambda task: (task.original_run_id, task.run_id)):
        if task.parent_run_id is None:
            ordered += [task, *_selected(nested[task.run_id])]
    return ordered


def _selected(iterations: Sequence[Task]) -> list[Task]:
    chosen = sorted(iterations, key=_interest)[:_SHOWN_ITERATIONS]
    return sorted(chosen, key=lambda each: (each.iteration or 0, each.run_id))


def _parameters(run: Run) -> list[tuple[str, str]]:
    given = {name: value for name, value in run.parameters.items() if name != "job_parameters"}
    named = [(name, str(value)) for name, value in run.job_parameters.items()]
    return named + [(name, json.dumps(value, ensure_ascii=False)) for name, value in given.items()]


def _interest(task: Task) -> tuple[int, int, int]:
    if task.state.life_cycle == "RUNNING":
        return 0, task.run_id, 0
    if _ran(task) and task.state.ended and not task.state.succeeded:
        return 1, task.original_run_id, -task.attempt
    return 2, -task.run_id, 0


def _ran(task: Task) -> bool:
    return task.start_ms > 0 and task.state.life_cycle != "SKIPPED"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
