"""The process of an update: from the libraries it needs to the events it tells."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from databricks_local.errors import ApiError
from databricks_local.execution.environment import SANDBOX, plain_environment, session_environment
from databricks_local.execution.interpreter import Interpreter
from databricks_local.execution.libraries import LibraryError, wanted_of_environment
from databricks_local.execution.processes import run_supervised
from databricks_local.execution.spark_conf import LOG_SETTINGS, local_master, spark_defaults, spark_settings
from databricks_local.pipelines.plan import PlanError, plan_of, sources

if TYPE_CHECKING:
    from databricks_local.pipelines.updates import Course

_OLDEST = (4, 1)
_PROGRAM = Path(__file__).parent / "program" / "databricks_update.py"
_RUNTIME = "17.3"
_LOOK_S = 0.1


class UpdateFailedError(Exception):
    """An update did not come to a good end; the message is a sentence.

    Attributes:
        detail: The API's ``ErrorDetail``, where there is more to tell.
    """

    def __init__(self, message: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.detail = detail


async def run_process(course: "Course") -> None:
    """Run an update to its end.

    Args:
        course: The update; its states and events are told to it.

    Raises:
        UpdateFailedError: It failed.
        asyncio.CancelledError: It was stopped; nothing of it is left.
    """
    workspace, update = course.workspace, course.update
    course.enter("WAITING_FOR_RESOURCES")
    python = await _interpreter(course)
    folder = workspace.root / "pipelines" / update.pipeline_id / update.update_id
    for name in ("conf", "cwd", "home", "tmp"):
        (folder / name).mkdir(parents=True)
    warnings: list[str] = []
    try:
        files = sources(workspace.tree, update.spec.get("libraries") or (), warnings)
        plan = plan_of(workspace, update, folder, files)
        wanted = wanted_of_environment(
            (update.spec.get("environment") or {}).get("dependencies") or (),
            workspace.root,
            None,
            folder / "tmp",
        )
        libraries = await workspace.launcher.libraries.installed(wanted, python, folder / "tmp")
    except (PlanError, LibraryError) as error:
        raise UpdateFailedError(str(error)) from None
    except ApiError as error:
        raise UpdateFailedError(error.message) from None
    for warning in warnings:
        course.log.warning(workspace.clock.now_ms(), warning)
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    _write_settings(course, python, folder)
    follower = _Follower(course, Path(plan["events"]))
    following = asyncio.create_task(follower.follow())
    try:
        code = await run_supervised(
            [python.path, _PROGRAM, folder / "plan.json"],
            environment=_environment(course, python, folder, libraries),
            folder=folder / "cwd",
            stdout=folder / "stdout",
            stderr=folder / "stderr",
        )
    finally:
        following.cancel()
    follower.read()
    if code:
        raise follower.failure(code, folder / "stderr")


async def _interpreter(course: "Course") -> Interpreter:
    python = course.workspace.config.pipelines_python
    try:
        interpreter = await course.workspace.launcher.interpreter(python)
    except (OSError, ValueError) as error:
        raise UpdateFailedError(f"the interpreter for pipelines cannot be used: {error}.") from None
    line = interpreter.spark_line
    if line is None or tuple(map(int, line.split("."))) < _OLDEST:
        has = f"Spark {line}" if line else "no Spark"
        raise UpdateFailedError(
            f"pipelines need Spark 4.1 or newer, and {python} has {has}: name another interpreter with "
            "--pipelines-python."
        )
    return interpreter


def _write_settings(course: "Course", python: Interpreter, folder: Path) -> None:
    workspace = course.workspace
    configuration = course.update.spec.get("configuration") or {}
    own = {key: value for key, value in configuration.items() if key.startswith("spark.")}
    settings = spark_settings(workspace, python, own, folder / "tmp")
    settings["spark.master"] = local_master(os.cpu_count() or 1)
    (folder / "conf" / "spark-defaults.conf").write_text(spark_defaults(settings))
    (folder / "conf" / "log4j2.properties").write_text(LOG_SETTINGS)


def _environment(
    course: "Course", python: Interpreter, folder: Path, libraries: Path | None
) -> dict[str, str]:
    workspace, spec = course.workspace, course.update.spec
    imports = [str(SANDBOX)]
    if spec.get("root_path"):
        imports.append(spec["root_path"])
    if libraries is not None:
        imports.append(str(libraries))
    root = workspace.root
    return plain_environment(root, python, f"update-{course.update.update_id}") | {
        "PYTHONPATH": os.pathsep.join(imports),
        "DATABRICKS_RUNTIME_VERSION": _RUNTIME,
        **session_environment(workspace, python, folder),
    }


class _Follower:
    """Reads what the process tells while it runs."""

    def __init__(self, course: "Course", file: Path) -> None:
        self._course = course
        self._file = file
        self._read = 0
        self._error: dict[str, Any] | None = None

    async def follow(self) -> None:
        """Read again and again, until it is cancelled."""
        while True:
            self.read()
            await asyncio.sleep(_LOOK_S)

    def read(self) -> None:
        """Pass on what was told since the last time."""
        if not self._file.exists():
            return
        with self._file.open("rb") as told:
            told.seek(self._read)
            for line in told:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._pass_on(json.loads(line))

    def _pass_on(self, event: Mapping[str, Any]) -> None:
        course = self._course
        now = course.workspace.clock.now_ms()
        if course.update.state == "STOPPING":
            return
        if "state" in event:
            course.enter(event["state"])
        elif "warning" in event:
            course.log.warning(now, event["warning"])
        elif "error" in event:
            self._error = event["error"]
        elif "message" in event:
            if course.update.state == "SETTING_UP_TABLES" and " is RUNNING" in event["message"]:
                course.enter("RUNNING")
            course.log.flow(now, event["message"])

    def failure(self, code: int, stderr: Path) -> UpdateFailedError:
        """Return why the process ended with an exit code other than 0."""
        flows = self._course.log.flow_errors
        if self._error is not None:
            first = self._error["exceptions"][0]["message"]
            return UpdateFailedError("\n".join([*flows, first]) if flows else first, self._error)
        if flows:
            return UpdateFailedError("\n".join(flows))
        said = stderr.read_text(errors="replace").strip().splitlines() if stderr.exists() else []
        last = said[-1] if said else "it said nothing"
        return UpdateFailedError(f"the process of the update ended with exit code {code}: {last}")
