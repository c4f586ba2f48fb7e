"""The one metastore that all sessions of a workspace share, started by the first that asks for it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from databricks_local.execution.interpreter import Interpreter
from databricks_local.execution.processes import run_supervised

log = logging.getLogger("databricks_local")

_PROGRAM = Path(__file__).parent / "sandbox" / "metastore.py"
_START_S = 600.0
_LOOK_S = 0.05


class Metastore:
    """A Hive metastore server behind an address that is there from the beginning.

    The first connection starts the server: workspaces whose tasks use no tables never pay for it.
    """

    def __init__(
        self,
        root: Path,
        python: Callable[[], Awaitable[Interpreter]],
        environment: Callable[[Interpreter], dict[str, str]],
    ) -> None:
        """Prepare.

        Args:
            root: The workspace's folder.
            python: Gives the interpreter whose PySpark has the server's jars.
            environment: Gives the environment of its process.
        """
        self._root = root
        self._python = python
        self._environment = environment
        self._listening: asyncio.Server | None = None
        self._serving: asyncio.Task[int] | None = None
        self._port: int | None = None
        self._lock = asyncio.Lock()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it is reached, as ``127.0.0.1:<port>``; once it is started."""
        if self._listening is None:
            raise RuntimeError("the metastore's address is not open")
        host, port = self._listening.sockets[0].getsockname()
        return f"{host}:{port}"

    async def start(self) -> None:
        """Open the address."""
        self._listening = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Close the address and end the server."""
        if self._listening is not None:
            self._listening.close()
        ending = [*self._connections, *([self._serving] if self._serving else [])]
        for each in ending:
            each.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection has no task")
        self._connections.add(task)
        try:
            port = await self._running()
            if port is not None:
                await _join(reader, writer, port)
        except asyncio.CancelledError:
            # Its end is the workspace's; asyncio would report it as a failure.
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _running(self) -> int | None:
        async with self._lock:
            if self._serving is None or self._serving.done():
                self._port = await self._launch()
            return self._port

    async def _launch(self) -> int | None:
        folder = self._root / "metastore"
        folder.mkdir(exist_ok=True)
        said, failed = folder / "port", folder / "log"
        said.unlink(missing_ok=True)
        python = await self._python()
        self._serving = asyncio.create_task(
            run_supervised(
                [python.path, _PROGRAM, self._root],
                environment=self._environment(python),
                folder=folder,
                stdout=said,
                stderr=failed,
            )
        )
        async with asyncio.timeout(_START_S):
            while not self._serving.done():
                text = said.read_text() if said.exists() else ""
                if text.endswith("\n"):
                    return int(text)
                await asyncio.sleep(_LOOK_S)
        log.error("the metastore did not start: see %s", failed)
        return None


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
    finally:
        there_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    # Who has nothing more to say is not waited for either.
    writer.close()
