"""Runs tasks: the one door of the engine to user code."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uv import find_uv_bin

from databricks_local.execution.environment import (
    plain_environment,
    secrets,
    task_environment,
    with_secrets,
)
from databricks_local.execution.images import Image, ImageError, image_of
from databricks_local.execution.interpreter import Interpreter, ask_interpreter
from databricks_local.execution.libraries import (
    Libraries,
    LibraryError,
    wanted_of_environment,
    wanted_of_libraries,
)
from databricks_local.execution.metastore import Metastore
from databricks_local.execution.places import roots
from databricks_local.execution.plan import Plan, PlanError, plan_of
from databricks_local.execution.processes import end_marked, mark, run_supervised
from databricks_local.execution.spark_conf import (
    LOG_SETTINGS,
    local_master,
    spark_defaults,
    spark_settings,
)
from databricks_local.execution.work import Outcome, Work

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

__all__ = ["Launcher", "Outcome", "Work"]

# The folder of a program's file would come first on the path of imports; the sandbox's must.
_PROGRAM = "import sys; del sys.path[0]; from dbruntime.__main__ import main; sys.exit(main(sys.argv[1]))"
_FAILED = "Workload failed, see run output for details"
_SCRATCH = ("conf", "home", "tmp")


class Launcher:
    """Runs attempts of tasks, at most ``config.max_parallel_tasks`` at a time.

    Attributes:
        metastore: What sessions find the workspace's tables in.
        libraries: What was installed so far.
    """

    def __init__(self, workspace: "Workspace") -> None:
        """Prepare.

        Args:
            workspace: Whose tasks it runs.
        """
        self._workspace = workspace
        self._config = workspace.config
        self._root = workspace.root
        self._slots = asyncio.Semaphore(workspace.config.max_parallel_tasks)
        self._asked: dict[Path, asyncio.Task[Interpreter]] = {}
        self.metastore = Metastore(
            self._root,
            lambda: self.interpreter(self._config.python),
            lambda python: plain_environment(self._root, python, "metastore"),
        )
        self.libraries = Libraries(self._root, offline=self._config.offline)

    async def start(self) -> None:
        """Kill what a killed server left, and make tables reachable."""
        await asyncio.to_thread(self.reap)
        for folder in (*roots(self._root).values(), self._root / "warehouse"):
            folder.mkdir(exist_ok=True)
        await self.metastore.start()

    async def stop(self) -> None:
        """End the metastore and everything else that is left."""
        await self.metastore.stop()
        for asked in self._asked.values():
            asked.cancel()
        await asyncio.to_thread(self.reap)

    def reap(self) -> None:
        """Kill all processes of this workspace's tasks."""
        end_marked(mark(self._root))

    async def interpreter(self, python: Path) -> Interpreter:
        """Return what an interpreter has; asked once.

        Args:
            python: The interpreter.

        Raises:
            OSError: It cannot be run.
            ValueError: It is no Python, or is broken.
        """
        if python not in self._asked or _has_failed(self._asked[python]):
            self._asked[python] = asyncio.create_task(ask_interpreter(python))
        return await asyncio.shield(self._asked[python])

    async def run(self, work: Work, on_started: Callable[[], None]) -> Outcome:
        """Run one attempt to its end.

        Args:
            work: What to run.
            on_started: Called when a slot is free, libraries are there and user code is about to run.

        Raises:
            asyncio.CancelledError: It was cancelled; by then no process of it is left.
        """
        async with self._slots:
            began = time.monotonic()
            try:
                await asyncio.to_thread(_make_folders, work.folder)
                image = image_of(work.cluster, self._config.images)
                plan = plan_of(work, self._root, image)
                python = await self._cluster_python()
                libraries = await self.libraries.installed(
                    self._wanted(work, image), python, work.folder / "tmp"
                )
                environment = self._prepare(work, plan, python, image, libraries)
            except (LibraryError, ImageError, PlanError) as error:
                return _not_begun(error, _milliseconds(began))
            finally:
                if not (work.folder / "spec.json").exists():
                    _clear(work.folder)
            setup_ms = _milliseconds(began)
            began = time.monotonic()
            on_started()
            try:
                code = await run_supervised(
                    [python.path, "-c", _PROGRAM, work.folder / "spec.json"],
                    environment=environment,
                    folder=plan.folder or work.folder / "cwd",
                    stdout=work.folder / "stdout",
                    stderr=work.folder / "stderr",
                    given=self._given(),
                )
                execution_ms = _milliseconds(began)
            finally:
                await asyncio.shield(asyncio.to_thread(_clear, work.folder))
        return _outcome(work, code, setup_ms, execution_ms)

    async def _cluster_python(self) -> Interpreter:
        try:
            return await self.interpreter(self._config.python)
        except (OSError, ValueError) as error:
            raise PlanError(
                "DRIVER_ERROR", f"The interpreter {self._config.python} cannot be used: {error}."
            ) from None

    def _wanted(self, work: Work, image: Image | None) -> list[str]:
        scratch = work.folder / "tmp"
        wanted = wanted_of_libraries(work.task.get("libraries") or (), self._root, image, scratch)
        dependencies = (work.environment or {}).get("dependencies") or ()
        wanted += wanted_of_environment(dependencies, self._root, image, scratch)
        return wanted + [str(wheel) for wheel in (image.wheels_beside(wanted) if image else ())]

    def _prepare(
        self, work: Work, plan: Plan, python: Interpreter, image: Image | None, libraries: Path | None
    ) -> dict[str, str]:
        """Write what the process reads, and return its environment."""
        folder = work.folder
        settings = {"spark.master": local_master(os.cpu_count() or 1)} | spark_settings(
            self._workspace,
            python,
            with_secrets(work.cluster.get("spark_conf") or {}, secrets(self._workspace)),
            folder / "tmp",
        )
        (folder / "conf" / "spark-defaults.conf").write_text(spark_defaults(settings))
        (folder / "conf" / "log4j2.properties").write_text(LOG_SETTINGS)
        cluster_id = _cluster_id(work)
        spec: dict[str, Any] = {
            "arguments": dict(work.job_parameters),
            **plan.spec,
            "folder": str(folder),
            "task_run_id": work.task_run_id,
            "run_id": work.run_id,
            "job_id": work.job_id,
            "job_name": work.job_name,
            "task_key": work.task_key,
            "task_values": work.task_values,
            "user": work.user,
            "cluster_id": cluster_id,
            "uv": find_uv_bin(),
            "offline": self._config.offline,
        }
        (folder / "spec.json").write_text(json.dumps(spec))
        return task_environment(
            work,
            self._workspace,
            python,
            cluster_id=cluster_id,
            import_folders=[
                *plan.import_folders,
                *([libraries] if libraries else []),
                *(image.import_folders if image else ()),
            ],
        )

    def _given(self) -> bytes:
        """Return what no file and no variable may hold."""
        given = {
            "secrets": secrets(self._workspace),
            "host": self._workspace.host,
            "token": self._config.token,
        }
        return json.dumps(given).encode()


def _has_failed(asked: asyncio.Task[Interpreter]) -> bool:
    return asked.done() and (asked.cancelled() or asked.exception() is not None)


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _make_folders(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("cwd", *_SCRATCH):
        (folder / name).mkdir(parents=True)
    # Who asks for the logs before there are any gets none, not an error.
    for name in ("stdout", "stderr"):
        (folder / name).touch()


def _clear(folder: Path) -> None:
    for name in _SCRATCH:
        shutil.rmtree(folder / name, ignore_errors=True)


def _cluster_id(work: Work) -> str:
    key = work.task.get("job_cluster_key") or work.task_run_id
    digest = hashlib.blake2b(f"{key}/{work.run_id}".encode(), digest_size=5)
    return str(work.task.get("existing_cluster_id") or f"local-{digest.hexdigest()}")


def _not_begun(error: Exception, setup_ms: int) -> Outcome:
    code = "LIBRARY_INSTALLATION_ERROR" if isinstance(error, LibraryError) else "INVALID_RUN_CONFIGURATION"
    code = getattr(error, "code", code)
    return Outcome(ok=False, code=code, message=str(error), error=str(error), setup_ms=setup_ms)


def _outcome(work: Work, code: int, setup_ms: int, execution_ms: int) -> Outcome:
    values = _read(work.folder / "values.json") or {}
    told = _read(work.folder / "result.json")
    if told is None or (told["ok"] and code):
        # It ended without a word of its own: by a signal, os._exit, or in an exit handler.
        told = {"ok": False, "error": _exit_error(code)}
    return Outcome(
        ok=told["ok"],
        code="SUCCESS" if told["ok"] else told.get("code", "RUN_EXECUTION_ERROR"),
        message="" if told["ok"] else told.get("message", _FAILED),
        error=told.get("error"),
        error_trace=told.get("error_trace"),
        result=told.get("result"),
        values=values,
        setup_ms=setup_ms,
        execution_ms=execution_ms,
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_text()) if file.exists() else None


def _exit_error(code: int) -> str:
    try:
        name = f" ({signal.Signals(code - 128).name})"
    except ValueError:
        name = ""
    return f"The Python process exited with an unknown exit code, {code}{name}, and without an exception."
