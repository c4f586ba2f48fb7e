"""Fetching the wheels of resolved pins, and building those that exist as pure Python source only."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from skyspark.errors import WheelsError
from skyspark.versions import Runtime
from skyspark.wheels.index import pip_environment, without_secrets
from skyspark.wheels.resolve import Pin

_OLDEST_GLIBC = 5


def platforms(runtime: Runtime) -> list[str]:
    """Return the platform tags a runtime accepts (PEP 600: every glibc up to its own; PEP 599, 571, 513)."""
    newest = int(runtime.glibc.split(".")[1])
    modern = [f"manylinux_2_{minor}_x86_64" for minor in range(newest, _OLDEST_GLIBC - 1, -1)]
    return [*modern, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]


def fetch(pins: Sequence[Pin], runtime: Runtime, find_links: Sequence[Path], target: Path) -> None:
    """Put a wheel for each pin into a folder.

    Args:
        pins: What to fetch.
        runtime: The runtime they must run on.
        find_links: Folders with wheels.
        target: The folder.

    Raises:
        WheelsError: A package has no wheel for the runtime, and its source is not pure or does not build.
    """
    by_version = [pin for pin in pins if not pin.url]
    if by_version and not _download(by_version, runtime, find_links, target):
        for pin in by_version:
            if not _download([pin], runtime, find_links, target):
                _build(pin, runtime, find_links, target)
    for pin in pins:
        if pin.url:
            _build(pin, runtime, find_links, target)


def _download(pins: Sequence[Pin], runtime: Runtime, find_links: Sequence[Path], target: Path) -> bool:
    return not _pip(
        "download",
        "--no-deps",
        "--only-binary=:all:",
        f"--python-version={runtime.python}",
        "--implementation=cp",
        *(f"--platform={platform}" for platform in platforms(runtime)),
        f"--dest={target}",
        *(f"--find-links={folder.absolute()}" for folder in find_links),
        *(pin.requirement for pin in pins),
    ).returncode


def _build(pin: Pin, runtime: Runtime, find_links: Sequence[Path], target: Path) -> None:
    before = set(target.glob("*.whl"))
    links = (f"--find-links={folder.absolute()}" for folder in find_links)
    built = _pip("wheel", "--no-deps", f"--wheel-dir={target}", *links, pin.requirement)
    name = f"{pin.name} {pin.version}".strip()
    if built.returncode:
        reason = next(
            (line for line in built.stderr.splitlines() if "error" in line.lower()), "pip said nothing"
        )
        raise WheelsError(
            f"{name} has no wheel for {runtime.described} and does not build here: "
            f"{without_secrets(reason.strip())}"
        )
    for wheel in set(target.glob("*.whl")) - before:
        if not wheel.name.endswith("-none-any.whl") and not _runs_there(wheel, runtime):
            wheel.unlink()
            raise WheelsError(
                f"{name} has no wheel for {runtime.described}, and its source makes one for this machine "
                f"only ({wheel.name}): build it on that platform and put it into a folder given by "
                "--find-links, or choose another version."
            )


def _runs_there(wheel: Path, runtime: Runtime) -> bool:
    python, _, platform = wheel.stem.split("-")[-3:]
    of_target = f"cp{runtime.python.replace('.', '')}"
    return bool({"py3", of_target} & set(python.split("."))) and any(
        tag in platforms(runtime) and tag.startswith("manylinux") for tag in platform.split(".")
    )


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--quiet", "--no-input"],
        env=pip_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
