"""What tests do to the workspace from outside: move its clock."""

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid
from databricks_local.fields import fields


async def show_clock(call: Call) -> object:
    """Tell the workspace's time."""
    return {"now_ms": call.workspace.clock.now_ms()}


async def move_clock(call: Call) -> object:
    """Move the clock forward by ``advance_ms``: schedules fire, waits for retries and timeouts end."""
    milliseconds = call.values["advance_ms"]
    if milliseconds < 0:
        raise invalid("advance_ms is negative, and time only moves forward.")
    return {"now_ms": call.workspace.clock.advance(milliseconds)}


ENDPOINTS = (
    Endpoint("GET", "/api/databricks-local/clock", show_clock, fields({})),
    Endpoint(
        "POST",
        "/api/databricks-local/clock",
        move_clock,
        fields({"advance_ms": int}, required=["advance_ms"]),
    ),
)
