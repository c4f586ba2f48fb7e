"""The exchanges of a process with the outside: they are counted, written down, and where a process is killed.

To be used in a process of its own: what is set here is never undone.
"""

import asyncio
import json
import mmap
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import requests
from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

from faults.sequence import Kill

# The hook's and the operators' pauses are seconds, and there are thousands of them.
_HASTE = 12
_STARTS = re.compile("POST .*/(submit|run-now|repair)")


class Exchanges:
    """What one process sends and gets.

    Attributes:
        number: How many exchanges it has begun.
    """

    def __init__(self, folder: Path, process: str, kill: Kill | None) -> None:
        """Count from now on all requests to the API and all messages to Airflow.

        Args:
            folder: Where ``exchanges``, which the app reads, and ``trace`` are.
            process: What the trace calls this process.
            kill: When it is to end.
        """
        self.number = 0
        self._folder = folder
        self._process = process
        self._kill = kill
        self._trace = (folder / "trace").open("a", buffering=1)
        with (folder / "exchanges").open("r+b") as file:
            self._all = mmap.mmap(file.fileno(), 8)
        self._watch_requests()
        self._watch_aiohttp()
        self._watch_messages()

    def _begin(self, what: str) -> int:
        if self._kill and self._kill.exchange is None and _STARTS.fullmatch(what):
            self._kill = replace(self._kill, exchange=self.number + 1)
        self.number += 1
        count = int.from_bytes(self._all[:8], "little") + 1
        self._all[:8] = count.to_bytes(8, "little")
        self._end_if(self.number, "before")
        return self.number

    def _ended(self, number: int, what: str, answer: object) -> None:
        self.note(number=number, what=what, answer=answer)
        self._end_if(number, "after")

    def _end_if(self, number: int, when: str) -> None:
        kill = self._kill
        if kill is None or (kill.exchange, kill.when) != (number, when):
            return
        self._kill = None
        self.note(killed=when, number=number)
        if kill.politely:
            (self._folder / "ended").touch()
            # Its handler runs before the next line.
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGKILL)

    def note(self, **values: object) -> None:
        """Write a line to the trace."""
        self._trace.write(json.dumps({"process": self._process, **values}) + "\n")

    def _watch_requests(self) -> None:
        send = requests.Session.send

        def watched(session: requests.Session, request: Any, **options: Any) -> requests.Response:
            what = f"{request.method} {request.path_url}"
            number = self._begin(what)
            try:
                response = send(session, request, **options)
            except requests.RequestException as error:
                self._ended(number, what, type(error).__name__)
                raise
            started = request.method == "POST" and response.ok
            self._ended(number, what, response.json() if started else response.status_code)
            return response

        requests.Session.send = watched  # type: ignore[assignment, method-assign]

    def _watch_aiohttp(self) -> None:
        request = aiohttp.ClientSession._request

        async def watched(
            session: aiohttp.ClientSession, method: str, url: str, **options: Any
        ) -> aiohttp.ClientResponse:
            what = f"{method} {url}"
            number = self._begin(what)
            try:
                response = await request(session, method, url, **options)
            except aiohttp.ClientError as error:
                self._ended(number, what, type(error).__name__)
                raise
            self._ended(number, what, response.status)
            return response

        aiohttp.ClientSession._request = watched  # type: ignore[method-assign, assignment]

    def _watch_messages(self) -> None:
        send = InProcessSupervisorComms.send

        def watched(comms: InProcessSupervisorComms, msg: Any) -> Any:
            what = type(msg).__name__
            number = self._begin(what)
            answer = send(comms, msg)
            self._ended(number, what, getattr(msg, "key", None))
            return answer

        InProcessSupervisorComms.send = watched  # type: ignore[assignment, method-assign]


def hasten() -> None:
    """Have this process sleep for a small part of the time it wants to."""
    sleep, asleep = time.sleep, asyncio.sleep

    def shortly(seconds: float) -> None:
        sleep(seconds / _HASTE)

    async def ashortly(delay: float, result: Any = None) -> Any:
        return await asleep(delay / _HASTE, result)

    time.sleep = shortly  # type: ignore[assignment]
    asyncio.sleep = ashortly


def in_process(work: Callable[[], None], log: Path) -> int:
    """Run something in a process of its own and return what ``os.waitpid`` says of its end.

    Args:
        work: What to run.
        log: Where its output goes.
    """
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    code = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        work()
        code = 0
    finally:
        os._exit(code)
