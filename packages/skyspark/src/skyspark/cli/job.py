"""``skyspark job``."""

import argparse
import json
import sys
from dataclasses import asdict, replace

from skyspark.cli.confirm import confirmed
from skyspark.cli.deploy import say
from skyspark.cli.pipelines import pipeline_of
from skyspark.errors import DeployError
from skyspark.pipeline.deploy.deployment import find, folder_of
from skyspark.pipeline.deploy.jobs import delete_job, follow_job, save_job, start_job
from skyspark.pipeline.deploy.resources import differences, job_settings
from skyspark.pipeline.deploy.schedule import parse_schedule
from skyspark.pipeline.deploy.workspace import State, Workspace, connect, explained
from skyspark.pipeline.model import Pipeline


def run(args: argparse.Namespace) -> int:
    """Create, run or delete the job of a deployed pipeline.

    Returns:
        The exit code: 1 when the job's run did not end well.

    Raises:
        SkySparkError: The file, the schedule or the workspace is not in order.
    """
    pipeline = pipeline_of(args)
    workspace = connect(args.profile)
    with explained(f"pipeline '{pipeline.name}' in {workspace.host}"):
        state = find(workspace, pipeline, args.env)
    if args.action == "create":
        return _create(args, pipeline, workspace, state)
    if state.job_id is None:
        raise DeployError(
            f"'{pipeline.name}' has no job in {workspace.host}: create it with 'skyspark job create'."
        )
    if args.action == "delete":
        return _delete(args, pipeline, workspace, state)
    return _run(args, workspace, state.job_id)


def _create(args: argparse.Namespace, pipeline: Pipeline, workspace: Workspace, state: State) -> int:
    if state.pipeline_id is None:
        raise DeployError(
            f"'{pipeline.name}' is not in {workspace.host}: deploy it first, with 'skyspark deploy'."
        )
    schedule = parse_schedule(args.schedule, args.timezone) if args.schedule else None
    wanted = job_settings(pipeline, state.pipeline_id, schedule, args.env, full_refresh=args.full_refresh)
    with explained(f"the job '{wanted['name']}' in {workspace.host}"):
        found = workspace.call("GET", "/api/2.2/jobs/get", job_id=state.job_id) if state.job_id else {}
        changes = list(differences(wanted, found.get("settings", {})))
        say(f"{'update' if state.job_id else 'create'} job '{wanted['name']}' in {workspace.host}:")
        for change in changes or ["nothing changes"]:
            say(f"  {change}")
        if args.dry_run or not changes:
            return _print(args, job_id=state.job_id, changes=changes)
        if not confirmed(args, "go on?"):
            return 1
        state = replace(state, job_id=save_job(workspace, state.job_id, wanted))
        workspace.write_state(folder_of(workspace, pipeline, args.env), state)
    return _print(args, job_id=state.job_id, changes=changes)


def _run(args: argparse.Namespace, workspace: Workspace, job_id: int) -> int:
    if args.dry_run:
        say(f"run job {job_id} in {workspace.host}")
        return 0
    run_id = start_job(workspace, job_id, full_refresh=args.full_refresh)
    try:
        result = follow_job(workspace, run_id, say=say)
    except KeyboardInterrupt:
        say(f"run {run_id} goes on in {workspace.host}: it was not stopped")
        raise
    if result.state != "SUCCESS":
        say(
            f"error: run {run_id} ended as {result.state.lower()}"
            + (f": {result.message}" if result.message else ".")
        )
    _print(args, job_id=job_id, run=asdict(result))
    return 0 if result.state == "SUCCESS" else 1


def _delete(args: argparse.Namespace, pipeline: Pipeline, workspace: Workspace, state: State) -> int:
    say(f"delete job {state.job_id} in {workspace.host}; the pipeline and its tables stay")
    if args.dry_run:
        return 0
    if not confirmed(args, "delete it?"):
        return 1
    delete_job(workspace, state.job_id or 0)
    with explained(f"what is remembered of '{pipeline.name}' in {workspace.host}"):
        workspace.write_state(folder_of(workspace, pipeline, args.env), replace(state, job_id=None))
    return _print(args, job_id=None)


def _print(args: argparse.Namespace, **done: object) -> int:
    if args.json:
        sys.stdout.write(json.dumps(done, indent=1) + "\n")
    return 0
