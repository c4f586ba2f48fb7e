"""What the programs of a walk see of this machine."""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import guard
from skyspark.cache import cache_dir

BIN = Path(__file__).parent.parent / ".venv/bin"
"""The environment that the demo runs in."""

# Sockets below it must fit into 104 characters.
_LONGEST_TEMPORARY = 56


@contextlib.contextmanager
def registry() -> Iterator[Path]:
    """Lock the folder that holds the folders of all demos of this user.

    Yields:
        The folder.

    Raises:
        PermissionError: It belongs to somebody else.
    """
    folder = Path(tempfile.gettempdir()).resolve() / f"mshell-cut-demo-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: name another folder in TMPDIR.")
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)


def leave(folder: Path) -> None:
    """Have all programs from now on know a walk's folder, and not the settings of this user.

    Args:
        folder: The walk's folder.
    """
    os.environ[guard.MARK] = str(folder)
    # make tells those below it about itself, and a virtual environment is for those who activated it.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH"):
        os.environ.pop(name, None)
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "DATABRICKS_", "GIT_"))]:
        del os.environ[name]
    # Hooks, signatures and identities of this user are not for the commits of a demo.
    os.environ |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_NAME": "Demo" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "demo@example.com" for role in ("AUTHOR", "COMMITTER")},
    }
    # uv installs from its cache, where pip would fetch everything again.
    programs, temporary = folder / "bin", folder / "tmp"
    programs.mkdir()
    temporary.mkdir()
    (programs / "uv").symlink_to(BIN / "uv")
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    if len(str(temporary)) <= _LONGEST_TEMPORARY:
        os.environ["TMPDIR"] = str(temporary)
    os.environ["SPARK_LOCAL_DIRS"] = str(temporary)
    # An archive of classes fits one environment, takes a minute to make, and would serve two sessions here.
    # With a file in the place of their folder there is none.
    cache = folder / "cache"
    cache.mkdir()
    (cache_dir() / "jars").mkdir(parents=True, exist_ok=True)
    (cache / "jars").symlink_to(cache_dir() / "jars")
    (cache / "archives").touch()
    os.environ["SKYSPARK_CACHE_DIR"] = str(cache)
    # Java compiles well what runs for long: nothing does here.
    os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    # make's recipes find the Python of this environment by this name.
    os.environ["PYTHON"] = str(BIN / "python")
