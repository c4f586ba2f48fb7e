"""What goes wrong in one sequence, all of it drawn from the sequence's seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

# The hook of the provider tries each call three times: more faults in a row than that end the call.
_TRIES_OF_A_CALL = 3
_ROUTES = (
    "/api/2.?/jobs/runs/submit",
    "/api/2.?/jobs/run-now",
    "/api/2.?/jobs/runs/repair",
    "/api/2.?/jobs/runs/get",
    "/api/2.?/jobs/runs/get-output",
    "/api/2.?/jobs/runs/cancel",
    "/api/2.?/jobs/list",
    "/api/2.?/instance-pools/list",
    "/api/*",
)
# Those that start runs are where a run can be doubled or lost.
_WEIGHTS = (4, 4, 2, 4, 2, 1, 1, 1, 3)
_KILLED = 0.45
_AT_START = 0.3
_POLITELY = 0.3
_QUIETLY = 0.6


@dataclass(frozen=True)
class Kill:
    """When a process is gone: SIGKILL, or SIGTERM as for a task that a person ends.

    Attributes:
        exchange: The number, within the life of the process, of the request to the API or the message to
            Airflow at which it happens. What happens between two of them nobody outside can tell apart.
            None: at the first request that starts or repairs a run.
        when: Before the exchange, which then never happens, or after its effect, before its answer is used.
        politely: The signal is SIGTERM, which only a worker gets.
    """

    exchange: int | None
    when: Literal["before", "after"]
    politely: bool = False


@dataclass(frozen=True)
class Leg:
    """One life of a worker's or triggerer's process.

    Attributes:
        faults: What the API does meanwhile, as databricks-local takes it.
        kill: How it ends before its time; None: it does not.
    """

    faults: tuple[dict[str, Any], ...] = ()
    kill: Kill | None = None

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong."""
        return not self.faults and self.kill is None


@dataclass(frozen=True)
class Sequence:
    """One task that Airflow runs, and the storm around it.

    Attributes:
        seed: What all of it is drawn from.
        kind: Whether a run is submitted or one of a job is started.
        deferrable: Whether a trigger waits for the run.
        by_name: Whether a pool or the job is given by its name, which is asked for.
        repair: Whether the failed run of a job is repaired.
        retries: How often Airflow tries again.
        outcomes: Whether the first execution of the app succeeds, the second, …; the last holds for the rest.
        lasting: After how many exchanges the first execution ends, ….
        calm_from: The number of the try from which on nothing goes wrong; None: the storm outlasts the task.
    """

    seed: int
    kind: Literal["submit", "job"]
    deferrable: bool
    by_name: bool
    repair: bool
    retries: int
    outcomes: tuple[bool, ...]
    lasting: tuple[int, ...]
    calm_from: int | None

    def legs(self, try_number: int) -> Iterator[Leg]:
        """Yield what goes wrong in each process of a try, one after the other, without end.

        Args:
            try_number: The number of the try, from 1 on.
        """
        number = 0
        while True:
            number += 1
            # Who is killed again and again never ends: a storm is over at some time.
            if (self.calm_from is not None and try_number >= self.calm_from) or number > 6:
                yield Leg()
            else:
                yield _leg(Random(f"{self.seed}/{try_number}/{number}"))


def draw(seed: int) -> Sequence:
    """Return the sequence of a seed."""
    random = Random(f"sequence {seed}")
    retries = random.choice((0, 1, 2, 2, 3, 4))
    return Sequence(
        seed=seed,
        kind=random.choice(("submit", "job")),
        deferrable=random.random() < 0.5,
        by_name=random.random() < 0.3,
        repair=random.random() < 0.5,
        retries=retries,
        outcomes=random.choice(((True,), (True,), (False, True), (False,), (False, False, True))),
        lasting=tuple(random.choice((0, 1, 3, 6)) for _ in range(3)),
        calm_from=random.choice((None, retries + 1, retries + 1, random.randint(1, retries + 1))),
    )


def _leg(random: Random) -> Leg:
    faults = tuple(_fault(random) for _ in range(random.choice((0, 1, 1, 2, 3))))
    if random.random() > _KILLED:
        return Leg(faults)
    kill = Kill(
        exchange=None if random.random() < _AT_START else int(random.triangular(1, 25, 5)),
        when=random.choice(("before", "after")),
        politely=random.random() < _POLITELY,
    )
    # Whether a run is canceled can be said for sure only where the request gets through.
    return Leg(() if kill.politely and random.random() < _QUIETLY else faults, kill)


def _fault(random: Random) -> dict[str, Any]:
    fault: dict[str, Any] = {"route": random.choices(_ROUTES, _WEIGHTS)[0]}
    if random.random() < 0.5:
        fault |= {"probability": random.choice((0.3, 0.7)), "seed": random.randrange(1000)}
    fault["count"] = random.choice((1, 2, _TRIES_OF_A_CALL, 2 * _TRIES_OF_A_CALL, 5 * _TRIES_OF_A_CALL))
    match random.choice(("429", "5xx", "5xx", "before", "after", "after", "latency")):
        case "429":
            fault |= {"status": 429, "retry_after": random.randrange(3)}
        case "5xx":
            fault["status"] = random.choice((500, 503, 504))
        case "latency":
            fault["latency_ms"] = random.choice((20, 100))
        case reset:
            fault["reset"] = reset
    return fault
