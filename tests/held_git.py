"""A git that halts at one command until it is told to go on: what is to come in the middle of it does."""

import os
import shlex
from pathlib import Path
from types import TracebackType

from waiting import until

# Whoever is held goes on when the tests are gone, too.
_GIT = """\
#!/bin/sh
PATH={path}
if {held}; then
    {first}
    touch {folder}/reached
    until [ -e {folder}/go-on ] || ! kill -0 {tests} 2>/dev/null; do sleep 0.05; done
    {then}
fi
exec git "$@"
"""


class HeldGit:
    """Leaving it as a context lets go of whoever is held.

    Attributes:
        env: The variables with which a program finds this git.
    """

    def __init__(self, folder: Path, held: str, *, done: bool = False) -> None:
        """Prepare it.

        Args:
            folder: It must not be there yet.
            held: The condition, for `sh`, under which a call is held; its words are `$1` and so on.
            done: Whether what is asked for is done before it is held, and not after.
        """
        self._folder = folder
        program = folder / "bin/git"
        program.parent.mkdir(parents=True)
        program.write_text(
            _GIT.format(
                path=shlex.quote(os.environ["PATH"]),
                held=held,
                first='git "$@" || exit' if done else "",
                folder=shlex.quote(str(folder)),
                tests=os.getpid(),
                then="exit 0" if done else "",
            ),
            encoding="utf-8",
        )
        program.chmod(0o755)
        self.env = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}

    def wait(self) -> None:
        """Wait until a call is held."""
        until((self._folder / "reached").exists, "git was not asked for what is held")

    def go_on(self) -> None:
        """Let go of whoever is held, and hold no other."""
        (self._folder / "go-on").touch()

    def __enter__(self) -> "HeldGit":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on()
