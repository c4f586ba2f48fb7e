"""What of a Databricks workspace the operators need beside its runs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import conf
from airflow.providers.databricks.hooks.databricks import DatabricksHook

from alchemy.errors import NameNotFoundError

_SECTION = "alchemy"


@dataclass(frozen=True)
class Defaults:
    """What holds for all runs that a connection starts.

    Attributes:
        ecr_registry: The host of images that are named without one.
        aws_account_id: The account of roles that are given by their names.
        instance_profile_arn: What clusters are and pull their images as.
    """

    ecr_registry: str | None
    aws_account_id: str | None
    instance_profile_arn: str | None


class _ReadConnection:
    """A connection whose extra has been read, once for all."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.extra_dejson: dict[str, Any] = connection.extra_dejson

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class AlchemyDatabricksHook(DatabricksHook):
    """The provider's hook, which also finds things by their names."""

    @cached_property
    def databricks_conn(self) -> Any:
        """The connection.

        Whenever its extra is read, the supervisor is told to mask it and the task waits for the answer. A signal
        may come just then, and what its handler reads would wait for ever behind it: ``on_kill`` could not cancel.
        """
        return _ReadConnection(super().databricks_conn)

    def defaults(self) -> Defaults:
        """Return what the connection's extra or Airflow's section ``[alchemy]`` sets; the extra wins."""
        extra = self.databricks_conn.extra_dejson

        def value(name: str) -> str | None:
            found = extra.get(name) or conf.get(_SECTION, name, fallback=None)
            return str(found) if found else None

        return Defaults(value("ecr_registry"), value("aws_account_id"), value("instance_profile_arn"))

    def instance_pool_id(self, name: str) -> str:
        """Return the id of a pool.

        Args:
            name: The pool's name.

        Raises:
            NameNotFoundError: No pool is called so, or several are.
        """
        pools = self._do_api_call(("GET", "2.0/instance-pools/list")).get("instance_pools", ())
        found = [(pool["instance_pool_name"], pool["instance_pool_id"]) for pool in pools]
        return str(_only("instance pool", name, found))

    def policy_id(self, name: str) -> str:
        """Return the id of a cluster policy.

        Args:
            name: The policy's name.

        Raises:
            NameNotFoundError: No policy is called so, or several are.
        """
        policies = self._do_api_call(("GET", "2.0/policies/clusters/list")).get("policies", ())
        return str(_only("cluster policy", name, [(each["name"], each["policy_id"]) for each in policies]))

    def job_id(self, name: str) -> int:
        """Return the id of a job that a bundle deployed.

        Args:
            name: The job's name in the bundle. In mode development the workspace has it as
                ``[dev somebody] name``: a job with just this name comes first.

        Raises:
            NameNotFoundError: No job is called so, or several are.
        """
        exact = [(name, job["job_id"]) for job in self.list_jobs(job_name=name)]
        if exact:
            return int(_only("job", name, exact))
        developed = re.compile(rf"\[dev [^\]]+\] {re.escape(name)}")
        jobs = [(job["settings"]["name"], job["job_id"]) for job in self.list_jobs()]
        of_developers = [(name, job_id) for title, job_id in jobs if developed.fullmatch(title)]
        return int(_only("job", name, of_developers or jobs))


def _only(kind: str, name: str, found: Iterable[tuple[str, Any]]) -> Any:
    """Return the one id of a name.

    Args:
        kind: What it is, for the error.
        name: What is looked for.
        found: Names with their ids.
    """
    known = list(found)
    ids = [identity for each, identity in known if each == name]
    if len(ids) == 1:
        return ids[0]
    if ids:
        listed = ", ".join(map(str, ids))
        raise NameNotFoundError(
            f"{len(ids)} times there is a {kind} {name!r} ({listed}): rename all but one."
        )
    some = ", ".join(sorted({each for each, _ in known})[:10]) or "none at all"
    raise NameNotFoundError(
        f"There is no {kind} {name!r} in the workspace, or it may not be seen with this connection; there is: {some}."
    )
