"""Drives a workspace with Airflow's own Databricks hook, operators and trigger, and prints what they said.

A program of Airflow's environment: ``drive_hook.py NAME``. The connection comes from
AIRFLOW_CONN_DATABRICKS_DEFAULT; NAME is a text that nothing else in the workspace bears.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from airflow.exceptions import AirflowException
from airflow.providers.databricks.hooks.databricks import DatabricksHook, RunState
from airflow.providers.databricks.operators.databricks import (
    DatabricksRunNowOperator,
    DatabricksSubmitRunOperator,
)
from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger

Json = dict[str, Any]


def compare(key: str, left: str, right: str = "{{job.parameters.right}}") -> Json:
    return {"task_key": key, "condition_task": {"op": "GREATER_THAN", "left": left, "right": right}}


def pause(pipeline_id: str) -> Json:
    """A task that waits until it is canceled: what cannot work is tried again a minute later."""
    again = {"max_retries": -1, "min_retry_interval_millis": 60_000}
    return {"task_key": "t", "pipeline_task": {"pipeline_id": pipeline_id}, **again}


def ended(hook: DatabricksHook, run_id: int) -> RunState:
    while not (state := hook.get_run_state(run_id)).is_terminal:
        time.sleep(0.05)
    return state


def jobs(hook: DatabricksHook, name: str) -> Json:
    job_id = hook.create_job({"name": name, "tasks": [compare("t", "1", "0")]})
    parameters = [{"name": "right", "default": "0"}]
    hook.reset_job(str(job_id), {"name": name, "tasks": [compare("t", "2")], "parameters": parameters})
    hook.update_job(str(job_id), {"tags": {"from": "airflow"}, "max_concurrent_runs": 5})
    others = [hook.create_job({"name": f"{name} {n}", "tasks": [compare("t", "1", "0")]}) for n in range(3)]
    permission = {"user_name": "other@databricks.local", "permission_level": "CAN_VIEW"}
    listed = hook.list_jobs(limit=2)
    return {
        "job_id": job_id,
        "others": others,
        "found": hook.find_job_id_by_name(name),
        "nothing": hook.find_job_id_by_name(f"{name} none"),
        "listed": [job["job_id"] for job in listed],
        "settings": next(job["settings"] for job in hook.list_jobs(job_name=name, expand_tasks=True)),
        "permission": refusal(
            lambda: hook.update_job_permission(job_id, {"access_control_list": [permission]})
        ),
    }


def runs(hook: DatabricksHook, job_id: int, name: str) -> Json:
    run_id = hook.run_now({"job_id": job_id, "job_parameters": {"right": "1"}})
    state = ended(hook, run_id)
    failed = hook.submit_run({"run_name": name, "tasks": [compare("t", "not a number", "0")]})
    ended(hook, failed)
    (task,) = hook.get_run_tasks(failed)
    repaired = hook.repair_run({"run_id": failed, "rerun_all_failed_tasks": True})
    ended(hook, failed)
    token = {"tasks": [compare("t", "2", "1")], "idempotency_token": name[:64]}
    same = [hook.submit_run(token), hook.submit_run(token)]
    ended(hook, same[0])
    shown = hook.get_run(run_id)
    answer = {
        "state": json.loads(state.to_json()),
        "states": [
            hook.get_run_state_str(run_id),
            hook.get_run_state_lifecycle(run_id),
            hook.get_run_state_result(run_id),
            hook.get_run_state_message(failed),
        ],
        "job_id": hook.get_job_id(run_id),
        "page": hook.get_run_page_url(run_id),
        "parameters": shown["job_parameters"],
        "failed": json.loads(hook.get_run_state(failed).to_json()),
        "error": hook.get_run_output(task["run_id"])["error"],
        "repair": [repaired, hook.get_latest_repair_id(failed), len(hook.get_run_tasks(failed))],
        "same": len(set(same)),
    }
    hook.delete_run(run_id)
    answer["deleted"] = refusal(lambda: hook.get_run(run_id))
    return answer


def cancellations(hook: DatabricksHook, name: str) -> Json:
    tasks = [pause(hook.find_pipeline_id_by_name(name) or "")]
    submitted = hook.submit_run({"run_name": name, "tasks": tasks})
    hook.cancel_run(submitted)
    job_id = hook.create_job({"name": f"{name} pause", "tasks": tasks, "max_concurrent_runs": 3})
    of_job = [hook.run_now({"job_id": job_id}) for _ in range(3)]
    hook.cancel_all_runs(job_id)
    return {"results": [ended(hook, run_id).result_state for run_id in (submitted, *of_job)]}


def pipelines(hook: DatabricksHook, name: str) -> Json:
    return {
        "found": hook.find_pipeline_id_by_name(name),
        "nothing": hook.find_pipeline_id_by_name(f"{name} none"),
        "listed": [each["pipeline_id"] for each in hook.list_pipelines(batch_size=1)],
        "by_notebook": [each["name"] for each in hook.list_pipelines(notebook_path=f"/Shared/{name}")],
    }


def others(hook: DatabricksHook) -> Json:
    return {
        "connection": list(hook.test_connection()),
        "repo": hook.get_repo_by_path("/Repos/nobody/nothing"),
        "cluster": refusal(lambda: hook.get_cluster_state("0")),
        "warehouse": refusal(lambda: hook.get_warehouse("0")),
    }


async def deferred(hook: DatabricksHook, name: str) -> Json:
    run_id = hook.submit_run(
        {"run_name": name, "tasks": [compare("bad", "x", "0"), compare("good", "1", "0")]}
    )
    async with hook:
        url = await hook.a_get_run_page_url(run_id)
        first = await hook.a_get_run_state(run_id)
        trigger = DatabricksExecutionTrigger(run_id, "databricks_default", 0.05, run_page_url=url)
        (event,) = [event async for event in trigger.run()]
        shown = await hook.a_get_run(run_id)
        bad = next(task for task in shown["tasks"] if task["task_key"] == "bad")
        output = await hook.a_get_run_output(bad["run_id"])
    return {
        "run_id": run_id,
        "first": first.life_cycle_state,
        "url": url,
        "event": event.payload,
        "error": output["error"],
    }


def operators(name: str) -> Json:
    settings = {"polling_period_seconds": 1, "do_xcom_push": False}
    DatabricksSubmitRunOperator(
        task_id="submits", json={"run_name": name, "tasks": [compare("t", "1", "0")]}, **settings
    ).execute({})
    DatabricksRunNowOperator(
        task_id="runs", job_name=name, json={"job_parameters": {"right": "0"}}, **settings
    ).execute({})
    failing = DatabricksSubmitRunOperator(
        task_id="fails", json={"run_name": name, "tasks": [compare("t", "x", "0")]}, **settings
    )
    return {"failed": refusal(lambda: failing.execute({}))}


def refusal(call: Callable[[], object]) -> str:
    """Return what a call was refused with; empty when it was not."""
    try:
        call()
    except AirflowException as error:
        return str(error)
    return ""


def main(name: str) -> None:
    hook = DatabricksHook(retry_limit=1)
    answer: Json = {"jobs": jobs(hook, name)}
    answer["runs"] = runs(hook, answer["jobs"]["job_id"], name)
    answer["cancellations"] = cancellations(hook, name)
    answer["pipelines"] = pipelines(hook, name)
    answer["others"] = others(hook)
    answer["operators"] = operators(name)
    answer["deferred"] = asyncio.run(deferred(hook, name))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    main(sys.argv[1])
