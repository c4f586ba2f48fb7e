"""A made machine: a folder with the project, a PATH of stand-ins, and all calls of them.

The programs on PATH are `stand_in.sh` under other names. Each hands its call to this process by a
FIFO and waits for the answer, so that the state is plain Python and a call costs milliseconds. A
fault may be asked for: the n-th call fails, or is interrupted by Ctrl-C as a terminal does it,
before or after it has had its effect.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import here, there
from .calls import PROGRAMS, Call, RefusedError, read
from .state import Answer, State

DO = {
    "kind": here.kind,
    "docker": here.docker,
    "aws": here.aws,
    "kubectl": there.kubectl,
    "helm": there.helm,
}
# What the scripts may use beside those programs: macOS has all of it, or the one of the two sums.
TOOLS = """
awk base64 bash cat chmod cut date dirname env find git grep head mkdir mkfifo mktemp mv od rm sed
sh sleep sort tail touch tr sha256sum shasum
"""
IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(project: Path, *arguments: str) -> str:
    """Run git in a project, without what this machine's owner has configured."""
    command = ["git", "-C", str(project), *arguments]
    environment = os.environ | IDENTITY
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return ran.stdout.strip()


@dataclass(frozen=True)
class Fault:
    """What goes wrong: `nth` counts the calls of one run from 0."""

    nth: int
    interrupt: bool = False
    after: bool = False


@dataclass(frozen=True)
class Slow:
    """A call that does not return before the script has printed a text."""

    step: str
    until: str


@dataclass(frozen=True)
class Run:
    """How a script ended."""

    code: int
    output: str
    calls: list[Call]

    @property
    def changes(self) -> list[str]:
        """The steps of the calls that change something."""
        return [call.step for call in self.calls if call.mutates]


@dataclass
class Machine:
    """The machine; `refused` are calls that the real programs would not take."""

    folder: Path
    project: Path
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("bin", "home", "tmp"):
            (self.folder / name).mkdir()
        for tool in TOOLS.split():
            if found := shutil.which(tool):
                (self.folder / "bin" / tool).symlink_to(found)
        for program in PROGRAMS:
            (self.folder / "bin" / program).symlink_to(Path(__file__).with_name("stand_in.sh"))
        self.state = State(self.project)
        self._fault: Fault | None = None
        self._slow: Slow | None = None
        self._printed = ""
        self._calls: list[Call] = []
        self._group = 0
        os.mkfifo(self.folder / "calls")
        # Opened for both, so that it does not end between two calls.
        self._pipe = os.open(self.folder / "calls", os.O_RDWR)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread that answers."""
        os.write(self._pipe, b"\n")
        self._thread.join()
        os.close(self._pipe)

    def lacks(self, *programs: str) -> None:
        """Take programs from PATH."""
        for program in programs:
            (self.folder / "bin" / program).unlink()

    def run(
        self,
        script: str,
        environment: Mapping[str, str] | None = None,
        *,
        fault: Fault | None = None,
        slow: Slow | None = None,
        trace: bool = False,
        stdin: int = subprocess.DEVNULL,
    ) -> Run:
        """Run scripts/<script>.sh in the project, to its end."""
        self._fault, self._slow, self._calls, self._printed = fault, slow, [], ""
        command = [f"scripts/{script}.sh"]
        process = subprocess.Popen(
            ["bash", "-x", *command] if trace else command,
            cwd=self.project,
            env={
                "PATH": str(self.folder / "bin"),
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
                "MACHINE": str(self.folder),
                "GIT_CONFIG_NOSYSTEM": "1",
                # No address is asked over the network, whatever the project's repository is.
                "GIT_ALLOW_PROTOCOL": "file",
                **(environment or {}),
            },
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._group = process.pid
        # Until its last process has closed it: nothing that a script began may outlive the script.
        timer = threading.Timer(120, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        with process:
            for line in process.stdout or ():
                self._printed += line
        timer.cancel()
        return Run(process.returncode, self._printed, self._calls)

    def _serve(self) -> None:
        with os.fdopen(os.dup(self._pipe)) as calls:
            while line := calls.readline().rstrip("\n"):
                pipe, program, *arguments = line.split("\t")
                self._take(Path(pipe), program, arguments)
                Path(pipe).unlink()

    def _take(self, pipe: Path, program: str, arguments: list[str]) -> None:
        given = pipe.with_suffix(f"{pipe.suffix}.stdin")
        stdin = given.read_text() if given.exists() else ""
        fault = self._fault if self._fault and self._fault.nth == len(self._calls) else None
        try:
            call = read(program, tuple(arguments), stdin, self.project)
        except RefusedError as error:
            self.refused.append(f"{program} {' '.join(arguments)}: {error}")
            _reply(pipe, Answer(64, stderr=f"{error}\n"))
            return
        self._calls.append(call)
        if fault is None:
            said = DO[program](self.state, call, "whole")
        else:
            broken = "interrupted" if fault.interrupt else "failed"
            DO[program](self.state, call, "whole" if fault.after else broken)
            said = Answer(1, stderr="a made failure\n")
        if self._slow and self._slow.step == call.step:
            while self._slow.until not in self._printed and _lives(self._group):
                time.sleep(0.001)
        if fault and fault.interrupt:
            # Asked of the call: the script may have come to it before its own number is known here.
            os.killpg(os.getpgid(_process_of(pipe)), signal.SIGINT)
        else:
            _reply(pipe, said)


def _reply(pipe: Path, said: Answer) -> None:
    if said.stderr:
        pipe.with_suffix(f"{pipe.suffix}.stderr").write_text(said.stderr)
    out = "\tout" if said.stdout else ""
    while _lives(_process_of(pipe)):
        try:
            opened = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            # It has not come to reading yet.
            time.sleep(0.001)
            continue
        os.write(opened, f"{said.code}{out}\n{said.stdout}".encode())
        os.close(opened)
        return


def _process_of(pipe: Path) -> int:
    return int(pipe.suffix.removeprefix("."))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
