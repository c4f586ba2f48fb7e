"""The Lakeflow pipeline and the job as a workspace describes them, and how two descriptions differ.

Sources: the REST API's ``POST /api/2.0/pipelines`` and ``POST /api/2.2/jobs/create``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from skyspark.pipeline.deploy.release import Release
from skyspark.pipeline.deploy.schedule import Schedule
from skyspark.pipeline.model import Pipeline


@dataclass(frozen=True)
class PipelineOptions:
    """How a pipeline is set up.

    Attributes:
        env: The environment; all but ``prod`` are for development.
        serverless: Whether it runs on serverless compute.
        continuous: Whether it runs without end.
    """

    env: str
    serverless: bool = False
    continuous: bool = False


def resource_name(pipeline: Pipeline, env: str) -> str:
    """Return the name that a pipeline and its job have in a workspace.

    Args:
        pipeline: The pipeline.
        env: The environment; ``prod`` is not named.
    """
    return pipeline.name if env == "prod" else f"{pipeline.name} ({env})"


def pipeline_spec(
    pipeline: Pipeline, release: Release, folder: str, options: PipelineOptions
) -> dict[str, Any]:
    """Return the description of a Lakeflow pipeline.

    Args:
        pipeline: The pipeline.
        release: What was uploaded for it.
        folder: Where to.
        options: How it is set up.
    """
    spec: dict[str, Any] = {
        "name": resource_name(pipeline, options.env),
        "schema": pipeline.schema_name,
        "root_path": folder,
        "libraries": [{"glob": {"include": f"{folder}/pipeline/**"}}],
        "configuration": {**pipeline.spark, "skyspark.env": options.env},
        "continuous": options.continuous,
        "development": options.env != "prod",
        "channel": "CURRENT",
        "tags": {"deployed_by": "skyspark"},
        "serverless": options.serverless,
    }
    if pipeline.catalog:
        spec["catalog"] = pipeline.catalog
    if release.requirements:
        spec["environment"] = {"dependencies": list(release.requirements)}
    if not options.serverless:
        spec["clusters"] = [
            {"label": "default", "autoscale": {"min_workers": 1, "max_workers": 4, "mode": "ENHANCED"}}
        ]
    return spec


def job_settings(
    pipeline: Pipeline, pipeline_id: str, schedule: Schedule | None, env: str, *, full_refresh: bool = False
) -> dict[str, Any]:
    """Return the description of the job that runs a pipeline.

    Args:
        pipeline: The pipeline.
        pipeline_id: Its id in the workspace.
        schedule: When it runs; ``None`` for when it is told to.
        env: The environment.
        full_refresh: Whether its tables are made anew each time.
    """
    settings: dict[str, Any] = {
        "name": resource_name(pipeline, env),
        "max_concurrent_runs": 1,
        "queue": {"enabled": True},
        "tasks": [
            {
                "task_key": "pipeline",
                "pipeline_task": {"pipeline_id": pipeline_id, "full_refresh": full_refresh},
            }
        ],
        "tags": {"deployed_by": "skyspark"},
    }
    if schedule is not None:
        settings["schedule"] = {
            "quartz_cron_expression": schedule.quartz,
            "timezone_id": schedule.timezone,
            "pause_status": "UNPAUSED",
        }
    return settings


def differences(wanted: Any, found: Any, at: str = "") -> Iterator[str]:
    """Yield what has to change, as ``place: found → wanted``; what only the workspace says is left alone.

    Args:
        wanted: A description, or a part of one.
        found: The same as the workspace has it.
        at: Where the part stands.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            yield from differences(value, found.get(key), f"{at}.{key}" if at else key)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for i, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(one, other, f"{at}[{i}]")
    elif wanted != found and not (wanted is False and found is None):
        yield f"{at}: {_shown(found)} → {_shown(wanted)}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
