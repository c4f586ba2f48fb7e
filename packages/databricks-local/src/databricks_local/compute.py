"""What clients ask of compute before they name it in a job: versions, node types, pools.

Tasks run on this machine whatever their cluster says; pools are remembered by name and id, no machine waits.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from databricks.sdk.service.compute import ClusterPoliciesAPI, ClustersAPI, InstancePoolsAPI

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid, missing
from databricks_local.fields import fields, fields_of
from databricks_local.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS instance_pools (
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


class InstancePools:
    """The pools of one workspace."""

    def __init__(self, store: Store) -> None:
        """Use a store.

        Args:
            store: Keeps them.
        """
        self._store = store

    def create(self, values: Mapping[str, Any]) -> str:
        """Make a pool and return its id.

        Args:
            values: The fields of the request.

        Raises:
            ApiError: 400: the name is taken.
        """
        name = values["instance_pool_name"]
        if any(pool["instance_pool_name"] == name for pool in self.all()):
            raise invalid(f"An instance pool with the name {name} already exists.")
        pool_id = f"pool-{uuid.uuid4().hex[:16]}"
        self._store.db.execute(
            "INSERT INTO instance_pools VALUES (?, ?, ?)", (pool_id, name, json.dumps(values))
        )
        return pool_id

    def find(self, pool_id: str) -> dict[str, Any] | None:
        """Return a pool as the API shows it, or None."""
        return next((pool for pool in self.all() if pool["instance_pool_id"] == pool_id), None)

    def get(self, pool_id: str) -> dict[str, Any]:
        """Return a pool as the API shows it.

        Raises:
            ApiError: 404: there is none.
        """
        found = self.find(pool_id)
        if found is None:
            raise missing(f"Can't find an instance pool with id: {pool_id}.")
        return found

    def all(self) -> list[dict[str, Any]]:
        """Return all pools, by name."""
        nothing = {"used_count": 0, "idle_count": 0, "pending_used_count": 0, "pending_idle_count": 0}
        rows = self._store.db.execute("SELECT * FROM instance_pools ORDER BY name")
        return [
            {
                **json.loads(row["content"]),
                "instance_pool_id": row["id"],
                "state": "ACTIVE",
                "stats": nothing,
                "status": {},
            }
            for row in rows
        ]

    def delete(self, pool_id: str) -> None:
        """Remove a pool.

        Raises:
            ApiError: 404: there is none.
        """
        self.get(pool_id)
        self._store.db.execute("DELETE FROM instance_pools WHERE id = ?", (pool_id,))


async def create_pool(call: Call) -> object:
    """Make a pool."""
    return {"instance_pool_id": call.workspace.pools.create(call.values)}


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


async def list_policies(_: Call) -> object:
    """Return no policies."""
    return {"policies": [], "total_count": 0}


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
    Endpoint("GET", "/api/2.0/policies/clusters/list", list_policies, fields_of(ClusterPoliciesAPI.list)),
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
