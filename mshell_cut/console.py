"""What people see. Results go to standard output, everything else to standard error."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from mshell_cut.credentials import without_credentials


def say(text: str = "") -> None:
    """Print a line of the result."""
    click.echo(text)


def note(text: str) -> None:
    """Print a line about what is done."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Print a warning."""
    sentence = without_credentials(text)
    click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {sentence}", err=True)


def fail(text: str) -> None:
    """Print an error; each line of it is one."""
    for line in text.splitlines():
        click.echo(f"{click.style('error:', fg='red', bold=True)} {line}", err=True)


def emit(content: Mapping[str, Any]) -> None:
    """Print the result for a program: one JSON object."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def is_interactive() -> bool:
    """Tell whether there is a person to ask: questions need a terminal on both sides."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def is_colourful() -> bool:
    """Tell whether results may be coloured: at a terminal, unless the user wants none (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show that something is going on, where there is a terminal to show it on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(without_credentials(text)):
        yield


@contextmanager
def output_to_stderr() -> Iterator[None]:
    """Keep standard output for our own result while code of others runs, its child processes included."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def tree(root: str, files: Iterable[str]) -> None:
    """Print files as a tree.

    Args:
        root: the name at the top.
        files: paths relative to it, with `/`.
    """
    top: dict[str, Any] = {}
    for path in files:
        folder = top
        *folders, name = path.split("/")
        for part in folders:
            folder = folder.setdefault(part, {})
        folder[name] = None
    say(click.style(f"{root}/", bold=True))
    _branches(top, "")


def _branches(folder: Mapping[str, Any], indent: str) -> None:
    # Folders first, as in a file browser.
    entries = sorted(folder.items(), key=lambda entry: (entry[1] is None, entry[0]))
    for position, (name, inside) in enumerate(entries, start=1):
        last = position == len(entries)
        shown = name if inside is None else click.style(f"{name}/", bold=True)
        say(f"{indent}{'└── ' if last else '├── '}{shown}")
        if inside:
            _branches(inside, indent + ("    " if last else "│   "))
