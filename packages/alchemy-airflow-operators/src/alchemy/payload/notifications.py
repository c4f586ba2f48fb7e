"""Who is told of a run.

The fields are those of ``email_notifications`` and ``webhook_notifications`` in
https://docs.databricks.com/api/workspace/jobs/submit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from alchemy.errors import PayloadError
from alchemy.payload.text import texts

# Those of long durations need a rule in `health`, which the run has not.
EVENTS = ("on_start", "on_success", "on_failure")
_MOST_DESTINATIONS = 3


def notifications(wanted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the fields ``email_notifications`` and ``webhook_notifications``, those that are needed.

    Args:
        wanted: For ``on_start``, ``on_success`` or ``on_failure`` who is told: e-mail addresses, and ids of
            the workspace's notification destinations (Slack, PagerDuty, …), three at most.

    Raises:
        PayloadError: There is no such event, what it names is no list, or there are too many destinations.
    """
    if not isinstance(wanted, Mapping):
        raise PayloadError(f"notifications is {wanted!r}: give a mapping of events to lists.")
    mails: dict[str, list[str]] = {}
    hooks: dict[str, list[dict[str, str]]] = {}
    for event, whom in wanted.items():
        if event not in EVENTS:
            raise PayloadError(f"notifications has {event!r}: it knows {', '.join(EVENTS)}.")
        for one in texts(whom, f"notifications[{event!r}]"):
            if "@" in one:
                mails.setdefault(event, []).append(one)
            else:
                hooks.setdefault(event, []).append({"id": one})
    for event, called in hooks.items():
        if len(called) > _MOST_DESTINATIONS:
            raise PayloadError(
                f"notifications[{event!r}] has {len(called)} destinations: "
                f"leave {_MOST_DESTINATIONS}, the most that the API takes."
            )
    fields: dict[str, Any] = {}
    if mails:
        fields["email_notifications"] = mails
    if hooks:
        fields["webhook_notifications"] = hooks
    return fields
