"""A brickflow project with one workflow: two tasks in Python, one after the other, and a native one."""

import sys

from brickflow import Cluster, NotebookTask, Project, Workflow

CALLED = []
wf = Workflow(
    "orders",
    default_cluster=Cluster.from_existing_cluster("existing"),
    schedule_quartz_expression="0 0 2 * * ?",
)


@wf.task
def bronze():
    """Stands for a program of its own."""
    CALLED.append("bronze")
    return 1


@wf.task(depends_on=bronze)
def silver():
    """Stands for a program of its own."""
    CALLED.append("silver")
    return 2


@wf.notebook_task(depends_on=silver)
def gold():
    """Is a notebook of the workspace."""
    return NotebookTask(notebook_path="/Shared/gold", source="WORKSPACE")


if "call" in sys.argv:
    bronze()
    silver()
    print("called", *CALLED)
else:
    with Project("orders", git_repo="https://example.com/orders", provider="github") as project:
        project.add_workflow(wf)
