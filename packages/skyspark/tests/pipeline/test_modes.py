import time

import pytest
from skyspark.pipeline.model import Pipeline, Source, Table, Target
from skyspark.pipeline.modes import all_streamed_inputs, streamed_inputs

CSV = Source(format="csv", path="in")


def _pipeline(*tables):
    return Pipeline(name="p", tables=tables)


def test_a_stream_follows_its_source_and_what_only_grows():
    pipeline = _pipeline(
        Table(name="a", source=CSV),
        Table(name="b", depends_on=("a",)),
        Table(name="merged", depends_on=("a",), target=Target(mode="merge", keys=("id",))),
        Table(name="whole", depends_on=("a",), mode="batch"),
        Table(name="dimension", source=CSV, dimension=True),
        Table(name="fixed", source=Source(path="in", dimension=True)),
        Table(name="view", depends_on=("a",), temporary=True),
        Table(name="end", source=CSV, depends_on=("b", "merged", "whole", "dimension", "fixed", "view")),
    )
    streams = all_streamed_inputs(pipeline, "streaming")
    assert streams["end"] == {"source", "b", "view"}
    assert streams["dimension"] == {"source"}
    assert streams["fixed"] == streams["whole"] == frozenset()
    assert all(streamed_inputs(pipeline, t, "streaming") == streams[t.name] for t in pipeline.tables)
    assert set(all_streamed_inputs(pipeline, "batch").values()) == {frozenset()}


def test_what_reads_no_stream_cannot_be_followed():
    tables = [Table(name="a", source=Source(path="in", dimension=True))]
    tables += [Table(name=f"t{i}", depends_on=("a" if i == 0 else f"t{i - 1}",)) for i in range(3)]
    assert set(all_streamed_inputs(_pipeline(*tables), "streaming").values()) == {frozenset()}


@pytest.mark.parametrize("temporary", [True, False])
def test_deep_diamonds_take_linear_time(temporary):
    depth = 3000
    tables = [
        Table(name="l0", source=CSV, temporary=temporary),
        Table(name="r0", source=CSV, temporary=temporary),
    ]
    for i in range(1, depth):
        inputs = (f"l{i - 1}", f"r{i - 1}")
        tables += [Table(name=f"{side}{i}", depends_on=inputs, temporary=temporary) for side in "lr"]
    pipeline = _pipeline(*tables)
    # What the thread itself computes: others may have the processor in between.
    start = time.thread_time()
    assert streamed_inputs(pipeline, tables[-1], "streaming") == {f"l{depth - 2}", f"r{depth - 2}"}
    assert len(all_streamed_inputs(pipeline, "streaming")) == 2 * depth
    assert time.thread_time() - start < 5
