"""Puts the `astro` program of this folder where a test wants it, tied to an API."""

import shlex
import sys
from pathlib import Path

from astro_api import AstroApi

_PROGRAM = Path(__file__).with_name("astro")


def install_astro(api: AstroApi, folder: Path) -> Path:
    """Write an `astro` into a folder that deploys to an API, whatever its environment, and return its path.

    Args:
        api: where it deploys to.
        folder: where to write; made if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "astro"
    interpreter = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(str(_PROGRAM))}"
    program.write_text(f'#!/bin/sh\nASTRO_STANDIN_API={api.url} exec {interpreter} "$@"\n')
    program.chmod(0o755)
    return program
