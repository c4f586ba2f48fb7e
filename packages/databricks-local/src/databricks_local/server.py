"""The server of one workspace: a socket on 127.0.0.1 and an event loop that does everything else."""

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn

from databricks_local.app import make_app
from databricks_local.config import Config
from databricks_local.errors import NotServingError
from databricks_local.faults import FaultyApp, ResettableProtocol
from databricks_local.registry import endpoints, pages
from databricks_local.workspace import Workspace

# Runs are told of their end before the process leaves; clients that hold a connection are not waited for.
_GRACE_S = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def serve(config: Config, ready: Callable[[Workspace], None]) -> None:
    """Serve a workspace until a signal ends the process.

    Args:
        config: The choices.
        ready: Called once clients are answered.

    Raises:
        RootInUseError: Another server has the root folder open.
        NotServingError: The port is taken, or the workspace could not start.
    """
    listening = _listen(config.port)
    with listening:
        workspace = Workspace(config)
        workspace.host = "http://{}:{}".format(*listening.getsockname())
        app = make_app(workspace, endpoints(), pages(workspace))
        settings = uvicorn.Config(
            FaultyApp(app, workspace.faults),
            http=ResettableProtocol,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _Server(settings, lambda: ready(workspace))
        asyncio.run(server.serve(sockets=[listening]))
    if not server.started:
        raise NotServingError("the workspace did not start: the lines above say why.")


def set_up_logging(*, verbose: bool) -> None:
    """Send what the server has to say to stderr.

    Args:
        verbose: Show each step of runs too, not just warnings.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("databricks_local").setLevel(logging.DEBUG if verbose else logging.WARNING)


def _listen(port: int) -> socket.socket:
    # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise NotServingError(
            f"port {port} cannot be used ({error.strerror}): choose another with --port, 0 takes a free one."
        ) from None
    listening.listen(2048)
    return listening
