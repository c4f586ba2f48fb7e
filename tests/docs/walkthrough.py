"""Runs the commands that a page shows, and compares what they print with what the page says they print.

A page that is to be run is plain Markdown. From its top to its end, in one shell:

- Of a block ```` ```console ````, each line after `$ ` is a command (`> ` goes on with it), and the lines
  below are what it prints, to either stream. Without such lines anything may be printed. `…` stands for any
  text in a line; a line that is `…` alone, for any number of lines.
- A block with `title="path"` is a file: it is written as shown. As ```` ```diff ```` it is a change of a
  file: its lines without `+` have to be there once, and its lines without `-` take their place.
- Each command ends with 0, unless the next one is `echo $?`; after `<!-- exit 1 -->` above a block its last
  command ends with 1.
- `<!-- not run -->` above a block leaves it out.
"""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<said>exit \d+|not run) -->\n+)?^```(?P<kind>\w+)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# What a command prints ends with this, its exit code and the folder that the shell is in.
_END = re.compile(r"\x1e(\d+) ([^\x1e]*)\x1e\n")


@dataclass(frozen=True)
class Command:
    """A line to type.

    Attributes:
        line: where it stands on its page, from 1.
        text: what to type, without the prompt.
        shown: what the page says it prints; None where it says nothing.
        code: how it has to exit; None where the next one prints that.
    """

    line: int
    text: str
    shown: str | None
    code: int | None = 0


@dataclass(frozen=True)
class Edit:
    """A file to write.

    Attributes:
        line: where it stands on its page, from 1.
        path: the file, relative to the folder that the shell is in.
        new: its content, or what takes the place of `old`.
        old: what has to be there once; None for a whole file.
    """

    line: int
    path: str
    new: str
    old: str | None = None


class PageIsWrongError(AssertionError):
    """What a page says is not what happens."""


def steps(page: str) -> Iterator[Command | Edit]:
    """Read what a page has its reader do, in order."""
    for block in _BLOCK.finditer(page):
        line = page.count("\n", 0, block.start("text")) + 1
        text, said = block["text"], block["said"] or "exit 0"
        title = _TITLE.search(block["info"])
        if said == "not run":
            continue
        if title and block["kind"] == "diff":
            lines = text.splitlines(keepends=True)
            old = "".join(one[1:] for one in lines if not one.startswith("+"))
            new = "".join(one[1:] for one in lines if not one.startswith("-"))
            yield Edit(line, title[1], new, old)
        elif title:
            yield Edit(line, title[1], text)
        elif block["kind"] == "console":
            yield from _commands(text, line, int(said.removeprefix("exit ")))


def _commands(text: str, line: int, code: int) -> Iterator[Command]:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    if parts.pop(0).strip():
        raise PageIsWrongError(f"line {line}: a console block begins with '$ '")
    for number, part in enumerate(parts, 1):
        typed, *rest = part.splitlines()
        while rest and rest[0].startswith("> "):
            typed += "\n" + rest.pop(0).removeprefix("> ")
        shown = "\n".join(rest) if rest else None
        last = number == len(parts)
        asked = not last and parts[number].split("\n")[0] == "echo $?"
        yield Command(line, typed, shown, code if last else None if asked else 0)
        line += part.count("\n")


def matches(shown: str, printed: str) -> bool:
    """Tell whether a program printed what a page shows, with `…` for what varies."""
    pattern = []
    for line in shown.rstrip().splitlines():
        if line.strip() == "…":
            pattern.append(r"(?:[^\n]*\n)*?")
        else:
            pattern.append(r"[^\n]*?".join(map(re.escape, line.rstrip().split("…"))) + r"\n")
    plain = "\n".join(line.rstrip() for line in _COLOURS.sub("", printed).splitlines())
    return re.fullmatch("".join(pattern), plain.rstrip("\n") + "\n" if plain.strip() else "") is not None


class Shell:
    """One bash, in which commands run one after the other as if they were typed.

    Args:
        folder: where it begins.
        environment: all its variables.
        limit: after so many seconds a command that does not end is taken for one that hangs.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], limit: float = 1800) -> None:
        self.folder = folder
        self._limit = limit
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # What is started in the background ends with the shell.
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        assert self._process.stdin and self._process.stdout
        # The next command sees this one's exit code.
        end = "_code=$?; printf '\\036%d %s\\036\\n' $_code \"$PWD\"; (exit $_code)"
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\n{end}\n")
        self._process.stdin.flush()
        printed = ""
        timer = threading.Timer(self._limit, self.close)
        timer.start()
        try:
            while not (ended := _END.search(printed)):
                line = self._process.stdout.readline()
                if not line:
                    raise PageIsWrongError(f"the shell ended at '{command}':\n{printed}")
                printed += line
        finally:
            timer.cancel()
        self.folder = Path(ended[2])
        return int(ended[1]), printed[: ended.start()]

    def close(self) -> None:
        """End the shell and all that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(60)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.communicate()


def walk(page: Path, folder: Path, environment: Mapping[str, str]) -> list[Command | Edit]:
    """Do all that a page has its reader do.

    Args:
        page: the Markdown file.
        folder: where to begin; it should be empty.
        environment: all variables of the shell.

    Returns:
        What was done.

    Raises:
        PageIsWrongError: a command ended or printed otherwise than the page says, or a change does not fit.
    """
    done = list(steps(page.read_text(encoding="utf-8")))
    shell = Shell(folder, environment)
    try:
        for step in done:
            where = f"{page.name}, line {step.line}"
            if isinstance(step, Edit):
                _apply(step, shell.folder, where)
                continue
            code, printed = shell.run(step.text)
            if step.code is not None and code != step.code:
                raise PageIsWrongError(f"{where}: '{step.text}' exited with {code}:\n{printed}")
            if step.shown is not None and not matches(step.shown, printed):
                raise PageIsWrongError(
                    f"{where}: '{step.text}' is said to print\n\n{step.shown}\n\nand printed\n\n{printed}"
                )
    finally:
        shell.close()
    return done


def _apply(edit: Edit, folder: Path, where: str) -> None:
    path = (folder / edit.path).resolve()
    if edit.old is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(edit.new, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(edit.old) != 1:
        raise PageIsWrongError(
            f"{where}: {edit.path} holds {text.count(edit.old)} times, not once:\n\n{edit.old}"
        )
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
