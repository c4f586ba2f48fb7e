"""Folders, git and programs of a scenario: a machine without a past."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
BIN = REPOSITORY / ".venv" / "bin"
_KEPT = (
    "PATH",
    "JAVA_HOME",
    "LANG",
    "TMPDIR",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "PIP_INDEX_URL",
    "SSL_CERT_FILE",
)


class UnexpectedError(Exception):
    """A scenario went another way than it is written for, so it says nothing of the tool."""


def expect(holds: object, said: object = "") -> None:
    """Go on if something holds.

    Raises:
        UnexpectedError: it does not.
    """
    if not holds:
        raise UnexpectedError(f"the scenario does not fit: {said}")


@dataclass(frozen=True)
class Done:
    """How a program ended, and all that it said."""

    code: int
    said: str


@dataclass
class Machine:
    """A folder for one scenario, with a home folder that holds nothing but git's identity.

    Attributes:
        place: the folder.
        loud: whether each command line is printed on standard error.
    """

    place: Path
    loud: bool = False

    def __post_init__(self) -> None:
        home = self.place / "home"
        home.mkdir(parents=True, exist_ok=True)
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.com\n", encoding="utf-8"
        )

    @property
    def variables(self) -> dict[str, str]:
        """What programs find in their environment."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        home = str(self.place / "home")
        return kept | {
            "HOME": home,
            "XDG_CACHE_HOME": f"{home}/.cache",
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "200",
            "TERM": "dumb",
        }

    def run(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Done:
        """Run a program to its end, without a terminal."""
        line = [str(word) for word in words]
        if self.loud:
            print(f"$ {' '.join(line)}", file=sys.stderr)
        done = subprocess.run(
            line,
            cwd=cwd or self.place,
            env={**self.variables, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        if self.loud:
            print(f"{done.stdout}[{done.returncode}]", file=sys.stderr)
        return Done(done.returncode, done.stdout)

    def start(self, words: Sequence[str | Path], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own, and let it be."""
        return subprocess.Popen(
            [str(word) for word in words],
            cwd=self.place,
            env={**self.variables, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def write_tree(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but git's own, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, with an identity of its own, and return what it prints."""
    identity = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
    }
    environment = {**os.environ, **identity, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


def commit_all(folder: Path, message: str, tag: str | None = None) -> None:
    """Commit all files of a folder, make it a repository where it is none, and tag the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    if tag:
        git(folder, "tag", tag)


def reset(folder: Path) -> None:
    """Bring a working tree back to its commit, without what git does not know."""
    git(folder, "reset", "--quiet", "--hard")
    git(folder, "clean", "--quiet", "-fd")


@contextmanager
def hidden(folder: Path) -> Iterator[None]:
    """Take a folder out of reach for a while, as a network that is down does with a repository."""
    away = folder.with_name(f"{folder.name}-away")
    folder.rename(away)
    try:
        yield
    finally:
        away.rename(folder)
