"""What a run leaves behind on disk: its results, and the lock that keeps a second run out.

``run_results.json`` is replaced as a whole, so that whoever reads it finds one state or the next.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from skyspark.errors import RunStateError
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.run.results import RunResults

RESULTS = "run_results.json"
_LOCK = "run.lock"
# Writing the results of thousands of tables after each of them may take this part of the time.
_SHARE = 0.05


def storage_folder(pipeline: Pipeline) -> Path:
    """Return the folder of a pipeline's checkpoints and results, as an absolute path.

    Args:
        pipeline: The pipeline.

    Raises:
        RunStateError: Its storage is an address and not a folder.
    """
    if pipeline.storage is None:
        return Path(".skyspark", safe_name(pipeline.name)).absolute()
    if "://" in pipeline.storage or pipeline.storage.startswith("dbfs:"):
        raise RunStateError(
            f"storage '{pipeline.storage}' is an address: name a folder of this machine, "
            "or on Databricks of a volume, such as /Volumes/main/sales/state."
        )
    return Path(pipeline.storage).absolute()


def safe_name(name: str) -> str:
    """Return a name as one that a folder may have.

    Args:
        name: Any text.
    """
    return re.sub(r"[^\w.-]|^\.", "_", name)


def write_results(folder: Path, results: RunResults) -> None:
    """Write ``run_results.json``, in one step.

    Args:
        folder: Its folder; made when absent.
        results: What is written.

    Raises:
        RunStateError: The folder cannot be written.
    """
    new = folder / f".{RESULTS}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.write_text(results.model_dump_json(indent=1) + "\n", encoding="utf-8")
        new.replace(folder / RESULTS)
    except OSError as error:
        raise RunStateError(f"the results cannot be written to {folder} ({error.strerror}).") from error


def read_results(folder: Path) -> RunResults | None:
    """Read ``run_results.json``; ``None`` where there is none.

    Args:
        folder: Its folder.

    Raises:
        RunStateError: The file cannot be read or is no results of a run.
    """
    file = folder / RESULTS
    try:
        return RunResults.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it does not hold the results of a run"
        raise RunStateError(f"{file} cannot be read ({reason}): remove it to begin anew.") from error


class Recorder:
    """Keeps ``run_results.json`` up to date without writing all the time.

    Args:
        folder: Its folder.
        results: What is written, as it stands at the time.
    """

    def __init__(self, folder: Path, results: RunResults) -> None:
        self._folder = folder
        self._results = results
        self._next = 0.0
        self._pending = False

    def changed(self) -> None:
        """Write now, or soon: after a multiple of the time that the last writing took."""
        self._pending = True
        self.settle()

    def settle(self, *, now: bool = False) -> float | None:
        """Write what is due, and say in how many seconds the rest is; ``None`` for nothing.

        Args:
            now: Write all there is.
        """
        begun = time.monotonic()
        if not self._pending:
            return None
        if begun < self._next and not now:
            return self._next - begun
        write_results(self._folder, self._results)
        self._pending = False
        ended = time.monotonic()
        self._next = ended + (ended - begun) / _SHARE
        return None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the system opens the lock when the process ends, however it does.

    Args:
        folder: The folder; made when absent.

    Raises:
        RunStateError: Another run is going on there, or the folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such lock.
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("a")
    except OSError as error:
        raise RunStateError(f"{folder} cannot be written ({error.strerror}).") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunStateError(
                f"another run is going on in {folder}: wait for it, or name another folder."
            ) from None
        except OSError:
            # Some network file systems know no locks.
            yield
            return
        yield
