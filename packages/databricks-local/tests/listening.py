"""Where a workspace can be reached."""

import contextlib
import ipaddress
from collections import defaultdict

import psutil
from databricks_local.process import LocalWorkspace


def listening(workspace: LocalWorkspace) -> dict[str, set[str]]:
    """Return the addresses that a workspace and what it started listen on, each with its programs."""
    programs = defaultdict(set)
    server = psutil.Process(workspace.pid)
    for process in (server, *server.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            for socket in process.net_connections():
                if socket.status == psutil.CONN_LISTEN:
                    programs[_unmapped(socket.laddr.ip)].add(process.name())
    return dict(programs)


def _unmapped(address: str) -> str:
    # Java binds an IPv4 address by a socket of IPv6.
    parsed = ipaddress.ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
