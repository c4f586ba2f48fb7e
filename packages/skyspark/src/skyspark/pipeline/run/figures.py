"""How the figures of a run are written: durations, numbers, shares, and what came of the expectations."""

from skyspark.pipeline.run.results import ExpectationResult, TableResult


def duration(seconds: float | None) -> str:
    """Return a length of time for a person, or nothing.

    Args:
        seconds: The length in seconds.
    """
    if seconds is None:
        return ""
    if seconds < 9.995:
        return f"{max(seconds, 0.0):.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def number(count: int | None) -> str:
    """Return a count with commas between its thousands, or nothing."""
    return "" if count is None else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as ``1 row`` or ``2,000 rows``.

    Args:
        count: How many.
        noun: What of; its plural has an s.
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def share(part: float, whole: float) -> str:
    """Return a part in per cent; what is not nothing or all is never shown as that.

    Args:
        part: The part.
        whole: What it is a part of.
    """
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.1f} %".replace(".0 %", " %")


def broken(result: TableResult) -> list[ExpectationResult]:
    """Return the expectations of a table that at least one of its rows broke."""
    return [expectation for expectation in result.expectations if expectation.broken]


def breaches(expectation: ExpectationResult) -> str:
    """Return how often an expectation was broken, such as ``by 2 of 8 rows (25 %)``.

    Args:
        expectation: One that was counted.
    """
    rows = expectation.broken or 0
    if expectation.passed is None:
        return f"by {counted(rows, 'row')}"
    whole = rows + expectation.passed
    return f"by {rows:,} of {counted(whole, 'row')} ({share(rows, whole)})"


def expectations(result: TableResult) -> str:
    """Return what came of a table's expectations in a few words, or nothing.

    Args:
        result: The table's result.
    """
    counts = [expectation for expectation in result.expectations if expectation.broken is not None]
    if not counts:
        return ""
    found = broken(result)
    return f"{len(found)} of {len(counts)} broken" if found else f"{len(counts)} met"
