"""Which Spark jobs belong to which table: started on threads of their own, cancelled together.

A classic session has job groups and, where it was started with ``spark.scheduler.mode=FAIR``, pools. Spark
Connect has tags in their place, and no pools.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import InheritableThread

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

_PROPERTIES = ("spark.jobGroup.id", "spark.job.description", "spark.scheduler.pool")


def is_classic(spark: "SparkSession") -> bool:
    """Say whether a session has a driver in this process, unlike one of Spark Connect."""
    return hasattr(spark, "_jsparkSession")


def start_thread(spark: "SparkSession", target: Callable[[], None], name: str) -> threading.Thread:
    """Run something on a thread that has this thread's settings for Spark jobs.

    The thread ends with the process: Python code of the user that blocks must not keep a stopped run alive.

    Args:
        spark: The session.
        target: What to run.
        name: The thread's name.
    """
    # Its own first parameter is the target: the rest goes to threading.Thread.
    thread = InheritableThread(target, session=spark, name=name, daemon=True)
    thread.start()
    return thread


@contextmanager
def grouped(spark: "SparkSession", group: str, description: str) -> Iterator[None]:
    """Mark the Spark jobs that this thread starts inside the block.

    Args:
        spark: The session.
        group: The name to cancel them by.
        description: What Spark's pages show.
    """
    if not is_classic(spark):
        spark.addTag(group)
        try:
            yield
        finally:
            spark.removeTag(group)
        return
    context: SparkContext = spark.sparkContext
    before = {key: context.getLocalProperty(key) for key in _PROPERTIES}
    # Transformations may ask for the active session, which Spark knows for each thread.
    jvm = context._jvm
    if jvm is not None:
        jvm.SparkSession.setActiveSession(spark._jsparkSession)
    context.setJobGroup(group, description, interruptOnCancel=True)
    context.setLocalProperty("spark.scheduler.pool", group)
    try:
        yield
    finally:
        for key, value in before.items():
            context.setLocalProperty(key, value)  # type: ignore[arg-type]


def cancel(spark: "SparkSession", group: str) -> None:
    """Cancel the jobs of a group.

    Args:
        spark: The session.
        group: Its name.
    """
    if is_classic(spark):
        spark.sparkContext.cancelJobGroup(group)
    else:
        spark.interruptTag(group)
