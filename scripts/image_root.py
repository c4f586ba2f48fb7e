"""What a project's image holds, without an engine: its Dockerfile walked into a folder that is its root."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PYTHON = "databricks/python3"
"""Where the base image has its environment, below the root."""

_UV = Path(__file__).parent.parent / ".venv/bin/uv"


class ImageError(Exception):
    """The walk cannot do what an engine would; the text says what."""


@dataclass(frozen=True)
class ImageRoot:
    """A folder that stands for the root of an image.

    Attributes:
        folder: The folder.
        python: The interpreter in it.
        copied: The files that the Dockerfile copied, with `/`, from the root.
        runtime: The versions of what the runtime brings, by normalised name.
        installed: The versions of what the Dockerfile installed beside that, by normalised name.
    """

    folder: Path
    python: Path
    copied: list[str]
    runtime: dict[str, str]
    installed: dict[str, str]


def build_context(project: Path, target: Path) -> Path:
    """Copy what .dockerignore lets through; of its patterns, the last one that matches decides.

    Args:
        project: The project's folder.
        target: Where the context is to lie.

    Returns:
        The target.
    """
    patterns = (project / ".dockerignore").read_text(encoding="utf-8").split()
    excepted = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")]
    for place, folders, names in os.walk(project):
        beside = Path(place).relative_to(project)
        # As an engine does: of what is ignored, only folders in which something is excepted are looked into.
        folders[:] = [
            name
            for name in sorted(folders)
            if not _ignored(folder := (beside / name).as_posix(), patterns)
            or any(pattern.startswith(f"{folder}/") for pattern in excepted)
        ]
        for name in sorted(names):
            if not _ignored((beside / name).as_posix(), patterns):
                (target / beside).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(project / beside / name, target / beside / name)
    return target


def _ignored(name: str, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if any(fnmatch.fnmatch(part, wanted) for part in (name, *map(str, Path(name).parents))):
            ignored = not pattern.startswith("!")
    return ignored


def make_runtime(project: Path, root: Path, collected: str, spark: Path) -> Path:
    """Make the environment that stands for `/databricks/python3`, with what a project leaves to the runtime.

    Args:
        project: The project's folder, with `requirements.lock`.
        root: The folder that stands for `/`; it must not be there yet.
        collected: What `make wheels` or `make package-dependencies` printed: it names what is left.
        spark: The `site-packages` of an environment with Spark, which Databricks brings.

    Returns:
        Its interpreter.

    Raises:
        ImageError: It cannot be made.
    """
    pins = _pins(project, collected)
    environment = root / PYTHON
    _run(sys.executable, "-m", "venv", environment, cwd=root.parent)
    python = environment / "bin/python"
    (pyspark,) = (pin for pin in pins if pin.startswith("pyspark=="))
    others = [pin for pin in pins if pin != pyspark]
    _run(_UV, "pip", "install", "--quiet", "--no-deps", "--python", python, *others, cwd=root)
    # Spark is released as source, whose build takes a minute: what is built already is linked.
    (packages,) = (environment / "lib").glob("python3*/site-packages")
    for name in ("pyspark", f"{pyspark.replace('==', '-')}.dist-info"):
        if not (spark / name).is_dir():
            raise ImageError(f"{spark} has no {name}, which the image's runtime is to bring.")
        (packages / name).symlink_to(spark / name)
    return python


def walk_dockerfile(project: Path, context: Path, root: Path, collected: str, spark: Path) -> ImageRoot:
    """Do a Dockerfile's instructions in a folder, over an environment that stands for the base image's.

    Args:
        project: The project's folder, with the Dockerfile and `requirements.lock`.
        context: The build context, as `build_context` makes it.
        root: The folder; it must not be there yet.
        collected: What `make wheels` printed: it names what is left to the runtime.
        spark: The `site-packages` of an environment with Spark, which Databricks injects into the image.

    Returns:
        What came of it.

    Raises:
        ImageError: An instruction is not known, fails, or replaces what the runtime brings.
    """
    python = make_runtime(project, root, collected, spark)
    runtime = _packages(python)
    copied: list[str] = []
    for keyword, arguments in _instructions((project / "Dockerfile").read_text(encoding="utf-8")):
        match keyword:
            case "FROM" if arguments.startswith("databricksruntime/standard:"):
                pass
            case "COPY":
                source, target = shlex.split(arguments)
                shutil.copytree(context / source, root / target.strip("/"), dirs_exist_ok=True)
                copied += [target + path.name for path in sorted((context / source).iterdir())]
            case "RUN":
                inside = re.sub(r"(?<![\w.])/(?=databricks/|opt/)", f"{shlex.quote(str(root))}/", arguments)
                _run("/bin/sh", "-c", inside, cwd=root)
            case "ARG" | "LABEL":
                pass
            case _:
                raise ImageError(f"{project / 'Dockerfile'}: the walk does not know {keyword} {arguments}.")
    now = _packages(python)
    replaced = [name for name, version in runtime.items() if now.get(name) != version]
    if replaced:
        raise ImageError(f"the image replaces what the runtime brings: {', '.join(replaced)}.")
    return ImageRoot(root, python, copied, runtime, {k: v for k, v in now.items() if k not in runtime})


def _instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield the keyword and the arguments of each instruction."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.strip():
            keyword, _, arguments = line.partition(" ")
            yield keyword, arguments.strip()


def _pins(project: Path, collected: str) -> list[str]:
    """Pin what the runtime brings and the apps use; local Spark stands for the one Databricks injects."""
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    spark = re.findall(r"^((?:pyspark|delta-spark|py4j)==[^ ]+)", lock, re.MULTILINE)
    left = re.findall(r"^left to the runtime: (.*)$", collected, re.MULTILINE)
    if len(left) != 1:
        raise ImageError(f"nothing says what is left to the runtime: {collected[-300:]}")
    return [*spark, *left[0].split(", ")]


def _packages(python: Path) -> dict[str, str]:
    listed = json.loads(_run(python, "-m", "pip", "list", "--format", "json", cwd=python.parent))
    return {re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in listed}


def _run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ImageError(f"{' '.join(map(str, words))} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout
