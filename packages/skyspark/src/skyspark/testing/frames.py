"""Comparing frames in tests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def assert_frame_equal(
    actual: "DataFrame",
    expected: "DataFrame | Sequence[Any]",
    *,
    check_row_order: bool = False,
    check_column_order: bool = True,
    check_nullable: bool = False,
    rtol: float = 1e-5,
    atol: float = 1e-8,
) -> None:
    """Fail unless two frames have the same columns and the same rows, in any order.

    Args:
        actual: The frame under test.
        expected: A frame; or rows (tuples, dicts or ``Row``), which get the schema of ``actual``.
        check_row_order: Whether the order of rows matters.
        check_column_order: Whether the order of columns matters.
        check_nullable: Whether columns must agree on being nullable, which most transformations lose.
        rtol: Relative tolerance between floating-point numbers.
        atol: Absolute tolerance between floating-point numbers.

    Raises:
        AssertionError: They differ; the message shows how, side by side (``pyspark.testing``).
    """
    # Not at the top: pytest loads this package in every run of every project.
    from pyspark.testing import assertDataFrameEqual, assertSchemaEqual

    __tracebackhide__ = True
    if isinstance(expected, Sequence):
        expected = actual.sparkSession.createDataFrame(list(expected), actual.schema)
    if not check_column_order and sorted(actual.columns) == sorted(expected.columns):
        expected = expected.select(*(expected[f"`{c.replace('`', '``')}`"] for c in actual.columns))
    assertSchemaEqual(actual.schema, expected.schema, ignoreNullable=not check_nullable)
    assertDataFrameEqual(
        actual,
        expected,
        checkRowOrder=check_row_order,
        rtol=rtol,
        atol=atol,
        ignoreNullable=not check_nullable,
    )
