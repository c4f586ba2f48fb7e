"""What decides whether a task runs, and what a run came to: `run_if`, condition tasks, leaf tasks.

The rules are those of https://docs.databricks.com/jobs/run-if and https://docs.databricks.com/jobs/if-else.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from enum import Enum


class Upstream(Enum):
    """What one dependency came to, as far as the tasks after it care."""

    SUCCEEDED = 1
    FAILED = 2
    CANCELED = 3
    EXCLUDED = 4


class Decision(Enum):
    """What becomes of a task whose dependencies have all ended: it runs, or ends with a result."""

    RUN = None
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"


class ConditionError(ValueError):
    """A condition whose operands cannot be compared; the text says why."""


_UPSTREAM = {
    "SUCCESS": Upstream.SUCCEEDED,
    "SUCCESS_WITH_FAILURES": Upstream.SUCCEEDED,
    "EXCLUDED": Upstream.EXCLUDED,
    "DISABLED": Upstream.EXCLUDED,
    "CANCELED": Upstream.CANCELED,
    "UPSTREAM_CANCELED": Upstream.CANCELED,
}


def upstream_of(result: str | None) -> Upstream:
    """Return what a result means for the tasks after it.

    Args:
        result: A value of the API's `RunResultState`.
    """
    return _UPSTREAM.get(result or "", Upstream.FAILED)


def decide(run_if: str, dependencies: Iterable[Upstream]) -> Decision:
    """Return what becomes of a task.

    Args:
        run_if: A value of the API's `RunIf`.
        dependencies: What each of its dependencies came to.
    """
    found = list(dependencies)
    if not found:
        return Decision.RUN
    if all(each is Upstream.EXCLUDED for each in found):
        return Decision.EXCLUDED
    failed = Upstream.FAILED in found
    canceled = Upstream.CANCELED in found
    stopped = Decision.UPSTREAM_FAILED if failed else Decision.UPSTREAM_CANCELED if canceled else Decision.RUN
    match run_if:
        case "ALL_DONE":
            return Decision.RUN
        case "NONE_FAILED":
            return stopped
        case "AT_LEAST_ONE_SUCCESS":
            return Decision.RUN if Upstream.SUCCEEDED in found else stopped
        case "AT_LEAST_ONE_FAILED":
            return Decision.RUN if failed or canceled else Decision.EXCLUDED
        case "ALL_FAILED":
            ran = all(each in (Upstream.FAILED, Upstream.CANCELED) for each in found)
            return Decision.RUN if ran else Decision.EXCLUDED
    if stopped is Decision.RUN and Upstream.EXCLUDED in found:
        return Decision.EXCLUDED
    return stopped


def result_of_run(leaves: Iterable[str | None], others: Iterable[str | None]) -> str:
    """Return the result of a run whose tasks have all ended: its leaf tasks decide.

    Args:
        leaves: The results of the tasks that no other depends on.
        others: The results of the others.
    """
    ends = {upstream_of(result) for result in leaves}
    if Upstream.FAILED in ends:
        return "FAILED"
    if Upstream.CANCELED in ends:
        return "CANCELED"
    inner = {upstream_of(result) for result in others}
    return "SUCCESS_WITH_FAILURES" if inner & {Upstream.FAILED, Upstream.CANCELED} else "SUCCESS"


def compare(op: str, left: str, right: str) -> bool:
    """Return what a condition task comes to.

    Args:
        op: A value of the API's `ConditionTaskOp`. The first two compare text, the others numbers.
        left: The left operand.
        right: The right operand.

    Raises:
        ConditionError: Numbers are to be compared, and an operand is none.
    """
    if op == "EQUAL_TO":
        return left == right
    if op == "NOT_EQUAL":
        return left != right
    one, other = _number(left), _number(right)
    match op:
        case "GREATER_THAN":
            return one > other
        case "GREATER_THAN_OR_EQUAL":
            return one >= other
        case "LESS_THAN":
            return one < other
        case "LESS_THAN_OR_EQUAL":
            return one <= other
    raise ConditionError(f"'{op}' is no operator of a condition.")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_nan():
        raise ConditionError(f"'{text}' is no number, and the operator compares numbers.")
    return number
