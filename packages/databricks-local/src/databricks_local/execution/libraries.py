"""The libraries of a task: installed once for what they hold, into a folder that tasks put on their path."""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from databricks_local.execution.images import Image
from databricks_local.execution.interpreter import Interpreter
from databricks_local.execution.places import PlaceError, find_file
from databricks_local.execution.processes import MARK, mark, run_supervised

_INSTALLER = Path(__file__).parent / "sandbox" / "dbruntime" / "install.py"


class LibraryError(Exception):
    """A library cannot be installed; the text is for the run's state message."""


class Libraries:
    """What was installed in a workspace so far."""

    def __init__(self, root: Path, *, offline: bool) -> None:
        """Prepare.

        Args:
            root: The workspace's folder.
            offline: Ask no package index.
        """
        self._root = root
        self._offline = offline
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def installed(self, wanted: Iterable[str], python: Interpreter, scratch: Path) -> Path | None:
        """Return the folder with what an interpreter lacks; None when nothing is wanted.

        Args:
            wanted: Requirements, paths of files and options, as ``uv pip install`` takes them.
            python: Who is to import it.
            scratch: A folder for what is said meanwhile.

        Raises:
            LibraryError: Something cannot be installed.
        """
        words = list(wanted)
        if not words:
            return None
        key = await asyncio.to_thread(_key, words, python)
        target = self._root / "environments" / key
        async with self._locks[key]:
            if not target.is_dir():
                await self._install(words, python, target, scratch)
        return target

    async def _install(self, words: list[str], python: Interpreter, target: Path, scratch: Path) -> None:
        half = target.with_name(f".{target.name}")
        await asyncio.to_thread(shutil.rmtree, half, ignore_errors=True)
        half.mkdir(parents=True)
        order = {
            "uv": find_uv_bin(),
            "python": str(python.path),
            "wanted": words,
            "target": str(half),
            "offline": self._offline,
        }
        said = scratch / "install.log"
        code = await run_supervised(
            [sys.executable, "-I", "-S", _INSTALLER],
            environment=self._environment(),
            folder=scratch,
            stdout=said,
            stderr=said,
            given=json.dumps(order).encode(),
        )
        if code:
            shutil.rmtree(half, ignore_errors=True)
            raise LibraryError(f"Library installation failed: {said.read_text(errors='replace').strip()}")
        half.rename(target)

    def _environment(self) -> dict[str, str]:
        # Mirrors and proxies of package indexes are the machine's; no credentials of a workspace are.
        own = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
        return own | {MARK: mark(self._root, "libraries")}


def wanted_of_libraries(
    libraries: Iterable[Mapping[str, Any]], root: Path, image: Image | None, scratch: Path
) -> list[str]:
    """Return a task's ``libraries`` as ``uv pip install`` takes them.

    Args:
        libraries: As the Jobs API has them.
        root: The workspace's folder.
        image: The image they may lie in.
        scratch: A folder for rewritten files of requirements.

    Raises:
        LibraryError: One is not there, or of a kind that Python does not import.
    """
    words: list[str] = []
    for library in libraries:
        for kind, value in library.items():
            if kind == "whl":
                words.append(str(_file(value, root, image)))
            elif kind == "pypi":
                words.append(value["package"])
                words += ["--extra-index-url", value["repo"]] if value.get("repo") else []
            elif kind == "requirements":
                words += ["-r", _rewritten(_file(value, root, image), root, image, scratch)]
            else:
                raise LibraryError(
                    f"Library installation failed: databricks-local installs no {kind} libraries."
                )
    return words


def wanted_of_environment(
    dependencies: Iterable[str], root: Path, image: Image | None, scratch: Path
) -> list[str]:
    """Return the ``dependencies`` of a serverless environment as ``uv pip install`` takes them.

    Args:
        dependencies: Lines as in a file of requirements.
        root: The workspace's folder.
        image: The image they may lie in.
        scratch: A folder for rewritten files of requirements.

    Raises:
        LibraryError: A file is not there.
    """
    words: list[str] = []
    for line in dependencies:
        words += _words(line, root, image, scratch)
    return words


def _words(line: str, root: Path, image: Image | None, scratch: Path) -> list[str]:
    """Return one line of a file of requirements, paths of the workspace replaced."""
    text = line.split(" #")[0].strip()
    if not text or text.startswith("#"):
        return []
    if text.startswith(("-r ", "--requirement ", "-c ", "--constraint ")):
        option, _, path = text.partition(" ")
        return [option, _rewritten(_file(path.strip(), root, image), root, image, scratch)]
    if text.startswith(("/", "dbfs:/")):
        return [str(_file(text, root, image))]
    # An option and its value are two words; a requirement with its marker is one.
    return text.split(None, 1) if text.startswith("-") else [text]


def _rewritten(file: Path, root: Path, image: Image | None, scratch: Path) -> str:
    written = file.read_text().replace("\\\n", " ").splitlines()
    lines = [" ".join(_words(line, root, image, scratch)) for line in written]
    text = "\n".join(lines)
    # Named after what it holds: the name is part of what is asked for, and so of the cache's key.
    copy = scratch / f"requirements-{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    copy.write_text(text + "\n")
    return str(copy)


def _file(path: str, root: Path, image: Image | None) -> Path:
    try:
        return (image and image.file(path)) or find_file(root, path)
    except PlaceError as error:
        raise LibraryError(
            f"Library installation failed for library due to user error for {path}: {error}"
        ) from None


def _key(words: list[str], python: Interpreter) -> str:
    digest = hashlib.sha256(python.fingerprint.encode())
    for word in words:
        _add(digest, word)
    return digest.hexdigest()[:32]


def _add(digest: "hashlib._Hash", word: str) -> None:
    path = Path(word)
    if not path.is_absolute() or not path.is_file():
        digest.update(f"{word}\0".encode())
        return
    digest.update(f"{path.name}\0".encode())
    with path.open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    if path.suffix == ".txt":
        # A wheel that a file of requirements names may have changed without its name.
        for named in path.read_text().split():
            if named.endswith((".whl", ".txt")):
                _add(digest, named)
