"""Keeping traces off the terminal: what goes wrong with a table is said once, in its result."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# Spark 4 logs each error of analysis with the whole trace of Java, also where somebody catches it.
_OF_ANALYSIS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_OF_BATCHES = "py4j.clientserver"


@contextmanager
def kept_off() -> Iterator[None]:
    """Log no traces of errors inside the block that reach their caller as exceptions anyway."""
    with ExitStack() as scope:
        for logger in _analysis_loggers():
            scope.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        batches = logging.getLogger(_OF_BATCHES)
        of_batches = _NotOfBatches()
        batches.addFilter(of_batches)
        scope.callback(batches.removeFilter, of_batches)
        yield


def _analysis_loggers() -> list[logging.Logger]:
    try:
        from pyspark.logger import PySparkLogger
    except ImportError:  # Spark 3.5 has none of them.
        return []
    # Made by their own class: PySpark calls them with arguments that others refuse.
    return [PySparkLogger.getLogger(name) for name in _OF_ANALYSIS]


class _NotOfBatches(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "Python Proxy" not in record.getMessage()
