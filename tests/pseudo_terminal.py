"""The command at a terminal that shows what is printed, and answers nothing by itself."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pexpect
from scaffold import BIN

_PATIENCE_S = 600


def start(words: Sequence[str], *, cwd: Path | None = None, columns: int = 200) -> pexpect.spawn:
    """Run `mshell-cut` there."""
    return pexpect.spawn(
        str(BIN / "mshell-cut"),
        [*words],
        cwd=cwd,
        # A prompt that is not told for two seconds where its cursor is would leave the terminal for a moment
        # to say so, and a key that comes in that moment be lost.
        env={**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=_PATIENCE_S,
        dimensions=(50, columns),
    )


def end(child: pexpect.spawn) -> None:
    """End it, whatever it is at."""
    # Closed alone, it would have to be gone within tenths of a second.
    child.kill(signal.SIGKILL)
    child.wait()
    child.close()
