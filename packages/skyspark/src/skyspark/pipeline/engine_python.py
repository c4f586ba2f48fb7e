"""A Python with Spark's declarative engine: this one, one that the user names, or one made in the cache."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

from skyspark.cache import cache_dir
from skyspark.errors import EnvironmentNotReadyError, SparkNotFoundError
from skyspark.versions import SPARK_LINES, SparkLine, installed_spark
from skyspark.wheels.index import (
    find_uv,
    pip_environment,
    uv_arguments,
    uv_environment,
    without_secrets,
)

# What the environment in the cache gets, of the lines that have the engine.
ENGINE_LINE = SPARK_LINES["4.2"]
_LINES = frozenset({"4.1", "4.2"})
_VARIABLE = "SKYSPARK_PIPELINES_PYTHON"
_EXTRA = re.compile(r"""(?P<requirement>[^;]+);\s*extra\s*==\s*['"](?P<extra>[^'"]+)['"]\s*$""")
_TIMEOUT = 1800


def has_engine() -> bool:
    """Say whether this Python has PySpark with declarative pipelines and what a client of Connect needs."""
    try:
        line = installed_spark()
    except SparkNotFoundError:
        return False
    return line.name in _LINES and find_spec("grpc") is not None


def engine_python(say: Callable[[str], None]) -> Path:
    """Return a Python that can run declarative pipelines.

    It is the one that ``SKYSPARK_PIPELINES_PYTHON`` names, else this one if it has the engine, else that of
    an environment in the cache, which is made when it is not there.

    Args:
        say: Told what takes long.

    Raises:
        EnvironmentNotReadyError: The variable names no Python, or the environment cannot be made.
    """
    own = os.environ.get(_VARIABLE)
    if own:
        if not os.access(own, os.X_OK) or Path(own).is_dir():
            raise EnvironmentNotReadyError(
                f"{_VARIABLE} names {own}, which is no program: name the python of an environment with "
                f"'skyspark[{ENGINE_LINE.extra},connect]', or unset it."
            )
        return Path(own).absolute()
    if has_engine():
        return Path(sys.executable)
    requirements = _requirements(ENGINE_LINE)
    folder = _folder(requirements)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        say(f"making an environment with PySpark {ENGINE_LINE.pyspark} in {folder}, once …")
        _make(folder, requirements)
    return python


def _requirements(line: SparkLine) -> list[str]:
    wanted = {line.extra, "connect"}
    found = (_EXTRA.match(requirement) for requirement in requires("skyspark") or ())
    return sorted(match["requirement"].strip() for match in found if match and match["extra"] in wanted)


def _folder(requirements: Sequence[str]) -> Path:
    # The engine's packages are used together with this environment's own, so both are for the same Python.
    about = "\n".join((sys.version, sys.platform, *requirements))
    key = hashlib.sha256(about.encode()).hexdigest()[:16]
    return cache_dir() / "pipelines" / f"spark-{ENGINE_LINE.name}-{key}"


def _make(folder: Path, requirements: Sequence[str]) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".make-") as scratch:
            made = Path(scratch) / "environment"
            _install(made, requirements)
            try:
                # On the same file system: who looks now sees the whole environment or none. Only its python
                # is called, which finds its packages wherever it stands.
                made.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    except OSError as error:
        raise EnvironmentNotReadyError(
            f"the cache folder {folder.parent} cannot be written ({error.strerror}): "
            "set SKYSPARK_CACHE_DIR to one that can."
        ) from error


def _install(environment: Path, requirements: Sequence[str]) -> None:
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    uv = find_uv()
    if uv:
        settings = uv_environment()
        _run([uv, "venv", "--quiet", f"--python={sys.executable}", environment], settings)
        install = [uv, "pip", "install", "--quiet", f"--python={python}", *uv_arguments(), *requirements]
    else:
        settings = pip_environment()
        _run([sys.executable, "-m", "venv", environment], settings)
        install = [str(python), "-m", "pip", "install", "--quiet", "--no-input", *requirements]
    _run(install, settings)


def _run(command: Sequence[str | Path], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            list(map(str, command)),
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentNotReadyError(
            f"the environment for declarative pipelines was not made within {_TIMEOUT} s: {_OTHERWISE}"
        ) from None
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = without_secrets(said[-1])[:200] if said else "no reason given"
        raise EnvironmentNotReadyError(
            f"the environment for declarative pipelines could not be made ({reason}): {_OTHERWISE}"
        )


_OTHERWISE = (
    f"see that the package index is reached, or set {_VARIABLE} to the python of an environment with "
    f"'skyspark[{ENGINE_LINE.extra},connect]'."
)
