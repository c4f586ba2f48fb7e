"""Checks of this machine: the programs that mshell-cut and the projects it cuts are built with."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from mshell_cut import config, git
from mshell_cut.diagnosis.outcome import Outcome, error, ok, warning
from mshell_cut.diagnosis.programs import Programs

# The first with `merge-tree --write-tree`.
_GIT = (2, 38)
_PYTHON = (3, 11)
# How long an index may say nothing.
_SILENCE_S = 5
_INSTALL_PYTHON = "install Python 3.11 or newer, or name one with 'make PYTHON=python3.12 …'"
_INSTALL_UV = "install uv, or Python with its venv module (Debian: python3-venv)"


def python(programs: Programs) -> Outcome:
    """Check the Python that a project's Makefile takes: `python3` on PATH."""
    found = shutil.which("python3")
    if not found:
        return error("python", "there is no 'python3' on PATH", _INSTALL_PYTHON)
    answer = programs.run(found, "-c", "import platform; print(platform.python_version())", limit=10)
    told = re.fullmatch(r"(\d+)\.(\d+)\S*", answer.text)
    if not told:
        said = answer.text if not answer.finished else "does not say its version"
        return error("python", f"{found} {said}", _INSTALL_PYTHON)
    if (int(told[1]), int(told[2])) < _PYTHON:
        return error("python", f"{found} is Python {told[0]}, 3.11 or newer is needed", _INSTALL_PYTHON)
    return ok("python", f"{told[0]} at {found}")


def git_itself(programs: Programs) -> Outcome:
    """Check that git is there and new enough to merge trees."""
    found = shutil.which("git")
    if not found:
        return error("git", "there is no 'git' on PATH", "install git 2.38 or newer")
    answer = programs.run(found, "--version", limit=10)
    told = re.match(r"git version (\d+)\.(\d+)\S*", answer.text)
    if not told:
        said = answer.text if not answer.finished else "does not say its version"
        return error("git", f"{found} {said}", "install git 2.38 or newer")
    version = told[0].removeprefix("git version ")
    if (int(told[1]), int(told[2])) < _GIT:
        return error("git", f"{found} is git {version}, 2.38 or newer is needed", "install a newer git")
    return ok("git", f"{version} at {found}")


def identity(folder: Path) -> Outcome | None:
    """Check that git knows whom to name as the author of commits; None where there is no git to ask."""
    if not shutil.which("git"):
        return None
    found = {}
    for key, variable in (("user.name", "GIT_AUTHOR_NAME"), ("user.email", "GIT_AUTHOR_EMAIL")):
        found[key] = os.environ.get(variable) or git.ask("config", "--get", key, cwd=folder)
    missing = [key for key, value in found.items() if not value]
    if missing:
        commands = " and ".join(f"'git config --global {key} …'" for key in missing)
        return warning("git-identity", f"git knows no {' and no '.join(missing)}", f"run {commands}")
    return ok("git-identity", f"{found['user.name']} <{found['user.email']}>")


def make() -> Outcome:
    """Check that there is `make`, which a project's own commands need."""
    found = shutil.which("make")
    if not found:
        return error(
            "make", "there is no 'make' on PATH", "install it (Debian: make, macOS: xcode-select --install)"
        )
    return ok("make", found)


def installer(programs: Programs) -> Outcome:
    """Check that a project's environment can be made: with uv, else with Python's venv module and pip."""
    uv = shutil.which("uv")
    if uv:
        answer = programs.run(uv, "--version", limit=10)
        if answer.worked:
            return ok("installer", f"{answer.text.partition(' (')[0]} at {uv}")
        said = "does not run" if answer.finished else answer.text
        return error("installer", f"{uv} {said}", "install uv anew, or take it off PATH to use pip")
    python3 = shutil.which("python3")
    if python3 and programs.run(python3, "-c", "import venv, ensurepip", limit=10).worked:
        return ok("installer", f"pip, with {python3} -m venv")
    return error(
        "installer", "there is no 'uv' on PATH, and no Python that can make environments", _INSTALL_UV
    )


def index(programs: Programs, folder: Path, package: str) -> Outcome:
    """Check that the installer reaches its package index, wherever its own settings say that this is.

    Args:
        programs: runs it.
        folder: where to run it: uv has settings by folder.
        package: one that the index is to know.
    """
    uv, python3 = shutil.which("uv"), shutil.which("python3")
    if uv:
        arguments = ["pip", "compile", "--no-deps", "--no-header", "--quiet", "--no-cache", "-"]
        answer = programs.run(
            *(uv, *arguments),
            limit=15,
            cwd=folder,
            env={
                "UV_HTTP_TIMEOUT": str(_SILENCE_S),
                "UV_HTTP_RETRIES": "1",
                "UV_PYTHON_DOWNLOADS": "never",
            },
            given=package,
        )
        again, settings = f"echo {package} | uv {' '.join(arguments)}", "UV_INDEX_URL, uv.toml"
    elif python3:
        arguments = ["-m", "pip", "index", "versions", package]
        answer = programs.run(
            *(python3, *arguments, "--no-input", "--retries", "1", "--timeout", str(_SILENCE_S)),
            limit=15,
            cwd=folder,
            env={"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        again, settings = f"python3 {' '.join(arguments)}", "PIP_INDEX_URL, pip config list"
    else:
        return error("index", "there is neither uv nor Python to ask the package index", _INSTALL_UV)
    name = "uv" if uv else "pip"
    # What the installer printed may hold the index's address with a password in it: it is not passed on.
    if not answer.worked:
        said = f"finds no '{package}' on the package index" if answer.finished else answer.text
        return error(
            "index",
            f"{name} {said}",
            f"check the network, the proxy and {name}'s settings ({settings}); '{again}' says more",
        )
    return ok("index", f"{name} reaches it")


def cache() -> Outcome:
    """Check that the folder for clones and compiled templates can be written."""
    folder = config.cache_folder()
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as fault:
        return error(
            "cache",
            f"{folder} cannot be written: {fault.strerror}",
            f"make {existing} writable, or set XDG_CACHE_HOME to a folder that is",
        )
    return ok("cache", str(folder))
