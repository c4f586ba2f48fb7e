"""What clients ask of compute before they name it in a job: versions, node types, pools, policies.

Tasks run on this machine whatever their cluster says; pools and policies are remembered by name and id only.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from databricks.sdk.service.compute import ClusterPoliciesAPI, ClustersAPI, InstancePoolsAPI

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid, missing
from databricks_local.fields import fields, fields_of
from databricks_local.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS instance_pools (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, content TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cluster_policies (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, content TEXT NOT NULL
) STRICT
"""

# https://docs.databricks.com/release-notes/runtime: long-term support and what clients ask for by default.
_VERSIONS = {
    "18.x-scala2.13": "18 LTS (includes Apache Spark 4.1.0, Scala 2.13)",
    "17.3.x-scala2.13": "17.3 LTS (includes Apache Spark 4.0.0, Scala 2.13)",
    "16.4.x-scala2.13": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.13)",
    "16.4.x-scala2.12": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)",
}

# https://aws.amazon.com/ec2/instance-types: cores, GiB, GB of each local disk, category.
_NODE_TYPES: dict[str, tuple[int, int, int, str]] = {
    "m5d.large": (2, 8, 75, "General Purpose"),
    "m5d.xlarge": (4, 16, 150, "General Purpose"),
    "r5d.large": (2, 16, 75, "Memory Optimized"),
    "r5d.xlarge": (4, 32, 150, "Memory Optimized"),
    "i3.xlarge": (4, 30, 950, "Storage Optimized"),
    "i3.2xlarge": (8, 61, 1900, "Storage Optimized"),
}


@dataclass(frozen=True)
class Kind:
    """What things of one kind are called.

    Attributes:
        words: In a sentence.
        table: Where they are kept.
        prefix: What their ids begin with.
        id_field: The API's field of their id.
        name_field: The API's field of their name.
        shown: Fields that all of them have in answers.
    """

    words: str
    table: str
    prefix: str
    id_field: str
    name_field: str
    shown: Mapping[str, Any]


_POOLS = Kind(
    "instance pool",
    "instance_pools",
    "pool-",
    "instance_pool_id",
    "instance_pool_name",
    {
        "state": "ACTIVE",
        "stats": {"used_count": 0, "idle_count": 0, "pending_used_count": 0, "pending_idle_count": 0},
        "status": {},
    },
)
_POLICIES = Kind("cluster policy", "cluster_policies", "", "policy_id", "name", {"is_default": False})


class NamedThings:
    """Things of one kind in one workspace, remembered by name and id."""

    def __init__(self, store: Store, kind: Kind) -> None:
        """Use a store.

        Args:
            store: Keeps them.
            kind: What they are.
        """
        self._store = store
        self._kind = kind

    def create(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Make one and return its id in the API's field.

        Args:
            values: The fields of the request.

        Raises:
            ApiError: 400: the name is taken.
        """
        kind, name = self._kind, values[self._kind.name_field]
        if any(each[kind.name_field] == name for each in self.all()):
            raise invalid(f"{_article(kind)} with the name {name} already exists.")
        identity = f"{kind.prefix}{uuid.uuid4().hex[:16]}"
        self._store.db.execute(
            f"INSERT INTO {kind.table} VALUES (?, ?, ?)",  # noqa: S608
            (identity, name, json.dumps(values)),
        )
        return {kind.id_field: identity}

    def find(self, identity: str) -> dict[str, Any] | None:
        """Return one as the API shows it, or None."""
        return next((each for each in self.all() if each[self._kind.id_field] == identity), None)

    def get(self, identity: str) -> dict[str, Any]:
        """Return one as the API shows it.

        Raises:
            ApiError: 404: there is none.
        """
        found = self.find(identity)
        if found is None:
            raise missing(f"Can't find {_article(self._kind).lower()} with id: {identity}.")
        return found

    def all(self) -> list[dict[str, Any]]:
        """Return all, by name."""
        rows = self._store.db.execute(f"SELECT * FROM {self._kind.table} ORDER BY name")  # noqa: S608
        return [
            {**json.loads(row["content"]), self._kind.id_field: row["id"], **self._kind.shown} for row in rows
        ]

    def delete(self, identity: str) -> None:
        """Remove one.

        Raises:
            ApiError: 404: there is none.
        """
        self.get(identity)
        self._store.db.execute(f"DELETE FROM {self._kind.table} WHERE id = ?", (identity,))  # noqa: S608


def instance_pools(store: Store) -> NamedThings:
    """Return the pools of one workspace."""
    return NamedThings(store, _POOLS)


def cluster_policies(store: Store) -> NamedThings:
    """Return the cluster policies of one workspace; their definitions are kept, not enforced."""
    return NamedThings(store, _POLICIES)


def _article(kind: Kind) -> str:
    return f"{'An' if kind.words[0] in 'aeiou' else 'A'} {kind.words}"


async def create_pool(call: Call) -> object:
    """Make a pool."""
    return call.workspace.pools.create(call.values)


async def get_pool(call: Call) -> object:
    """Return a pool."""
    return call.workspace.pools.get(call.values["instance_pool_id"])


async def list_pools(call: Call) -> object:
    """Return all pools."""
    return {"instance_pools": call.workspace.pools.all()}


async def delete_pool(call: Call) -> object:
    """Remove a pool."""
    call.workspace.pools.delete(call.values["instance_pool_id"])
    return {}


async def spark_versions(_: Call) -> object:
    """Return the runtimes."""
    return {"versions": [{"key": key, "name": name} for key, name in _VERSIONS.items()]}


async def node_types(_: Call) -> object:
    """Return the types of nodes."""
    return {"node_types": [_node_type(name, *facts) for name, facts in _NODE_TYPES.items()]}


async def list_clusters(_: Call) -> object:
    """Return no clusters: those of jobs end with their tasks, and there are no others."""
    return {}


async def get_cluster(call: Call) -> object:
    """Answer that the cluster is not there."""
    raise invalid(f"Cluster {call.values['cluster_id']} does not exist")


async def create_policy(call: Call) -> object:
    """Make a policy."""
    return call.workspace.policies.create(call.values)


async def get_policy(call: Call) -> object:
    """Return a policy."""
    return call.workspace.policies.get(call.values["policy_id"])


async def list_policies(call: Call) -> object:
    """Return all policies."""
    found = call.workspace.policies.all()
    return {"policies": found, "total_count": len(found)}


async def delete_policy(call: Call) -> object:
    """Remove a policy."""
    call.workspace.policies.delete(call.values["policy_id"])
    return {}


def _node_type(name: str, cores: int, gigabytes: int, disk: int, category: str) -> dict[str, Any]:
    return {
        "node_type_id": name,
        "memory_mb": gigabytes * 1024,
        "num_cores": float(cores),
        "description": name,
        "instance_type_id": name,
        "category": category,
        "is_deprecated": False,
        "is_graviton": False,
        "is_hidden": False,
        "is_io_cache_enabled": category == "Storage Optimized",
        "num_gpus": 0,
        "photon_driver_capable": True,
        "photon_worker_capable": True,
        "support_cluster_tags": True,
        "support_ebs_volumes": True,
        "support_port_forwarding": True,
        "node_info": {"status": []},
        "node_instance_type": {
            "instance_type_id": name,
            "local_disks": 1,
            "local_disk_size_gb": disk,
        },
    }


_POOL = "/api/2.0/instance-pools"
_POLICY = "/api/2.0/policies/clusters"
_NO_FIELDS = fields({})

ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_POOL}/create",
        create_pool,
        fields_of(InstancePoolsAPI.create, required=["instance_pool_name", "node_type_id"]),
    ),
    Endpoint("GET", f"{_POOL}/get", get_pool, fields_of(InstancePoolsAPI.get, required=["instance_pool_id"])),
    Endpoint("GET", f"{_POOL}/list", list_pools, _NO_FIELDS),
    Endpoint(
        "POST",
        f"{_POOL}/delete",
        delete_pool,
        fields_of(InstancePoolsAPI.delete, required=["instance_pool_id"]),
    ),
    Endpoint(
        "POST",
        f"{_POLICY}/create",
        create_policy,
        fields_of(ClusterPoliciesAPI.create, required=["name"]),
    ),
    Endpoint("GET", f"{_POLICY}/get", get_policy, fields_of(ClusterPoliciesAPI.get, required=["policy_id"])),
    Endpoint("GET", f"{_POLICY}/list", list_policies, fields_of(ClusterPoliciesAPI.list)),
    Endpoint(
        "POST",
        f"{_POLICY}/delete",
        delete_policy,
        fields_of(ClusterPoliciesAPI.delete, required=["policy_id"]),
    ),
    *(
        endpoint
        for version in ("2.0", "2.1")
        for endpoint in (
            Endpoint("GET", f"/api/{version}/clusters/spark-versions", spark_versions, _NO_FIELDS),
            Endpoint("GET", f"/api/{version}/clusters/list-node-types", node_types, _NO_FIELDS),
            # The filters come one by one: filter_by.cluster_states=RUNNING, and there is nothing to filter.
            Endpoint("GET", f"/api/{version}/clusters/list", list_clusters, None),
            Endpoint(
                "GET",
                f"/api/{version}/clusters/get",
                get_cluster,
                fields_of(ClustersAPI.get, required=["cluster_id"]),
            ),
        )
    ),
)
