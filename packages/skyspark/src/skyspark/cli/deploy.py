"""``skyspark deploy``."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from skyspark.cli.confirm import confirmed
from skyspark.cli.pipelines import pipeline_of, selection_of
from skyspark.errors import PipelineError
from skyspark.pipeline.deploy.deployment import Deployment
from skyspark.pipeline.deploy.following import UpdateResult, follow_update, start_update
from skyspark.pipeline.deploy.release import make_release
from skyspark.pipeline.deploy.resources import PipelineOptions
from skyspark.pipeline.deploy.schedule import parse_schedule
from skyspark.pipeline.deploy.workspace import connect
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import make_plan

_SIGNS = {"create": "+", "update": "~", "upload": "^", "delete": "-", "keep": "="}


def run(args: argparse.Namespace) -> int:
    """Show what would change, ask, do it, and follow an update that was asked for.

    Returns:
        The exit code: 1 when the update did not end well.

    Raises:
        SkySparkError: The file, the selection, the schedule or the workspace is not in order.
    """
    pipeline = _placed(pipeline_of(args), args)
    release = make_release(make_plan(pipeline, selection_of(args)), strict=args.strict)
    schedule = parse_schedule(args.schedule, args.timezone) if args.schedule else None
    for note in release.notes:
        sys.stderr.write(f"note: {note}\n")
    workspace = connect(args.profile)
    options = PipelineOptions(args.env, serverless=args.serverless, continuous=args.continuous)
    deployment = Deployment(workspace, pipeline, release, options, schedule)
    deployment.plan()
    show_changes(deployment)
    if args.dry_run:
        return _report(args, deployment, None)
    if deployment.pending and not confirmed(args, f"deploy to {workspace.host}?"):
        return 1
    deployment.apply(say)
    if not args.start:
        return _report(args, deployment, None)
    pipeline_id = str(deployment.state.pipeline_id)
    update_id = start_update(workspace, pipeline_id, full_refresh=args.full_refresh)
    try:
        result = follow_update(workspace, pipeline_id, update_id, continuous=args.continuous, say=say)
    except KeyboardInterrupt:
        say(f"update {update_id} goes on in {workspace.host}: it was not stopped")
        raise
    return _report(args, deployment, result)


def show_changes(deployment: Deployment) -> None:
    """Print what a deployment will do, for people."""
    say(f"in {deployment.workspace.host}, {deployment.folder}:")
    for change in deployment.changes:
        kept = " (unchanged)" if change.action == "keep" else ""
        say(f"  {_SIGNS[change.action]} {change.action} {change.what}{kept}")
        for detail in change.details:
            say(f"      {detail}")


def say(line: str) -> None:
    """Print a line for people, at once, and not among the results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def update_code(result: UpdateResult | None) -> int:
    """Print why an update failed, and return the exit code."""
    if result is None or result.state in ("COMPLETED", "RUNNING"):
        return 0
    say(f"error: the update {result.state.lower()}" + (f": {result.message}" if result.message else "."))
    return 1


def _placed(pipeline: Pipeline, args: argparse.Namespace) -> Pipeline:
    catalog, schema = args.catalog or pipeline.catalog, args.schema or pipeline.schema_name
    if catalog is None and args.serverless:
        raise PipelineError(["serverless pipelines need a catalog: give --catalog, or set it in the file."])
    return pipeline.model_copy(update={"catalog": catalog, "schema_name": schema})


def _report(args: argparse.Namespace, deployment: Deployment, result: UpdateResult | None) -> int:
    if args.json:
        done: dict[str, Any] = {
            "host": deployment.workspace.host,
            "folder": deployment.folder,
            "pipeline_id": deployment.state.pipeline_id,
            "job_id": deployment.state.job_id,
            "dry_run": args.dry_run,
            "changes": [asdict(change) for change in deployment.changes],
            "update": asdict(result) if result is not None else None,
        }
        sys.stdout.write(json.dumps(done, indent=1) + "\n")
    return update_code(result)
