"""One package index for both tools: what pip is told, uv is told, and the other way round.

Addresses may hold a password, so they travel in the environment and never in arguments or messages.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_UV_FOR_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
_PIP_FOR_UV = {
    "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
    "UV_INDEX_URL": "PIP_INDEX_URL",
    "UV_INDEX": "PIP_EXTRA_INDEX_URL",
    "UV_EXTRA_INDEX_URL": "PIP_EXTRA_INDEX_URL",
    "UV_FIND_LINKS": "PIP_FIND_LINKS",
}


def find_uv() -> str | None:
    """Return the uv beside this Python, else the one on PATH, if there is one."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else shutil.which("uv")


def without_secrets(text: str) -> str:
    """Return what a tool said without the user and password of addresses."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def uv_environment() -> dict[str, str]:
    """Return the environment for uv: its own settings, and pip's where it has none."""
    environment = dict(os.environ)
    # uv would fetch a whole Python when the target's is not installed; only builds need one, and any will do.
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    own = any(name in os.environ for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"))
    for key, value in _pip_settings().items():
        if key in _UV_FOR_PIP and not (own and key.endswith("index-url")):
            # pip separates by white space; so does uv, but for find-links.
            joined = ("," if key == "find-links" else " ").join(value.split())
            environment.setdefault(_UV_FOR_PIP[key], joined)
    return environment


def uv_arguments() -> list[str]:
    """Return what uv must be told by argument, having no variable for it."""
    without_index = _pip_settings().get("no-index", "").lower() in ("1", "true", "yes", "on")
    return ["--no-index"] if without_index else []


def pip_environment() -> dict[str, str]:
    """Return the environment for pip: its own settings, and uv's variables where it has none."""
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | os.environ
    configured = _pip_settings()
    for uv_name, pip_name in _PIP_FOR_UV.items():
        key = pip_name.removeprefix("PIP_").lower().replace("_", "-")
        if uv_name in os.environ and key not in configured:
            environment.setdefault(pip_name, os.environ[uv_name].replace(",", " "))
    return environment


def _pip_settings() -> dict[str, str]:
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        name, found, value = line.partition("=")
        # Sections in pip's own order: what comes later wins, ":env:" last.
        if found and name.split(".", maxsplit=1)[0] in ("global", "download", "install", ":env:"):
            settings[name.split(".", maxsplit=1)[1]] = str(ast.literal_eval(value))
    return settings
