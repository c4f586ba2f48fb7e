"""The wheels that new projects carry are built from the packages of this repository as they are."""

import hashlib
import os
import subprocess
from pathlib import Path

from scaffold import REPOSITORY

VENDOR = REPOSITORY / "<<cookiecutter.repo_name>>" / "vendor"


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.whl")}


def test_the_vendored_wheels_are_fresh(tmp_path: Path) -> None:
    # Another umask and time zone must not show in the bytes.
    build = f"umask 077 && scripts/vendor.sh '{tmp_path}'"
    subprocess.run(
        ["sh", "-c", build],
        cwd=REPOSITORY,
        env={**os.environ, "TZ": "Asia/Tokyo"},
        check=True,
        capture_output=True,
    )
    assert digests(tmp_path) == digests(VENDOR), "run: make vendor"
