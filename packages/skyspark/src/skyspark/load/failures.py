"""What Spark and Delta raise when a write fails, said as errors of ours.

Delta's invariant violations reach Python as raw Py4JJavaError, others as AnalysisException: only the error
condition in the text is common to classic sessions, Spark Connect and all versions.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from skyspark.errors import (
    ConcurrentWriteError,
    ConstraintViolationError,
    ReplaceWhereError,
    SchemaMismatchError,
    TableError,
)

_CHECK = re.compile(
    r"\[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES\] CHECK constraint (?P<name>\S+) (?P<rule>.*?) violated"
)
_NOT_NULL = re.compile(
    r"\[DELTA_NOT_NULL_CONSTRAINT_VIOLATED\] NOT NULL constraint violated for column: (?P<c>[^\n]+?)\.?\s"
)
_CONCURRENT = re.compile(
    r"Concurrent(?:Append|DeleteRead|DeleteDelete|Write|Transaction)Exception|DELTA_CONCURRENT_\w+|MetadataChangedException"
)


@contextmanager
def translated(table: str, mode: str) -> Iterator[None]:
    """Turn what a write inside the block raises into a ``TableError``, where it is the caller's to solve.

    Row values are left out of the sentence, they may be personal; the cause holds them.

    Args:
        table: The table that is written.
        mode: How: named in the sentence.

    Raises:
        ConstraintViolationError: A row breaks a CHECK or NOT NULL constraint.
        ReplaceWhereError: A row lies outside ``replaceWhere``.
        SchemaMismatchError: A value or a column does not fit the table.
        ConcurrentWriteError: Another writer was faster.
    """
    try:
        yield
    except TableError:
        raise
    except Exception as error:
        known = translation(table, mode, error)
        if known is None:
            raise
        raise known from error


def translation(table: str, mode: str, error: BaseException) -> TableError | None:
    """Return what a write raised as an error of ours, or ``None`` where it is not the caller's to solve.

    Args:
        table: The table that is written.
        mode: How: named in the sentence.
        error: What was raised.
    """
    text = f"{error} "
    if "DELTA_REPLACE_WHERE_MISMATCH" in text:
        return ReplaceWhereError(
            table, f"mode {mode}: a row does not meet replaceWhere: filter the frame by the same condition."
        )
    if match := _CHECK.search(text):
        return ConstraintViolationError(
            table,
            f"mode {mode}: a row breaks the CHECK constraint {match['name']} {match['rule']}: "
            "filter such rows or change the constraint; nothing was written.",
        )
    if match := _NOT_NULL.search(text):
        return ConstraintViolationError(
            table,
            f"mode {mode}: column '{match['c']}' is NOT NULL and a row has NULL there: "
            "filter or fill such rows; nothing was written.",
        )
    if _CONCURRENT.search(text):
        return ConcurrentWriteError(
            table,
            f"mode {mode}: another writer changed the table meanwhile: run it again, nothing was written.",
        )
    if "DELTA_FAILED_TO_MERGE_FIELDS" in text or "CAST_INVALID_INPUT" in text:
        return SchemaMismatchError(
            table,
            f"mode {mode}: a column does not fit the table's type: cast it before; nothing was written.",
        )
    return None
