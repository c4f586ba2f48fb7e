"""Resolving requirements for a runtime, whatever machine and Python this is.

pip evaluates environment markers (``sys_platform``, ``python_version``) for the Python it runs in, even with
``--platform`` and ``--python-version``; uv evaluates them for the target. So uv resolves, and pip, told not
to follow dependencies, only fetches.
"""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skyspark.errors import WheelsError
from skyspark.versions import Runtime
from skyspark.wheels.brought import normalized
from skyspark.wheels.index import find_uv, uv_arguments, uv_environment

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(?:==(?P<version>\S+)| @ (?P<url>\S+))(?:\s+# via (?P<via>.*))?$"
)


@dataclass(frozen=True)
class Pin:
    """One resolved package.

    Attributes:
        name: Its normalized name.
        version: Its version; empty for one that is named by an address.
        url: The address, or empty.
        via: Who asked for it, for messages.
    """

    name: str
    version: str
    url: str
    via: str

    @property
    def requirement(self) -> str:
        """The pin as a requirement."""
        return f"{self.name} @ {self.url}" if self.url else f"{self.name}=={self.version}"


def resolve(
    requirements: Sequence[Path],
    runtime: Runtime,
    preferred: Mapping[str, str],
    find_links: Sequence[Path],
    scratch: Path,
) -> list[Pin]:
    """Resolve requirement files for a runtime's Python on Linux x86_64.

    Args:
        requirements: Requirement files.
        runtime: The runtime.
        preferred: Versions to choose wherever the requirements allow them: those the runtime brings.
        find_links: Folders with wheels.
        scratch: A folder to write into.

    Raises:
        WheelsError: uv is missing, or there is no resolution.
    """
    pins = scratch / "pins.txt"
    # uv prefers what its output file already holds.
    pins.write_text("".join(f"{n}=={v.replace('.*', '.0')}\n" for n, v in sorted(preferred.items())))
    command: list[str | Path] = [
        _uv(),
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--annotation-style=line",
        f"--python={sys.executable}",
        f"--python-version={runtime.python}",
        f"--python-platform=x86_64-manylinux_{runtime.glibc.replace('.', '_')}",
        f"--output-file={pins}",
        *uv_arguments(),
        *(f"--find-links={folder.absolute()}" for folder in find_links),
        *requirements,
    ]
    done = subprocess.run(command, env=uv_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise WheelsError(
            f"{', '.join(map(str, requirements))} cannot be resolved for {runtime.described}:\n"
            f"{done.stderr.strip()}"
        )
    return [_pin(line) for line in pins.read_text(encoding="utf-8").splitlines() if _is_pin(line)]


def _is_pin(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", "-"))


def _pin(line: str) -> Pin:
    match = _PIN.match(line.split(" ; ", maxsplit=1)[0].strip())
    if match is None:
        raise WheelsError(
            f"the resolved requirement '{line}' has no name: write it as 'name @ {line.split()[0]}'."
        )
    via = re.sub(r"-r \S*?([^/\s,]+)(?=,|$)", r"\1", match["via"] or "")
    return Pin(normalized(match["name"]), match["version"] or "", match["url"] or "", via)


def _uv() -> str:
    found = find_uv()
    if not found:
        raise WheelsError("uv is needed to resolve for another platform: pip install 'skyspark[build]'.")
    return found


def require_pip() -> None:
    """Refuse to go on without pip in this environment.

    Raises:
        WheelsError: It is missing.
    """
    if find_spec("pip") is None:
        raise WheelsError("pip is needed to fetch wheels for another platform: install 'skyspark[build]'.")
