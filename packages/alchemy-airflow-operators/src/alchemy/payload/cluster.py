"""The cluster that a run starts for itself.

The fields are those of https://docs.databricks.com/api/workspace/clusters/create.
"""

import re
from collections.abc import Mapping
from typing import Any

from alchemy.errors import PayloadError
from alchemy.payload.text import text_map, whole_number

# A current node type with a local disk, which shuffles want; small enough for a first run.
DEFAULT_NODE_TYPE = "m5d.xlarge"

_RUNTIME = re.compile(r"\d+(?:\.(?:\d+|x))+(?:-[a-z0-9]+)*-scala2\.\d+")


def new_cluster(
    *,
    databricks_runtime: str,
    spark_conf: Mapping[str, str],
    docker_image: str | None = None,
    max_workers: int = 8,
    node_type_id: str | None = None,
    instance_pool_id: str | None = None,
    driver_instance_pool_id: str | None = None,
    policy_id: str | None = None,
    instance_profile_arn: str | None = None,
    tags: Mapping[str, object | None] | None = None,
    spark_env_vars: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return the field ``new_cluster`` of a task.

    Args:
        databricks_runtime: ``spark_version``, such as ``17.3.x-scala2.13``.
        spark_conf: ``spark_conf``.
        docker_image: ``docker_image.url``, with its registry.
        max_workers: ``autoscale.max_workers``, from 1 on; the cluster grows from one worker to so many.
        node_type_id: ``node_type_id``; when there is neither a pool nor a policy, ``m5d.xlarge`` by default.
        instance_pool_id: ``instance_pool_id``: where the nodes are taken from.
        driver_instance_pool_id: ``driver_instance_pool_id``; by default the API takes that of the workers.
        policy_id: ``policy_id``; what the policy has defaults for is then left to it.
        instance_profile_arn: ``aws_attributes.instance_profile_arn``: with it the image is pulled.
        tags: ``custom_tags``; those that are None are left out.
        spark_env_vars: ``spark_env_vars``; values are texts, numbers or bools.

    Raises:
        PayloadError: An argument is out of range, or two of them exclude each other.
    """
    if not _RUNTIME.fullmatch(str(databricks_runtime)):
        raise PayloadError(
            f"databricks_runtime {databricks_runtime!r} is no runtime's key: write it as 17.3.x-scala2.13."
        )
    if docker_image and "-ml-" in databricks_runtime:
        raise PayloadError(
            f"databricks_runtime {databricks_runtime!r} starts no image of your own: leave '-ml' out of it."
        )
    if node_type_id and instance_pool_id:
        raise PayloadError("node_type_id and instance_pool_name exclude each other: a pool has a node type.")
    if driver_instance_pool_id and not instance_pool_id:
        raise PayloadError("driver_instance_pool_name needs instance_pool_name: name the workers' pool too.")
    cluster: dict[str, Any] = {
        "spark_version": databricks_runtime,
        **_size(max_workers),
        # An image of one's own runs on clusters with one user only.
        "data_security_mode": "SINGLE_USER",
        "spark_conf": dict(spark_conf),
    }
    if policy_id:
        cluster |= {"policy_id": policy_id, "apply_policy_default_values": True}
    if instance_pool_id:
        cluster["instance_pool_id"] = instance_pool_id
        if driver_instance_pool_id:
            cluster["driver_instance_pool_id"] = driver_instance_pool_id
    elif node_type_id or not policy_id:
        cluster["node_type_id"] = node_type_id or DEFAULT_NODE_TYPE
    if docker_image:
        cluster["docker_image"] = {"url": docker_image}
    if instance_profile_arn:
        cluster["aws_attributes"] = {"instance_profile_arn": instance_profile_arn}
    given = {name: value for name, value in (tags or {}).items() if value is not None}
    if given:
        cluster["custom_tags"] = text_map(given, "tags")
    if spark_env_vars:
        cluster["spark_env_vars"] = text_map(spark_env_vars, "spark_env_vars")
    return cluster


def _size(max_workers: object) -> dict[str, Any]:
    most = whole_number(max_workers, "max_workers")
    return {"num_workers": 1} if most == 1 else {"autoscale": {"min_workers": 1, "max_workers": most}}
