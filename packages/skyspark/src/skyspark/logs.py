"""Log lines: readable in a terminal, one JSON object each elsewhere."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

# What every record carries; the rest came through `extra=`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the fields of ``extra``, and the traceback."""

    def __init__(self, **fields: str) -> None:
        super().__init__()
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._fields,
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logging(stream: TextIO | None = None, **fields: str) -> logging.Handler:
    """Send log lines of level INFO and above to a stream.

    Args:
        stream: Where to; standard error by default. A terminal gets readable lines, anything else JSON.
        fields: Fields that every JSON line carries, such as the application's name.

    Returns:
        The handler that was added to the root logger, for who wants to remove it.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    if stream.isatty():
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    else:
        handler.setFormatter(JsonFormatter(**fields))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # These say at INFO what they send over the wire.
    for noisy in ("py4j", "pyspark.sql.connect.client.logging"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return handler
