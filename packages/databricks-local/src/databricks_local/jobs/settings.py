"""What a job's settings must be like, what the service fills in, and how an update changes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from databricks_local.engine.quartz import QuartzError, parse, zone_of
from databricks_local.errors import invalid, not_imitated
from databricks_local.jobs.tasks import check_cluster, check_tasks

KEYS = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "environments": "environment_key",
    "parameters": "name",
}
"""The lists of a job's settings whose entries have names, with the field that holds it."""

_NAME_BYTES = 4096
_DESCRIPTION_CHARACTERS = 27700
_TOKEN_CHARACTERS = 64
_MOST_CONCURRENT_RUNS = 1000
_MOST_TASKS = {"2.1": 100, "2.2": 1000}
_MOST_CLUSTERS = 100
_MOST_TAGS = 25
_PARAMETER_NAME = re.compile(r"[\w\-.]+", re.ASCII)
_GIT_PROVIDERS = (
    "github,gitlab,bitbucketcloud,gitlabenterpriseedition,bitbucketserver,azuredevopsservices,"
    "githubenterprise,awscodecommit"
)
_UNIMITATED_TRIGGERS = ("file_arrival", "model", "sql_condition", "table_update")


def job_settings(given: Mapping[str, Any], version: str, *, queued: bool) -> dict[str, Any]:
    """Return checked settings of a job with what the service fills in.

    Args:
        given: The settings as they came, their fields known and of the right types.
        version: The version of the API they came by.
        queued: Whether runs wait for each other when the settings do not say.

    Raises:
        ApiError: 400: something is not accepted; 501: something is not imitated.
    """
    settings = dict(given)
    settings.setdefault("name", "Untitled")
    settings.setdefault("max_concurrent_runs", 1)
    if queued:
        settings.setdefault("queue", {"enabled": True})
    settings["format"] = "MULTI_TASK"
    _fill_in(settings)
    _check_text(settings, "name", "Job name")
    if not 0 <= settings["max_concurrent_runs"] <= _MOST_CONCURRENT_RUNS:
        raise invalid(
            f"max_concurrent_runs is {settings['max_concurrent_runs']}, "
            f"but must be between 0 and {_MOST_CONCURRENT_RUNS}."
        )
    if len(settings.get("tags", ())) > _MOST_TAGS:
        raise invalid(f"A job can have at most {_MOST_TAGS} tags, not {len(settings['tags'])}.")
    _check_parameters(settings)
    _check_start(settings)
    _check_common(settings, version)
    return settings


def run_settings(given: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return checked settings of a one-time run with what the service fills in.

    Args:
        given: The fields of `runs/submit`.
        version: The version of the API they came by.

    Raises:
        ApiError: 400: something is not accepted; 501: something is not imitated.
    """
    settings = dict(given)
    settings.setdefault("run_name", "Untitled")
    _fill_in(settings)
    _check_text(settings, "run_name", "Run name")
    if not settings["tasks"]:
        raise invalid("One of job_cluster_key, new_cluster, or existing_cluster_id must be specified.")
    _check_common(settings, version)
    return settings


def check_token(token: str | None) -> None:
    """Refuse an idempotency token that is too long.

    Args:
        token: The token; None if there is none.

    Raises:
        ApiError: 400.
    """
    if token is not None and len(token) > _TOKEN_CHARACTERS:
        raise invalid(
            f"The idempotency token has {len(token)} characters, but can have at most {_TOKEN_CHARACTERS}."
        )


def updated(
    settings: Mapping[str, Any], new: Mapping[str, Any], fields_to_remove: Sequence[str]
) -> dict[str, Any]:
    """Return settings as `jobs/update` changes them, yet unchecked.

    Fields are replaced as a whole; lists whose entries have names are merged by these.

    Args:
        settings: The job's settings.
        new: The `new_settings` of the update.
        fields_to_remove: Names of fields, or of entries as in `tasks/key`; removed first.

    Raises:
        ApiError: 400: a field to remove has no such form, or a list has a key twice.
    """
    result = dict(settings)
    for path in fields_to_remove:
        name, _, key = path.partition("/")
        if not key:
            result.pop(name, None)
        elif name in KEYS:
            result[name] = [each for each in result.get(name, ()) if each[KEYS[name]] != key]
        else:
            raise invalid(f"fields_to_remove: '{path}' is nested, which only {', '.join(KEYS)} can be.")
    for name, value in new.items():
        key_field = KEYS.get(name)
        if key_field is None:
            result[name] = value
            continue
        entries = {each[key_field]: each for each in result.get(name, ())}
        entries |= dict(zip(_keys(new, name), value, strict=True))
        result[name] = list(entries.values())
    return result


def _fill_in(settings: dict[str, Any]) -> None:
    settings.setdefault("timeout_seconds", 0)
    settings.setdefault("email_notifications", {})
    settings.setdefault("webhook_notifications", {})
    settings["tasks"] = [_filled_in(task) for task in settings.get("tasks", ())]
    if "job_clusters" in settings:
        settings["job_clusters"] = [_kept_cluster(each) for each in settings["job_clusters"]]


def _kept_cluster(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task or a job cluster without what the service takes in a new cluster and never gives back."""
    if "new_cluster" not in given:
        return dict(given)
    cluster = {
        name: value for name, value in given["new_cluster"].items() if name != "apply_policy_default_values"
    }
    return {**given, "new_cluster": cluster}


def _filled_in(given: Mapping[str, Any]) -> dict[str, Any]:
    task = _kept_cluster(given)
    task.setdefault("run_if", "ALL_SUCCESS")
    task.setdefault("timeout_seconds", 0)
    task.setdefault("email_notifications", {})
    task.setdefault("webhook_notifications", {})
    if "depends_on" in task:
        # The service gives dependencies back in another order than it got them: clients must not rely on it.
        task["depends_on"] = sorted(task["depends_on"], key=lambda each: each.get("task_key", ""))
    if "notebook_task" in task:
        task["notebook_task"] = {"source": "WORKSPACE", **task["notebook_task"]}
    if "for_each_task" in task and "task" in task["for_each_task"]:
        loop = task["for_each_task"]
        task["for_each_task"] = {**loop, "task": _filled_in(loop["task"])}
    return task


def _check_text(settings: Mapping[str, Any], field: str, what: str) -> None:
    if len(settings[field].encode()) > _NAME_BYTES:
        raise invalid(f"{what} can have at most {_NAME_BYTES} bytes in UTF-8.")


def _check_common(settings: Mapping[str, Any], version: str) -> None:
    if len(settings.get("description", "")) > _DESCRIPTION_CHARACTERS:
        raise invalid(f"The description can have at most {_DESCRIPTION_CHARACTERS} characters.")
    if settings["timeout_seconds"] < 0:
        raise invalid(f"timeout_seconds is {settings['timeout_seconds']}, but the least is 0.")
    if len(settings.get("run_as", {"": ""})) != 1:
        raise invalid("run_as must name exactly one of user_name, service_principal_name and group_name.")
    if "git_source" in settings:
        if not settings["git_source"].get("git_provider"):
            raise invalid(f"git_source.git_provider must be one of: {_GIT_PROVIDERS}")
        raise not_imitated("git_source: use files of the workspace")
    if len(settings["tasks"]) > _MOST_TASKS[version]:
        raise invalid(
            f"The job has {len(settings['tasks'])} tasks, but can have at most {_MOST_TASKS[version]} "
            f"by version {version} of the API."
        )
    cluster_keys = _keys(settings, "job_clusters")
    if len(cluster_keys) > _MOST_CLUSTERS:
        raise invalid(
            f"A job can have at most {_MOST_CLUSTERS} entries in job_clusters, not {len(cluster_keys)}."
        )
    for each in settings.get("job_clusters", ()):
        if "new_cluster" not in each:
            raise invalid("Missing required field: settings.job_clusters.new_cluster")
        check_cluster(each["new_cluster"])
    check_tasks(
        settings["tasks"], cluster_keys=cluster_keys, environment_keys=_keys(settings, "environments")
    )


def _keys(settings: Mapping[str, Any], field: str) -> list[str]:
    keys = [each.get(KEYS[field]) for each in settings.get(field, ())]
    for key, count in Counter(keys).items():
        if not key:
            raise invalid(f"Missing required field: settings.{field}.{KEYS[field]}")
        if count > 1:
            raise invalid(f"{KEYS[field]} '{key}' is used more than once in {field}.")
    return keys


def _check_parameters(settings: Mapping[str, Any]) -> None:
    for name in _keys(settings, "parameters"):
        if not _PARAMETER_NAME.fullmatch(name):
            raise invalid(
                f"The job parameter name '{name}' is not accepted: "
                "letters, digits, '_', '-' and '.' are, nothing else."
            )
    for each in settings.get("parameters", ()):
        if "default" not in each:
            raise invalid(
                f"Missing required field: settings.parameters.default (parameter '{each['name']}')."
            )


def _check_start(settings: Mapping[str, Any]) -> None:
    named = [name for name in ("schedule", "trigger", "continuous", "triggers") if settings.get(name)]
    if len(named) > 1:
        raise invalid(f"Only one of {' and '.join(named)} can be set.")
    if "schedule" in settings:
        _check_schedule(settings["schedule"])
    if settings.get("triggers"):
        raise not_imitated("triggers: use schedule")
    trigger = settings.get("trigger", {})
    unknown = [name for name in _UNIMITATED_TRIGGERS if name in trigger]
    # A paused trigger does nothing here either.
    if unknown and trigger.get("pause_status") != "PAUSED":
        raise not_imitated(f"the trigger {unknown[0]}: set its pause_status to PAUSED")
    if "periodic" in trigger:
        _check_periodic(trigger["periodic"])


def _check_periodic(periodic: Mapping[str, Any]) -> None:
    for name in ("interval", "unit"):
        if name not in periodic:
            raise invalid(f"Missing required field: settings.trigger.periodic.{name}")
    if periodic["interval"] < 1:
        raise invalid(f"interval of the periodic trigger is {periodic['interval']}, but the least is 1.")


def _check_schedule(schedule: Mapping[str, Any]) -> None:
    for name in ("quartz_cron_expression", "timezone_id"):
        if not schedule.get(name):
            raise invalid(f"Missing required field: settings.schedule.{name}")
    if "sql_condition" in schedule and schedule.get("pause_status") != "PAUSED":
        raise not_imitated("sql_condition of a schedule: set its pause_status to PAUSED")
    expression = schedule["quartz_cron_expression"]
    try:
        parse(expression)
    except QuartzError as error:
        raise invalid(
            f"Invalid quartz_cron_expression: {expression}. Databricks uses Quartz cron syntax, which is "
            "different from the standard cron syntax. See http://www.quartz-scheduler.org/documentation/"
            f"quartz-2.1.x/tutorials/crontrigger.html for more details. ({error})"
        ) from None
    try:
        zone_of(schedule["timezone_id"])
    except QuartzError as error:
        raise invalid(f"Invalid timezone_id: {error}.") from None
