"""git, through its command line."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mshell_cut.errors import GitFailedError, MshellCutError

# A question in the middle of a command (a password, a host key) would hang a program that has no terminal.
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# To commit as where the user's git has no name and e-mail address.
FALLBACK_IDENTITY = ("mshell-cut", "mshell-cut@localhost")
# Set by git itself around hooks: they would make us work on the repository that called us.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


@dataclass(frozen=True)
class Checkout:
    """The working tree that a folder lies in.

    Attributes:
        top: its top folder.
        prefix: the way from there to the folder, with a `/` at its end; empty where it is the top.
        head: the commit that is checked out.
    """

    top: Path
    prefix: str
    head: str

    def holds(self, name: str) -> bool:
        """Tell whether a file of the folder is in the commit."""
        return ask("cat-file", "-e", f"{self.head}:{self.prefix}{name}", cwd=self.top) is not None


def checkout(folder: Path) -> Checkout | None:
    """Find the working tree around a folder; None where there is none, or none with a commit."""
    told = ask("rev-parse", "--show-toplevel", "--show-prefix", "HEAD", cwd=folder)
    if told is None:
        return None
    top, prefix, head = told.split("\n")
    return Checkout(Path(top), prefix, head)


def run(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    interactive: bool = False,
    given: str | None = None,
    inherited: Sequence[int] = (),
) -> str:
    """Run a git command to its end.

    What is no UTF-8 in its input and output, as in paths, passes through as lone surrogates.

    Args:
        arguments: the command line after `git`.
        cwd: the folder to run it in.
        env: variables on top of this process's own.
        interactive: let git ask for a password at the terminal.
        given: its standard input.
        inherited: open files of this process to leave open in it.

    Returns:
        What it printed, without the last line's end.

    Raises:
        GitFailedError: it ended with an error.
    """
    done = _call(arguments, cwd, env, interactive=interactive, given=given, inherited=inherited)
    if done.returncode:
        raise GitFailedError(arguments, _text(done.stderr or done.stdout))
    return _text(done.stdout).rstrip("\n")


def ask(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str | None:
    """Run a git command that may well fail: what it printed, or None where it failed."""
    done = _call(arguments, cwd, env)
    return None if done.returncode else _text(done.stdout).rstrip("\n")


def judge(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Run a git command that answers with its exit code: 0 for yes, 1 for no.

    Returns:
        The answer, and what it printed.

    Raises:
        GitFailedError: it ended with another code.
    """
    done = _call(arguments, cwd, env)
    if done.returncode not in (0, 1):
        raise GitFailedError(arguments, _text(done.stderr or done.stdout))
    return not done.returncode, _text(done.stdout)


def content(blob: str, *, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Return what a blob holds, to the byte; what is no UTF-8 as lone surrogates.

    Raises:
        GitFailedError: there is no such blob.
    """
    done = _call(("cat-file", "blob", blob), cwd, env)
    if done.returncode:
        raise GitFailedError(("cat-file",), _text(done.stderr))
    return _text(done.stdout)


def show(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a git command and pass on what it prints, byte for byte and as it comes.

    Raises:
        GitFailedError: it ended with an error.
    """
    sys.stdout.flush()
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=_environment(env, interactive=False),
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise GitFailedError(arguments, done.stderr)


def first_commit(project: Path, message: str) -> bool:
    """Make a repository of a folder, on the branch `main`, with everything in it as one commit.

    Args:
        project: the folder.
        message: of the commit.

    Returns:
        Whether the user's own git identity was there to be used.
    """
    run("init", "--quiet", "--initial-branch=main", cwd=project)
    # autocrlf would warn about, and change, what the template just wrote. What is big goes straight into one
    # pack: with all files big, git makes no file and no folder for each, which takes more than their content.
    settings = ("-c", "core.autocrlf=false", "-c", "core.bigFileThreshold=1")
    run(*settings, "add", "--all", cwd=project)
    # A repository of one commit holds nothing to tidy up: no process to find that out.
    commit = ("-c", "maintenance.auto=false", "commit", "--quiet", "--no-verify", "--message", message)
    first = _call(commit, project, None)
    if not first.returncode:
        return True
    if ask("var", "GIT_COMMITTER_IDENT", cwd=project):
        raise GitFailedError(commit, _text(first.stderr))
    name, email = FALLBACK_IDENTITY
    run("-c", f"user.name={name}", "-c", f"user.email={email}", *commit, cwd=project)
    return False


def commit_tree(repository: Path, tree: str, parent: str, message: str) -> str:
    """Make a commit of a tree, signed where the user's commits are, and move no branch.

    Args:
        repository: a folder in it.
        tree: what it holds.
        parent: the commit before it.
        message: of the commit.

    Returns:
        The commit.
    """
    signed = ask("config", "--type=bool", "--get", "commit.gpgsign", cwd=repository) == "true"
    words = ["commit-tree", *(["-S"] if signed else []), "-p", parent, "-m", message, tree]
    made = ask(*words, cwd=repository)
    if made:
        return made
    if ask("var", "GIT_COMMITTER_IDENT", cwd=repository):
        return run(*words, cwd=repository)
    name, email = FALLBACK_IDENTITY
    return run("-c", f"user.name={name}", "-c", f"user.email={email}", *words, cwd=repository)


def _environment(more: Mapping[str, str] | None, *, interactive: bool) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    return {**inherited, **({} if interactive else _QUIET), **(more or {})}


def _call(
    arguments: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    interactive: bool = False,
    given: str | None = None,
    inherited: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=_environment(env, interactive=interactive),
            # As bytes: text mode would change the ends of lines.
            input=None if given is None else given.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
            pass_fds=inherited,
        )
    except FileNotFoundError:
        raise MshellCutError("git is not on PATH: install git 2.38 or newer.") from None


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
