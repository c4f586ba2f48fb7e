"""What the pod of a task needs, where tasks run in pods."""

from typing import Any

from airflow.sdk import get_parsing_context


def executor_config(*, memory: str, disk: str) -> dict[str, Any]:
    """Return a task's `executor_config` for the KubernetesExecutor; other executors ignore it.

    Without the package `kubernetes` it is empty. So it is in the task's own process, which has no
    use for it: the package takes 66 MB of memory and a second to import.

    Args:
        memory: that the container gets and may not exceed, as Kubernetes writes it: `512Mi`.
        disk: likewise, of the node's own disk, which is gone with the pod: `8Gi`.
    """
    if get_parsing_context().dag_id is not None:
        return {}
    try:
        from kubernetes.client import models
    except ImportError:
        return {}
    amounts = {"memory": memory, "ephemeral-storage": disk}
    resources = models.V1ResourceRequirements(requests=amounts, limits=amounts)
    # The chart's template calls the container of a task `base`; the rest of it stays as it is.
    container = models.V1Container(name="base", resources=resources)
    return {"pod_override": models.V1Pod(spec=models.V1PodSpec(containers=[container]))}
