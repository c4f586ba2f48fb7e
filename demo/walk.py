"""The walk's frame: its folder, its steps with what they print and take, and the programs that they run."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import guard
import machine
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

REPOSITORY = Path(__file__).parent.parent

_TAIL = 15
_STOP_S = 10.0
# A terminal shows each second, a file needs a sign of life now and then.
_SIGN_OF_LIFE_S = 20.0
_INDENT = " " * 7


class DemoError(Exception):
    """The walk cannot go on; the text says where and why."""


@dataclass(frozen=True)
class Project:
    """The project that the demo cut.

    Attributes:
        folder: Where it lies.
        name: Its `repo_name`.
        answers: The answers that it was cut with, by question.
        repository: The bare repository that it is pushed to.
        commit: What was pushed last, as 40 hexadecimal digits; empty before.
    """

    folder: Path
    name: str
    answers: dict[str, str]
    repository: Path
    commit: str = ""


@dataclass
class Step:
    """A step, or several in one.

    Attributes:
        first: Its number of the seventeen.
        last: The last number that it covers; the same as `first` for a step alone.
        title: What happens, in one line.
        lines: What was said.
        links: Where to look: a label and a path or an address each.
        seconds: How long it took.
        progress: What goes on now, for the line that moves.
    """

    first: int
    last: int
    title: str
    console: Console
    lines: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    progress: str = ""
    begun: float = field(default_factory=time.monotonic)

    @property
    def number(self) -> str:
        """The number as people write it, such as ``4`` or ``6-7``."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def say(self, text: str) -> None:
        """Print what happens, and keep it for the page.

        Args:
            text: One line or more.
        """
        for line in text.splitlines():
            self.lines.append(line)
            self.console.print(Text(_INDENT + line), soft_wrap=True)

    def see(self, label: str, path_or_url: str | Path) -> None:
        """Print where to look, and keep it for the page.

        Args:
            label: What is to be seen there.
            path_or_url: Where; without a secret in it.
        """
        self.links.append((label, str(path_or_url)))
        self.console.print(
            Text.assemble(_INDENT, ("→ ", "cyan"), f"{label} ", (str(path_or_url), "cyan")), soft_wrap=True
        )


class Walk:
    """A walk through all steps, in a temporary folder that ends with it.

    It is a context: leaving it closes what is on the stack, ends all processes that were started, and removes
    the folder. A process of its own sees to the last two even when this one is killed.

    Attributes:
        folder: All that the walk makes lies below it.
        kind: ``docker`` or ``dab``.
        keep: Whether everything runs on at the end, until Ctrl-C.
        stack: What must be closed at the end.
        steps: The steps so far.
        console: Where people read.
    """

    def __init__(self, kind: str, *, keep: bool, console: Console) -> None:
        self.kind = kind
        self.keep = keep
        self.console = console
        self.stack = contextlib.ExitStack()
        self.steps: list[Step] = []
        self.folder = Path()
        self._guard: subprocess.Popen[str] | None = None
        self._runs = 0
        self._now: Step | None = None

    def __enter__(self) -> "Walk":
        """Remove what killed demos left, and make the folder.

        Raises:
            PermissionError: The folder for demos is not this user's.
            DemoError: The process that cleans up did not start.
        """
        with machine.registry() as registry:
            for left in registry.iterdir():
                if (descriptor := guard.lock(left)) is not None:
                    text = f"Removing {left}, left by a demo that was killed …"
                    self.console.print(text, soft_wrap=True)
                    guard.sweep(left, set())
                    os.close(descriptor)
            self.folder = Path(tempfile.mkdtemp(dir=registry, prefix=f"{self.kind}-"))
            self._guard = subprocess.Popen(
                [sys.executable, Path(guard.__file__), self.folder, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                # Neither Ctrl-C nor the end of the terminal is for it.
                start_new_session=True,
            )
            if self._guard.stdout is None or self._guard.stdout.readline() != "ready\n":
                raise DemoError(f"{guard.__file__} did not start.")
        machine.leave(self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, end and remove everything."""
        self.console.print("Ending all processes, and removing the folder …", style="dim")
        try:
            self.stack.close()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            if self._guard is not None:
                self._guard.communicate()

    @contextlib.contextmanager
    def step(self, first: int, title: str, last: int | None = None) -> Iterator[Step]:
        """Do a step: print its title, what it says while it goes on, and what it took.

        Args:
            first: Its number of the seventeen.
            title: What happens, in one line.
            last: The last number, when it covers several.

        Yields:
            The step.
        """
        step = Step(first, last or first, title, self.console)
        self.console.print(
            Text.assemble((f"{step.number:>5}", "bold cyan"), "  ", (title, "bold")), soft_wrap=True
        )
        self._now = step
        try:
            with self._moving(step):
                yield step
        finally:
            self._now = None
        step.seconds = time.monotonic() - step.begun
        self.steps.append(step)
        self.console.print(Text.assemble(_INDENT, ("✓ ", "green"), (f"{step.seconds:.1f} s", "dim")))
        self.console.print()

    def run(
        self,
        words: Sequence[str | Path],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        each_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a program that must succeed.

        Args:
            words: The program and its arguments.
            cwd: Where it runs; by default in the walk's folder.
            env: Variables of its environment beside this process's.
            each_line: Is told each line that it prints; by default the step's moving line shows it.

        Returns:
            What it printed, on both streams.

        Raises:
            DemoError: It failed.
        """
        self._runs += 1
        log = self.folder / "logs" / f"{self._runs:02}-{Path(words[0]).name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    words,
                    cwd=cwd or self.folder,
                    env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C is for this process, which then ends the program and all below it.
                    start_new_session=True,
                )
            except OSError as error:
                raise DemoError(f"{words[0]} cannot be run: {error.strerror}.") from None
        try:
            self._follow(process, log, each_line or self._show)
        finally:
            _end(process)
            if self._now is not None:
                self._now.progress = ""
        said = log.read_text(encoding="utf-8", errors="replace")
        if process.returncode:
            tail = "\n".join(said.splitlines()[-_TAIL:])
            command = " ".join([Path(words[0]).name, *map(str, words[1:])])
            raise DemoError(f"{command} ended with {process.returncode}, see {log}:\n{tail}")
        return said

    def _follow(self, process: subprocess.Popen[bytes], log: Path, each_line: Callable[[str], None]) -> None:
        """Wait for a program, and tell each line that it prints meanwhile."""
        with log.open("rb") as written:
            begun = b""
            while process.returncode is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                *lines, begun = (begun + written.read()).split(b"\n")
                for line in lines:
                    each_line(line.decode(errors="replace").rstrip())

    def _show(self, line: str) -> None:
        if self._now is not None and line:
            self._now.progress = line

    @contextlib.contextmanager
    def _moving(self, step: Step) -> Iterator[None]:
        """Show that a step goes on: a line that moves on a terminal, a line now and then elsewhere."""
        if self.console.is_terminal:
            with Live(
                get_renderable=_Moving(step), console=self.console, transient=True, refresh_per_second=8
            ):
                yield
            return
        done = threading.Event()

        def signs() -> None:
            while not done.wait(_SIGN_OF_LIFE_S):
                after = f"… {time.monotonic() - step.begun:.0f} s"
                self.console.print(Text(f"{_INDENT}{after}  {step.progress}"), soft_wrap=True)

        thread = threading.Thread(target=signs, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class _Moving:
    """The line that moves while a step goes on."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._spinner = Spinner("dots", style="cyan")

    def __call__(self) -> RenderableType:
        seconds = time.monotonic() - self._step.begun
        if seconds < 1:
            return Group()
        line = Table.grid(padding=(0, 1))
        line.add_column(width=len(_INDENT) - 1)
        line.add_column()
        line.add_column(justify="right")
        line.add_column(no_wrap=True, overflow="ellipsis", style="dim")
        line.add_row("", self._spinner, f"{seconds:.0f} s", Text(self._step.progress))
        return line


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with all of its process group, if it has not ended by itself."""
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            break
