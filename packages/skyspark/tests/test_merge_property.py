"""Merges of any changes against what plain Python says must come out."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from skyspark.load import merge_delta_table

# Every example costs real MERGEs of some seconds: few, but each with many rows and all the odd cases.
FEW = settings(
    max_examples=3,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KEY = st.tuples(st.integers(0, 4), st.sampled_from(["", "a", "A", " a"]))
VALUE = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, float("nan")]))
BATCH = st.dictionaries(KEY, st.tuples(VALUE, st.booleans()), min_size=3, max_size=12)
COLUMNS = "n int, s string, v double, gone boolean"


def same(found, expected):
    def shown(rows):
        return sorted(str(tuple(0.0 if value == 0 else value for value in row)) for row in rows)

    assert shown(found) == shown(expected)


@FEW
@given(batches=st.lists(BATCH, min_size=2, max_size=2))
def test_upserts_and_deletes(spark, warehouse, batches):
    spark.sql("DROP TABLE IF EXISTS t")
    expected = {}
    for batch in batches:
        frame = spark.createDataFrame([(*key, *row) for key, row in batch.items()], COLUMNS)
        merge_delta_table(frame, "t", ["n", "s"], delete_where="gone", exclude_columns=["gone"])
        for key, (value, gone) in batch.items():
            expected.pop(key, None) if gone else expected.update({key: value})
    same(spark.table("t").collect(), [(*key, value) for key, value in expected.items()])


EVENT = st.tuples(st.integers(0, 2), st.integers(0, 6))


@FEW
@given(
    batches=st.lists(
        st.dictionaries(
            EVENT, st.tuples(st.sampled_from([None, "a", "b"]), st.booleans()), min_size=3, max_size=9
        ),
        min_size=2,
        max_size=2,
    )
)
def test_history_is_that_of_all_events_in_order(spark, warehouse, batches):
    spark.sql("DROP TABLE IF EXISTS t")
    events = {}
    for batch in batches:
        # An event that changed nothing is not stored, so what comes late cannot tell it was there: the
        # oracle therefore starts from the versions it made, as the table does.
        events = {**as_events(versions(events)), **batch}
        frame = spark.createDataFrame(
            [(*key, *row) for key, row in batch.items()], "id int, at int, v string, gone boolean"
        )
        merge_delta_table(
            frame,
            "t",
            ["id"],
            scd_type=2,
            sequence_by="at",
            delete_where="gone",
            exclude_columns=["at", "gone"],
        )
    same(spark.table("t").select("id", "__START_AT", "__END_AT", "v").collect(), versions(events))


def versions(events):
    made = []
    for (key, at), (value, gone) in sorted(events.items(), key=lambda item: item[0]):
        last = made[-1] if made and made[-1][0] == key else None
        open_now = last is not None and last[2] is None
        if open_now and (gone or last[3] != value):
            made[-1] = (*last[:2], at, last[3])
        if not gone and not (open_now and last[3] == value):
            made.append((key, at, None, value))
    return made


def as_events(made):
    starts = {(key, start): (value, False) for key, start, _, value in made}
    ends = {(key, end): (None, True) for key, _, end, _ in made if end is not None}
    return {**ends, **starts}
