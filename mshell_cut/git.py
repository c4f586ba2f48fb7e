"""git, through its command line."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from mshell_cut.errors import GitFailedError, MshellCutError

# A question in the middle of a command (a password, a host key) would hang a program that has no terminal.
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# Set by git itself around hooks: they would make us work on the repository that called us.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def run(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, interactive: bool = False
) -> str:
    """Run a git command to its end.

    Args:
        arguments: the command line after `git`.
        cwd: the folder to run it in.
        env: variables on top of this process's own.
        interactive: let git ask for a password at the terminal.

    Returns:
        What it printed, without the last line's end.

    Raises:
        GitFailedError: it ended with an error.
    """
    done = _call(arguments, cwd, env, interactive=interactive)
    if done.returncode:
        raise GitFailedError(arguments, done.stderr or done.stdout)
    return done.stdout.rstrip("\n")


def ask(*arguments: str, cwd: Path | None = None) -> str | None:
    """Run a git command that may well fail: what it printed, or None where it failed."""
    done = _call(arguments, cwd, None)
    return None if done.returncode else done.stdout.rstrip("\n")


def first_commit(project: Path, message: str, identity: tuple[str, str]) -> bool:
    """Make a repository of a folder, on the branch `main`, with everything in it as one commit.

    Args:
        project: the folder.
        message: of the commit.
        identity: name and e-mail address to commit as where the user's git has none.

    Returns:
        Whether the user's own git identity was there to be used.
    """
    run("init", "--quiet", "--initial-branch=main", cwd=project)
    # autocrlf would warn about, and change, what the template just wrote.
    run("-c", "core.autocrlf=false", "add", "--all", cwd=project)
    commit = ("commit", "--quiet", "--no-verify", "--message", message)
    first = _call(commit, project, None)
    if not first.returncode:
        return True
    if ask("var", "GIT_COMMITTER_IDENT", cwd=project):
        raise GitFailedError(commit, first.stderr)
    name, email = identity
    run("-c", f"user.name={name}", "-c", f"user.email={email}", *commit, cwd=project)
    return False


def _call(
    arguments: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, *, interactive: bool = False
) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    environment |= {**({} if interactive else _QUIET), **(env or {})}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise MshellCutError("git is not on PATH: install git 2.38 or newer.") from None
