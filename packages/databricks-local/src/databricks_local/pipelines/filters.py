"""The conditions that lists of pipelines and of events take as text.

Grammar: https://docs.databricks.com/api/workspace/pipelines/listpipelineevents
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from databricks_local.errors import invalid
from databricks_local.pipelines.records import Pipeline

_PIPELINES = re.compile(r"\s*(?:(name)\s+like|(notebook)\s*=)\s*'((?:[^']|'')*)'\s*", re.IGNORECASE)
_LEVEL = re.compile(r"level\s*=\s*'(\w+)'", re.IGNORECASE)
_LEVELS = re.compile(r"level\s+in\s*\(\s*('\w+'(?:\s*,\s*'\w+')*)\s*\)", re.IGNORECASE)
_ID = re.compile(r"id\s*=\s*'([^']*)'", re.IGNORECASE)
_TIME = re.compile(r"timestamp\s*(>=|<=|>|<|=)\s*'([^']*)'", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_ORDER = re.compile(r"\s*(\w+)(?:\s+(asc|desc))?\s*", re.IGNORECASE)


def pipeline_filter(text: str) -> Callable[[Pipeline], bool]:
    """Return what a filter of pipelines lets through.

    Args:
        text: ``name LIKE '[pattern]'`` or ``notebook='<path>'``.

    Raises:
        ApiError: 400: it is neither.
    """
    found = _PIPELINES.fullmatch(text)
    if found is None:
        raise invalid(f"Invalid filter '{text}': name LIKE '[pattern]' and notebook='<path>' are supported.")
    value = found[3].replace("''", "'")
    if found[2]:
        return lambda pipeline: any(
            library.get("notebook", {}).get("path") == value for library in pipeline.spec.get("libraries", [])
        )
    wildcards = {"%": ".*", "_": "."}
    pattern = re.compile(
        "".join(wildcards.get(sign, re.escape(sign)) for sign in value), re.IGNORECASE | re.DOTALL
    )
    return lambda pipeline: pattern.fullmatch(pipeline.name) is not None


def event_filter(text: str) -> tuple[list[str], list[str | int]]:
    """Return the conditions of a filter of events, as SQL with question marks, and their values.

    Args:
        text: Conditions on ``level``, ``id`` and ``timestamp``, joined by AND.

    Raises:
        ApiError: 400: it cannot be read.
    """
    conditions: list[str] = []
    values: list[str | int] = []
    for part in _AND.split(text.strip()):
        if found := _LEVEL.fullmatch(part):
            conditions.append("level = ?")
            values.append(found[1].upper())
        elif found := _LEVELS.fullmatch(part):
            levels = re.findall(r"\w+", found[1])
            conditions.append(f"level IN ({', '.join('?' * len(levels))})")
            values += [level.upper() for level in levels]
        elif found := _ID.fullmatch(part):
            conditions.append("event_id = ?")
            values.append(found[1])
        elif found := _TIME.fullmatch(part):
            conditions.append(f"timestamp_ms {found[1]} ?")
            values.append(_milliseconds(found[2]))
        else:
            raise invalid(f"Invalid filter '{part}': conditions on level, id and timestamp are supported.")
    return conditions, values


def ascending(order_by: str | list[str] | None) -> bool:
    """Say whether events are asked for oldest first.

    Args:
        order_by: ``timestamp asc`` or ``timestamp desc``, the default.

    Raises:
        ApiError: 400: it is neither.
    """
    orders = [order_by] if isinstance(order_by, str) else order_by or []
    if not orders:
        return False
    found = _ORDER.fullmatch(orders[0])
    if len(orders) > 1 or found is None or found[1].lower() != "timestamp":
        raise invalid(
            f"Invalid order_by '{', '.join(orders)}': timestamp asc and timestamp desc are supported."
        )
    return (found[2] or "asc").lower() == "asc"


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid timestamp '{text}': write it as 2021-07-22T06:37:33.083Z.") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
