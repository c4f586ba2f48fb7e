"""Builds what AWS runs, without Docker: the function's zip, and the layer with the program of the Astro CLI.

The same sources and the same lock make the same bytes, wherever zlib is the same.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PACKAGE = Path(__file__).parent
LOCK = PACKAGE / "requirements-lambda.lock"
SOURCES = PACKAGE / "src"
# Lambda's name of a processor: that of wheels, and its number in the head of a program (ELF's e_machine).
ARCHITECTURES = {"x86_64": ("x86_64", 0x3E), "arm64": ("aarch64", 0xB7)}
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: what can be uploaded without S3.
LARGEST = 50 * 1024 * 1024
# Zip knows no earlier moment.
MOMENT = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """A sentence about why nothing was built."""


def install(into: Path, *, architecture: str, python: str, uv: str | None) -> None:
    """Install the locked wheels for Lambda.

    Args:
        into: an empty folder.
        architecture: Lambda's name of the processor.
        python: the version of Python, as 3.12.
        uv: the program uv; without it pip is asked, of the interpreter that runs this.

    Raises:
        BuildError: not all wheels could be had.
    """
    machine = ARCHITECTURES[architecture][0]
    if uv:
        command = [uv, "pip", "install", "--python-platform", f"{machine}-manylinux_2_28"]
    else:
        command = [sys.executable, "-m", "pip", "install", "--no-compile", "--implementation", "cp"]
        # uv takes wheels for an older system too; pip has to be told.
        for system in ("manylinux_2_28", "manylinux_2_17", "manylinux2014"):
            command += ["--platform", f"{system}_{machine}"]
    command += [
        "--quiet",
        "--python-version",
        python,
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--no-deps",
    ]
    command += ["--target", str(into), "--requirement", str(LOCK)]
    run(command, f"The wheels of {LOCK.name} could not be installed")


def needed(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder of packages that a function needs.

    Left out are caches, stubs, scripts and what installers note down; licences stay.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or name.parts[0] == "bin" or any(part.startswith(".") for part in name.parts):
            continue
        if path.suffix in (".pyc", ".pyi") or path.name == "py.typed":
            continue
        if name.parts[0].endswith(".dist-info") and not path.name.upper().startswith(("LICEN", "NOTICE")):
            continue
        yield path


def require_version(program: str, python: str) -> None:
    """Refuse a Python of another version.

    Raises:
        BuildError: it is one, or no Python at all.
    """
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    found = run([program, "-c", version], f"{program} is no Python").strip()
    if found != python:
        raise BuildError(f"{program} is Python {found}: name one of {python}, or leave it out.")


def compile_all(folder: Path, program: str) -> None:
    """Compile the modules of a folder, as Lambda would have to at each cold start: it can keep no cache.

    Args:
        folder: its content will lie in /var/task.
        program: a Python of the version of the runtime.

    Raises:
        BuildError: it did not compile something.
    """
    # Their own time of change would be compared with that in the zip, which is none.
    words = [
        "-m",
        "compileall",
        "-q",
        "-s",
        str(folder),
        "-p",
        "/var/task",
        "--invalidation-mode",
        "unchecked-hash",
    ]
    run([program, *words, str(folder)], "The modules could not be compiled", {"PYTHONHASHSEED": "0"})


def run(command: Sequence[str], failure: str, variables: Mapping[str, str] | None = None) -> str:
    """Run a program and return what it prints.

    Args:
        command: the program and its arguments.
        failure: a sentence without its end, for when it fails.
        variables: of the environment, beside this process's own.

    Raises:
        BuildError: it is not there or fails.
    """
    environment = {**os.environ, **(variables or {})}
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    except OSError as error:
        raise BuildError(f"{failure}: {error.strerror}.") from None
    if done.returncode:
        raise BuildError(f"{failure}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def write_zip(output: Path, files: Mapping[str, Path], *, mode: int = 0o644) -> None:
    """Write a zip whose bytes depend on the names and contents of its files alone.

    Args:
        output: replaced when the zip is whole.
        files: a file by its name in the zip.
        mode: of every file.

    Raises:
        BuildError: it is larger than Lambda takes.
    """
    handle, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=f".{output.name}-")
    os.close(handle)
    unfinished = Path(name)
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for member, path in sorted(files.items()):
                entry = zipfile.ZipInfo(member, MOMENT)
                entry.create_system = 3  # Unix, or the mode is not read
                entry.external_attr = (0o100000 | mode) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
        size = unfinished.stat().st_size
        if size > LARGEST:
            raise BuildError(f"{output.name} would have {size:,} bytes, and Lambda takes {LARGEST:,}.")
        unfinished.chmod(0o644)
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    unpacked = sum(path.stat().st_size for path in files.values())
    sys.stdout.write(
        f"{output.name}: {size / 1024**2:.1f} MB, {unpacked / 1024**2:.1f} MB unpacked, {len(files)} files, "
        f"sha256 {digest}\n"
    )


def build_lambda(
    output: Path, *, architecture: str, python: str, uv: str | None, compile_with: str | None
) -> None:
    """Build the function's zip: this package and what it needs, but for what Lambda's Python brings.

    That is boto3, botocore and what these need; boto3 1.36 is the oldest that will do.

    Raises:
        BuildError: a wheel could not be had, or the zip is too large.
    """
    if compile_with:
        require_version(compile_with, python)
    with tempfile.TemporaryDirectory() as folder:
        installed, task = Path(folder, "installed"), Path(folder, "task")
        install(installed, architecture=architecture, python=python, uv=uv)
        for source in (installed, SOURCES):
            for path in needed(source):
                target = task / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        if compile_with:
            compile_all(task, compile_with)
        files = (path for path in task.rglob("*") if path.is_file())
        write_zip(output, {path.relative_to(task).as_posix(): path for path in files})


def build_layer(output: Path, *, astro: Path, architecture: str) -> None:
    """Build the layer: Lambda shows it below /opt, so the program is /opt/bin/astro.

    Raises:
        BuildError: the file is no program for Lambda, or the zip is too large.
    """
    if not astro.is_file():
        raise BuildError(f"{astro} is no file: name the program of the Astro CLI.")
    with astro.open("rb") as program:
        head = program.read(20)
    # https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
    if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != ARCHITECTURES[architecture][1]:
        raise BuildError(
            f"{astro} is no program for Linux on {architecture}: take the release of the CLI for that."
        )
    write_zip(output, {"bin/astro": astro}, mode=0o755)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build what the command line names; a failure is one line and exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    verbs = parser.add_subparsers(dest="verb", required=True)
    function = verbs.add_parser("lambda", help="build the function's zip")
    function.add_argument("--python-version", default="3.12", help="of the runtime, by default 3.12")
    function.add_argument("--uv", help="the program uv; without it, pip of this interpreter")
    function.add_argument("--compile-with", help="a Python of that version: compile the modules, too")
    layer = verbs.add_parser("layer", help="build the layer with the Astro CLI")
    layer.add_argument("--astro", type=Path, required=True, help="the program of the Astro CLI, for Linux")
    for verb in (function, layer):
        verb.add_argument("--architecture", choices=ARCHITECTURES, default="x86_64")
        verb.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.verb == "layer":
            build_layer(chosen.output, astro=chosen.astro, architecture=chosen.architecture)
        else:
            build_lambda(
                chosen.output,
                architecture=chosen.architecture,
                python=chosen.python_version,
                uv=chosen.uv,
                compile_with=chosen.compile_with,
            )
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
