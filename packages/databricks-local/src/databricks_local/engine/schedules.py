"""Jobs that start by themselves: at the times of a schedule, every so often, or again and again."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from databricks_local.engine.quartz import parse, zone_of
from databricks_local.jobs.model import Job, Run

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

log = logging.getLogger("databricks_local")

_LEAST_INTERVAL_MS = 10_000
"""What the service keeps between two runs of a schedule, whatever its expression says."""

_LONGEST_BACKOFF_MS = 3_600_000
_UNITS_MS = {"MINUTES": 60_000, "HOURS": 3_600_000, "DAYS": 86_400_000, "WEEKS": 604_800_000}
_TRIGGERS = ("schedule", "trigger", "continuous")


@dataclass
class _Timer:
    trigger: Mapping[str, Any]
    next_ms: int | None
    failures: int = 0


class Schedules:
    """Starts runs by the clock. A jump of the clock over many times to fire fires each schedule once."""

    def __init__(self, workspace: "Workspace") -> None:
        """Begin with nothing.

        Args:
            workspace: The workspace.
        """
        self._workspace = workspace
        self._clock = workspace.clock
        self._timers: dict[int, _Timer] = {}
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin. What was to fire while no server ran is not made up for."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Start no more runs."""
        if self._loop:
            self._loop.cancel()
            await asyncio.wait({self._loop})

    def look_again(self) -> None:
        """Take note of jobs that were made, changed or deleted."""
        self._changed.set()

    def run_ended(self, run: Run) -> None:
        """Have a continuous job begin its next run.

        Args:
            run: A run that has ended.
        """
        timer = self._timers.get(run.job_id or 0)
        if timer and run.trigger == "CONTINUOUS" and "continuous" in timer.trigger:
            timer.failures = 0 if run.state.succeeded else timer.failures + 1
            wait = min(_LEAST_INTERVAL_MS * 2 ** max(0, timer.failures - 1), _LONGEST_BACKOFF_MS)
            timer.next_ms = run.end_ms + wait
            self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                self._refresh()
                self._fire()
            except Exception:
                # One job that cannot be started must not keep the others from it for good.
                log.exception("not all schedules could be looked at")
                await asyncio.sleep(_LEAST_INTERVAL_MS / 1000)
                continue
            following = min((timer.next_ms for timer in self._timers.values() if timer.next_ms), default=None)
            changed = asyncio.create_task(self._changed.wait())
            waits: set[asyncio.Task[Any]] = {changed}
            if following is not None:
                waits.add(asyncio.create_task(self._clock.sleep_until(following)))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def _refresh(self) -> None:
        now = self._clock.now_ms()
        found: dict[int, _Timer] = {}
        for job in self._workspace.jobs.triggered_jobs():
            trigger = _trigger_of(job.settings)
            if trigger:
                known = self._timers.get(job.job_id)
                same = known is not None and known.trigger == trigger
                found[job.job_id] = known if known and same else _Timer(trigger, _first_ms(trigger, now))
        self._timers = found

    def _fire(self) -> None:
        now = self._clock.now_ms()
        for job_id, timer in self._timers.items():
            if timer.next_ms is None or timer.next_ms > now:
                continue
            job = self._workspace.jobs.job(job_id)
            fired, timer.next_ms = timer.next_ms, _following_ms(timer.trigger, timer.next_ms, now)
            if job is not None:
                self._start(job, fired, "CONTINUOUS" if "continuous" in timer.trigger else "PERIODIC")

    def _start(self, job: Job, fired_ms: int, trigger: str) -> None:
        run = self._workspace.jobs.new_run(
            job.settings,
            job_id=job.job_id,
            kind="JOB_RUN",
            name=job.settings["name"],
            creator=job.creator,
            trigger=trigger,
        )
        run.triggered_ms = fired_ms
        self._workspace.engine.submit(run)


def _trigger_of(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the part of a job's settings that starts it by itself; None when it is paused."""
    for name in _TRIGGERS:
        trigger = settings.get(name)
        if trigger is not None and trigger.get("pause_status") != "PAUSED":
            return {name: trigger}
    return None


def _first_ms(trigger: Mapping[str, Any], now: int) -> int | None:
    if "continuous" in trigger:
        return now
    return _following_ms(trigger, None, now)


def _following_ms(trigger: Mapping[str, Any], fired: int | None, now: int) -> int | None:
    """Return when a trigger fires after it fired; None when it does not, or not by the clock.

    All times are epoch milliseconds. What was missed until now is not made up for.
    """
    if "schedule" in trigger:
        schedule = trigger["schedule"]
        after = now if fired is None else max(fired + _LEAST_INTERVAL_MS - 1, now)
        moment = datetime.fromtimestamp(after / 1000, UTC)
        expression = parse(schedule["quartz_cron_expression"])
        found = expression.next_after(moment, zone_of(schedule["timezone_id"]))
        return int(found.timestamp() * 1000) if found else None
    periodic = trigger.get("trigger", {}).get("periodic")
    if periodic:
        interval = int(periodic["interval"]) * _UNITS_MS[periodic["unit"]]
        fired = now if fired is None else fired
        return fired + interval * ((now - fired) // interval + 1)
    return None
