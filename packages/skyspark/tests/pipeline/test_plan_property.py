"""Random graphs and random selectors, against what a naive evaluation says."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from skyspark.errors import PipelineError, SelectionError
from skyspark.pipeline import graph
from skyspark.pipeline.draw.layout import HEIGHT, lay_out
from skyspark.pipeline.draw.lineage import lineage
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.read import load_pipeline

NAMES = [f"{letter}{number}" for letter in "ab" for number in range(8)]
TAGS = ["daily", "weekly", "critical"]
LAYERS = ["bronze", "silver", "gold"]
FOLDERS = ["one", "two"]

Sets = dict[str, set[str]]
# By the names of the tables: what each reads.
Reads = dict[str, list[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Reads:
    """Graphs without cycles: wide, deep, with diamonds, in several parts, in any order of the file."""
    names = draw(st.permutations(NAMES[: draw(st.sampled_from([1, 3, 6, 9, 12, 16]))]))
    least, most = draw(st.sampled_from([(1, 1), (1, 3), (2, 4), (0, 1), (0, 4), (0, 0)]))
    reads: Reads = {}
    for i, name in enumerate(names):
        before = names[max(0, i - draw(st.sampled_from([1, 3, 16]))) : i]
        read = st.lists(st.sampled_from(before), min_size=min(least, len(before)), max_size=most, unique=True)
        reads[name] = draw(read) if i else []
    return {name: reads[name] for name in draw(st.permutations(names))}


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    tables = []
    for name, reads in draw(graphs()).items():
        table: dict[str, Any] = {
            "name": name,
            "depends_on": reads,
            "tags": draw(st.lists(st.sampled_from(TAGS), unique=True)),
            "layer": draw(st.sampled_from([None, *LAYERS])),
        }
        folder = draw(st.sampled_from([None, *FOLDERS]))
        if folder is not None:
            table["transformation"] = {"type": "python", "function": f"root.{folder}.{name}.{name}"}
        tables.append(table)
    return Pipeline.model_validate({"name": "random", "tables": tables})


def closure(steps: Sets) -> Sets:
    """What can be reached in one step or more, by adding what is reached in one more until nothing is new."""
    reached = {name: set(others) for name, others in steps.items()}
    while True:
        further = {
            name: others | {far for other in others for far in reached[other]}
            for name, others in reached.items()
        }
        if further == reached:
            return reached
        reached = further


def walked(steps: Sets, begin: set[str], count: int | None) -> set[str]:
    """What lies within a number of steps, the begin included."""
    if count is None:
        return begin | {far for name in begin for far in closure(steps)[name]}
    for _ in range(count):
        begin = begin | {other for name in begin for other in steps[name]}
    return begin


class Oracle:
    """Says naively what is above, below, and alike."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.tables = pipeline.tables
        self.up: Sets = {table.name: set(table.depends_on) for table in pipeline.tables}
        self.down: Sets = {name: {other for other in self.up if name in self.up[other]} for name in self.up}

    def where(self, holds: Callable[[Any], bool]) -> set[str]:
        return {table.name for table in self.tables if holds(table)}


@dataclass(frozen=True)
class Made:
    """A selector: how it is written, and what it means.

    Attributes:
        text: In the grammar.
        level: How tightly it binds: 0 union, 1 intersection, 2 negation or one word.
        means: The tables, by the oracle.
        asks: Methods and values that have to be known: no patterns, no layers.
    """

    text: str
    level: int
    means: Callable[[Oracle], set[str]]
    asks: frozenset[tuple[str, str]] = frozenset()

    def within(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


def tagged(tag: str) -> Made:
    ask = frozenset({("tag", tag)})
    return Made(f"tag:{tag}", 2, lambda oracle: oracle.where(lambda table: tag in table.tags), ask)


def layered(layer: str) -> Made:
    return Made(f"layer:{layer}", 2, lambda oracle: oracle.where(lambda table: table.layer == layer))


def named(pattern: str) -> Made:
    ask = frozenset() if set(pattern) & set("*?[") else frozenset({("name", pattern)})
    return Made(pattern, 2, lambda oracle: oracle.where(lambda table: fnmatchcase(table.name, pattern)), ask)


def foldered(folder: str, method: str) -> Made:
    ask = frozenset({("folder", folder)})
    return Made(
        f"{method}root/{folder}", 2, lambda oracle: oracle.where(lambda t: folder_of(t) == folder), ask
    )


def folder_of(table: Any) -> str | None:
    return None if table.transformation is None else str(table.transformation.function.split(".")[1])


# Patterns always mean something; a name may be one that the pipeline lacks.
criteria = st.one_of(
    st.sampled_from(["?[13]", "b*", "[ab][1-4]", "*", "zzz*"]).map(named),
    st.sampled_from(LAYERS).map(layered),
    st.sampled_from(TAGS).map(tagged),
    st.builds(foldered, st.sampled_from(FOLDERS), st.sampled_from(["", "path:"])),
    st.sampled_from(NAMES[:3]).map(named),
)


@st.composite
def words(draw: st.DrawFn) -> Made:
    inner = draw(criteria)
    if draw(st.integers(0, 4)) == 0:

        def rebuilt(oracle: Oracle) -> set[str]:
            return walked(oracle.up, walked(oracle.down, inner.means(oracle), None), None)

        return Made(f"@{inner.text}", 2, rebuilt, inner.asks)
    steps = st.one_of(st.none(), st.sampled_from(["", "0", "1", "2", "3"]))
    up, down = draw(steps), draw(steps)
    text = (f"{up}+" if up is not None else "") + inner.text + (f"+{down}" if down is not None else "")

    def neighbours(oracle: Oracle) -> set[str]:
        begin = inner.means(oracle)
        above = begin if up is None else walked(oracle.up, begin, int(up) if up else None)
        below = begin if down is None else walked(oracle.down, begin, int(down) if down else None)
        return above | below

    return Made(text, 2, neighbours, inner.asks)


@st.composite
def compounds(draw: st.DrawFn, children: st.SearchStrategy[Made]) -> Made:
    kind = draw(st.sampled_from(["union", "intersection", "not", "parentheses"]))
    if kind == "not":
        inner = draw(children)
        written = f"{draw(st.sampled_from(['not', 'NOT']))} {inner.within(2)}"
        return Made(written, 2, lambda oracle: set(oracle.up) - inner.means(oracle), inner.asks)
    if kind == "parentheses":
        inner = draw(children)
        return Made(f"( {inner.text})", 2, inner.means, inner.asks)
    parts = draw(st.lists(children, min_size=2, max_size=3))
    asks = frozenset[tuple[str, str]]().union(*(part.asks for part in parts))
    if kind == "union":
        text = parts[0].within(1)
        for part in parts[1:]:
            right = part.within(1)
            # Beside each other stands no "not": that is a mistake of its own.
            signs = [" or "] if right.lower().startswith("not") else [" or ", " ", "  "]
            text += draw(st.sampled_from(signs)) + right
        return Made(text, 0, lambda oracle: set().union(*(part.means(oracle) for part in parts)), asks)
    text = parts[0].within(2)
    for part in parts[1:]:
        text += draw(st.sampled_from([" and ", ",", " , "])) + part.within(2)
    return Made(text, 1, lambda oracle: set.intersection(*(part.means(oracle) for part in parts)), asks)


selectors = st.recursive(words(), compounds, max_leaves=6)


def known_to(pipeline: Pipeline) -> set[tuple[str, str | None]]:
    return {
        *(("name", table.name) for table in pipeline.tables),
        *(("tag", tag) for table in pipeline.tables for tag in table.tags),
        *(("folder", folder_of(table)) for table in pipeline.tables),
    }


@settings(max_examples=500)
@given(pipelines(), st.data())
def test_any_selection_is_what_naive_evaluation_says(pipeline: Pipeline, data: st.DataObject) -> None:
    oracle = Oracle(pipeline)
    select = data.draw(st.lists(selectors, min_size=data.draw(st.sampled_from([1, 1, 1, 0])), max_size=2))
    exclude = data.draw(st.one_of(st.just([]), st.just([]), st.lists(words(), min_size=1, max_size=1)))
    known = sorted({tag for table in pipeline.tables for tag in table.tags})
    tags = data.draw(st.lists(st.sampled_from(known), max_size=2)) if known else []
    match: Any = data.draw(st.sampled_from(["any", "all"]))
    upstream = data.draw(st.booleans())
    selection = Selection(
        tags=tags,
        match=match,
        select=[made.text for made in select],
        exclude=[made.text for made in exclude],
        upstream=upstream,
    )
    if any(made.asks - known_to(pipeline) for made in (*select, *exclude)):
        with pytest.raises(SelectionError, match="there is no"):
            make_plan(pipeline, selection)
        return

    chosen = set(oracle.up)
    if tags:
        sets = [tagged(tag).means(oracle) for tag in tags]
        chosen &= set.union(*sets) if match == "any" else set.intersection(*sets)
    if select:
        chosen &= set().union(*(made.means(oracle) for made in select))
    left_out = set().union(*(made.means(oracle) for made in exclude))
    chosen -= left_out
    # What is read through tables that are left out is not needed.
    read: Sets = {name: others - left_out for name, others in oracle.up.items()}
    expected = walked(read, chosen, None) if upstream else chosen

    if not chosen:
        with pytest.raises(SelectionError, match="nothing is selected"):
            make_plan(pipeline, selection)
        return
    plan = make_plan(pipeline, selection)
    planned = [name for stage in plan.stages for name in stage]
    assert len(planned) == len(set(planned))
    assert set(planned) == expected
    assert plan.upstream == expected - chosen
    assert_staged(plan.stages, {name: oracle.up[name] & expected for name in expected})


def assert_staged(stages: tuple[tuple[str, ...], ...], reads: Sets) -> None:
    """Each table stands right behind the last one it reads: no sooner, and no later than it must."""
    stage_of = {name: number for number, stage in enumerate(stages) for name in stage}
    for name, others in reads.items():
        assert stage_of[name] == max((stage_of[other] + 1 for other in others), default=0)


@settings(max_examples=200)
@given(graphs())
def test_random_graphs_have_stages_and_no_cycle(reads: Reads) -> None:
    stages = graph.stages(reads)
    assert_staged(stages, {name: set(others) for name, others in reads.items()})
    assert [list(stage) for stage in stages] == [sorted(stage, key=list(reads).index) for stage in stages]
    assert graph.find_cycle(reads) == ()


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES[:6]), st.lists(st.sampled_from(NAMES[:6]), max_size=2)))
def test_a_cycle_is_found_where_there_is_one(drawn: Reads) -> None:
    reads = {name: [other for other in others if other in drawn] for name, others in drawn.items()}
    steps = {name: set(others) for name, others in reads.items()}
    cyclic = any(name in others for name, others in closure(steps).items())
    cycle = graph.find_cycle(reads)
    assert bool(cycle) == cyclic
    if cycle:
        assert len(set(cycle)) == len(cycle)
        assert all(before in reads[name] for before, name in pairwise((*cycle, cycle[0])))


@settings(max_examples=50)
@given(graphs(), st.data())
def test_a_file_with_cycles_and_missing_names_is_refused_with_both(reads: Reads, data: st.DataObject) -> None:
    names = list(reads)
    wrong = data.draw(
        st.dictionaries(st.sampled_from(names), st.sampled_from(["missing", *names]), min_size=1, max_size=3)
    )
    broken = {
        name: list(dict.fromkeys([*others, *([wrong[name]] if name in wrong else [])]))
        for name, others in reads.items()
    }
    missing = sum("missing" in others for others in broken.values())
    steps = {name: {other for other in others if other != "missing"} for name, others in broken.items()}
    on_cycle = {name for name, others in closure(steps).items() if name in others}
    tables = [
        {"name": name, "depends_on": others, "transformation": {"type": "sql", "query": query(others)}}
        for name, others in broken.items()
    ]
    file = Path(os.environ["PROPERTY_FOLDER"], "config.yml")
    file.write_text(yaml.safe_dump({"name": "random", "tables": tables}))
    if not missing and not on_cycle:
        assert len(make_plan(load_pipeline(file), Selection()).tables) == len(names)
        return
    with pytest.raises(PipelineError) as caught:
        load_pipeline(file)
    said = [str(problem) for problem in caught.value.problems]
    assert sum("there is no table 'missing'" in problem for problem in said) == missing
    cycles = [problem for problem in said if " → " in problem]
    assert len(cycles) == bool(on_cycle)
    for problem in cycles:
        shown = problem.split(": ")[-1].rstrip(".").split(" → ")
        assert shown[0] == shown[-1]
        assert all(before in steps[name] for before, name in pairwise(shown))


def query(reads: list[str]) -> str:
    """A query that reads all of its inputs."""
    return " UNION ALL ".join(f"SELECT * FROM {name}" for name in reads) or "SELECT 1 AS one"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for the files of one test's examples."""
    monkeypatch.setenv("PROPERTY_FOLDER", str(tmp_path))


@settings(max_examples=150)
@given(pipelines())
def test_any_drawing_has_its_boxes_apart_and_its_arrows_from_left_to_right(pipeline: Pipeline) -> None:
    drawn = lineage(make_plan(pipeline, Selection()))
    layout = lay_out(drawn)
    by_left: dict[float, list[float]] = {}
    for box in layout.boxes.values():
        by_left.setdefault(box.x, []).append(box.y)
        assert -0.01 <= box.y <= layout.height - HEIGHT + 0.01
    for tops in by_left.values():
        assert all(lower - upper >= HEIGHT for upper, lower in pairwise(sorted(tops)))
    assert len(layout.paths) == len(drawn.edges)
    assert all(layout.boxes[edge.start].x < layout.boxes[edge.end].x for edge in drawn.edges)


@settings(max_examples=400)
@given(st.text("ab+@*(),: 12ntoadr/[]?.\t'\"é", max_size=30))
def test_no_text_makes_a_traceback(text: str) -> None:
    tables = [{"name": "a"}, {"name": "b", "depends_on": ["a"]}]
    pipeline = Pipeline.model_validate({"name": "p", "tables": tables})
    try:
        plan = make_plan(pipeline, Selection(select=[text]))
    except SelectionError as error:
        assert str(error)
    else:
        assert plan.stages
