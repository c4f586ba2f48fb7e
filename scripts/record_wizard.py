"""Records the wizard in a real terminal (tmux): `docs/wizard.txt` and the pictures of the README.

.venv/bin/python scripts/record_wizard.py
"""

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent.parent / "docs"
COMMAND = DOCS.parent / ".venv" / "bin" / "mshell-cut"
WIDTH, HEIGHT = 104, 46
PANE = "mshell-cut-recording"
ENTER, DOWN, CLEAR = "Enter", "Down", "C-u"
# What to wait for on the screen, and the keys to press then; text to type is given with a space before it.
STEPS = [
    ("Which template?", [ENTER]),
    ("Repository name", [CLEAR, " orders-pipeline", ENTER]),
    ("What the project does", [CLEAR, " Cleans the orders of the day and adds them up", ENTER]),
    ("GitHub organisation", [ENTER]),
    ("Squad", [ENTER]),
    ("E-mail", [CLEAR, " orders@example.com", ENTER]),
    ("Slack", [CLEAR, " orders"]),
    ("must begin with # or @", [CLEAR, " #orders", ENTER]),
    ("AWS project", [ENTER]),
    ("reaches Databricks", [DOWN, ENTER]),
    ("Databricks runtime", [ENTER]),
    ("Unity Catalog", [ENTER]),
    ("Schedule", [CLEAR, " 30 6 * * MON-FRI", ENTER]),
    ("workspace for dev", [ENTER]),
    ("workspace for prod", [ENTER]),
    ("principal for dev", [" 1b2c3d4e-0000-4000-8000-0123456789ab", ENTER]),
    ("principal for prod", [" 1b2c3d4e-0000-4000-8000-0123456789ab"]),
    ("must differ from", ["BSpace", " c", ENTER]),
    ("Where pip finds", [ENTER]),
    ("Cut the project", []),
]


def tmux(*words: str) -> str:
    return subprocess.run(["tmux", *words], check=True, capture_output=True, text=True).stdout


def screen(*options: str) -> str:
    return tmux("capture-pane", "-p", *options, "-t", PANE).rstrip("\n")


def wait_for(text: str) -> None:
    for _ in range(1200):
        if text in screen():
            # The prompt takes keys a moment after it is drawn.
            time.sleep(0.3)
            return
        time.sleep(0.05)
    sys.exit(f"'{text}' did not appear:\n{screen()}")


def press(keys: list[str]) -> None:
    for key in keys:
        tmux("send-keys", "-t", PANE, *(["-l", key[1:]] if key.startswith(" ") else [key]))


def picture(name: str, title: str, ansi: str) -> None:
    console = Console(record=True, width=WIDTH, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(Text.from_ansi(ansi))
    svg = console.export_svg(title=title)
    # The theme names a web font by address; every reader has a fixed one of its own.
    lines, keep = [], True
    for line in svg.splitlines():
        if "@font-face" in line:
            keep = False
        if keep:
            lines.append(line.replace("Fira Code, monospace", "monospace"))
        if not keep and line.strip() == "}":
            keep = True
    (DOCS / "images" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def terminal(folder: Path) -> Iterator[None]:
    """Open a shell in a folder, with this checkout's commands and nothing on the screen."""
    shell = f"cd {shlex.quote(str(folder))} && clear && PS1='$ ' exec bash --norc --noprofile"
    tmux("new-session", "-d", "-s", PANE, "-x", str(WIDTH), "-y", str(HEIGHT), shell)
    tmux("set-option", "-t", PANE, "history-limit", "10000")
    try:
        wait_for("$")
        tmux("send-keys", "-t", PANE, "-l", f"PATH={COMMAND.parent}:$PATH; clear")
        press([ENTER])
        time.sleep(0.5)
        tmux("clear-history", "-t", PANE)
        yield
    finally:
        tmux("kill-session", "-t", PANE)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, terminal(Path(folder)):
        press([" mshell-cut cut", ENTER])
        for text, keys in STEPS:
            wait_for(text)
            press(keys)
        picture("wizard.svg", "mshell-cut cut", screen("-e"))
        press([ENTER])
        wait_for("make help")
        whole = screen("-S", "-")
        colours = screen("-e", "-S", "-")
    (DOCS / "wizard.txt").write_text(whole.rstrip("$ \n") + "\n", encoding="utf-8")
    tree = colours[colours.index("orders-pipeline/") :].rstrip("$ \n")
    picture("tree.svg", "orders-pipeline", tree)


if __name__ == "__main__":
    main()
