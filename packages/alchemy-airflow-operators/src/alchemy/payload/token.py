"""Tokens by which the API knows a request that it has had before.

A request with the token of an earlier one starts nothing and answers with that one's run
(``idempotency_token`` of https://docs.databricks.com/api/workspace/jobs/submit, at most 64 characters).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Attempt:
    """One try of a task instance, as far as it tells one submit from another.

    Attributes:
        dag_id: The DAG.
        run_id: Its run.
        run_started: When that run started, ISO 8601: a run that was deleted and made anew has the same id.
        task_id: The task.
        map_index: Its index among the mapped; -1: it is not mapped.
        first_try: The number of the try that came first since the task was last cleared, from 1 on.
        try_number: The number of this try, from ``first_try`` on.
    """

    dag_id: str
    run_id: str
    run_started: str
    task_id: str
    map_index: int
    first_try: int
    try_number: int

    def tokens(self) -> Iterator[str]:
        """Yield the tokens that the tries up to this one may have submitted with, 64 characters each.

        Who walks them and stops at the first run that has not failed finds the run of an earlier try, if it
        lives or has succeeded, and else submits anew: nothing has to be remembered between two tries, so
        nothing is lost with a worker.
        """
        same = (self.dag_id, self.run_id, self.run_started, self.task_id, self.map_index)
        for number in range(self.first_try, self.try_number + 1):
            yield hashlib.sha256(json.dumps([*same, number]).encode()).hexdigest()


def first_try(try_number: int, max_tries: int, retries: int) -> int:
    """Return the number of the try that came first since a task instance was last cleared.

    Airflow counts tries on when a task is cleared, and raises their limit by the task's retries.

    Args:
        try_number: The number of this try, from 1 on.
        max_tries: The instance's limit.
        retries: The task's retries.
    """
    return max(1, min(try_number, max_tries - retries + 1))
