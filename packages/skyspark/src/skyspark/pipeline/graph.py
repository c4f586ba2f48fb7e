"""The graph of a pipeline: who reads whom, in which order, and who is above or below."""

from collections import deque
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

Edges = Mapping[str, Iterable[str]]


def find_cycle(inputs: Edges) -> tuple[str, ...]:
    """Return the names on one cycle, in the order in which data would flow, or nothing.

    Args:
        inputs: For each name, the names it reads.
    """
    try:
        TopologicalSorter(inputs).prepare()
    except CycleError as error:
        # graphlib gives a closed path in which each name reads the one before it.
        return tuple(error.args[1][:-1])
    return ()


def in_order(inputs: Edges) -> tuple[str, ...]:
    """Return all names so that each comes after those it reads, else in the order given.

    Args:
        inputs: For each name, the names it reads; all are keys, and there is no cycle.
    """
    return tuple(name for stage in stages(inputs) for name in stage)


def stages(inputs: Edges) -> tuple[tuple[str, ...], ...]:
    """Return the names in stages: each name in the first stage after all those that it reads.

    Args:
        inputs: For each name, the names it reads; all are keys, and there is no cycle.
    """
    place = {name: i for i, name in enumerate(inputs)}
    sorter = TopologicalSorter(inputs)
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        found.append(tuple(ready))
        sorter.done(*ready)
    return tuple(found)


def readers(inputs: Edges) -> dict[str, list[str]]:
    """Return, for each name, the names that read it.

    Args:
        inputs: For each name, the names it reads; all are keys.
    """
    found: dict[str, list[str]] = {name: [] for name in inputs}
    for name, read in inputs.items():
        for other in dict.fromkeys(read):
            found[other].append(name)
    return found


def reachable(edges: Edges, start: Iterable[str], steps: int | None = None) -> set[str]:
    """Return the names that lie on a way from some names, without those that only start there.

    Args:
        edges: For each name, the next ones.
        start: Where the ways begin.
        steps: The longest way, in edges; ``None`` for any.
    """
    distance = dict.fromkeys(start, 0)
    found: set[str] = set()
    waiting = deque(distance)
    while waiting:
        name = waiting.popleft()
        if steps is not None and distance[name] >= steps:
            continue
        for other in edges.get(name, ()):
            found.add(other)
            if other not in distance:
                distance[other] = distance[name] + 1
                waiting.append(other)
    return found
