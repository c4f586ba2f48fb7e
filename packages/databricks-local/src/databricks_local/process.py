"""A workspace in a process of its own, for tests and scripts."""

import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from databricks_local.config import TOKEN_VARIABLE
from databricks_local.errors import NotServingError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# A busy machine takes its time to end all tasks; a server that is killed meanwhile cannot say how runs ended.
_STOP_S = 180


class LocalWorkspace:
    """A server that runs beside this process.

    Attributes:
        root: The folder of its state.
        token: What clients send.
        host: Its address, such as ``http://127.0.0.1:41234``; the same after a restart.
        log: The file with what the server said.
    """

    def __init__(self, root: Path, options: Sequence[str] = ()) -> None:
        """Prepare a workspace; ``start`` serves it.

        Args:
            root: The folder of its state; the server's log lies beside it.
            options: Options of ``databricks-local serve`` other than root, port and token.
        """
        self.root = root
        self.token = f"dapi{secrets.token_hex(16)}"
        self.host = ""
        self.log = root.with_name(root.name + ".log")
        self._options = list(options)
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id of the server.

        Raises:
            NotServingError: It does not run.
        """
        if self._process is None:
            raise NotServingError(f"no server runs for {self.root}: start it first.")
        return self._process.pid

    def start(self) -> "LocalWorkspace":
        """Serve, and return once clients are answered.

        Raises:
            NotServingError: The server ended before that.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        port = self.host.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "databricks_local", "serve", "--json", "--verbose"]
        command += ["--root", str(self.root), "--port", port, *self._options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=os.environ | {TOKEN_VARIABLE: self.token},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C in the terminal of the tests must not end the server before they are through.
                start_new_session=True,
            )
        line = _out(self._process).readline()
        if not line:
            self._process.wait()
            self._process = None
            said = self.log.read_text(errors="replace").strip().splitlines()
            raise NotServingError(
                f"databricks-local did not start: {said[-1] if said else 'it said nothing'}"
            )
        self.host = json.loads(line)["host"]
        return self

    def client(self) -> "WorkspaceClient":
        """Return databricks-sdk's client for this workspace, whatever the user's own configuration says."""
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.core import Config

        config = Config(host=self.host, token=self.token, auth_type="pat", config_file=os.devnull)
        return WorkspaceClient(config=config)

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call a route that no client has, such as those of the clock and of faults.

        Args:
            method: The HTTP method.
            path: The path with its query.
            body: What is sent as JSON.

        Returns:
            The answer.

        Raises:
            urllib.error.HTTPError: The answer is an error.
        """
        request = urllib.request.Request(  # noqa: S310 (the address is the server's own)
            self.host + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer

    def advance(self, seconds: float) -> None:
        """Move the workspace's clock forward.

        Args:
            seconds: How far.
        """
        self.call("POST", "/api/databricks-local/clock", {"advance_ms": int(seconds * 1000)})

    def fault(self, **values: object) -> int:
        """Make something go wrong from now on.

        Args:
            values: As ``databricks_local.faults.Fault`` has them: ``route``, ``status``, ``reset``, ….

        Returns:
            Its number.
        """
        return int(self.call("POST", "/api/databricks-local/faults", values)["fault_id"])

    def clear_faults(self) -> None:
        """Let nothing go wrong on purpose any more."""
        self.call("DELETE", "/api/databricks-local/faults")

    def stop(self) -> None:
        """End the server as Ctrl-C does; tasks end with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._left()

    def kill(self) -> None:
        """Kill the server at once, as a crash or the kernel would."""
        if self._process is not None:
            self._process.kill()
            self._left()

    def restart(self) -> "LocalWorkspace":
        """Stop the server if it runs, and serve the same folder on the same port."""
        self.stop()
        return self.start()

    def _left(self) -> None:
        if self._process is not None:
            self._process.wait()
            _out(self._process).close()
            self._process = None


def _out(process: "subprocess.Popen[str]") -> IO[str]:
    if process.stdout is None:
        raise NotServingError("the server's output is not read.")
    return process.stdout
