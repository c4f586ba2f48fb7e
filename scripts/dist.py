"""Builds the packages for publication, checks what was built, and tries it in clean environments."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from distribution import building, dependencies, installing, metadata, published, sbom
from distribution.errors import DistributionError
from distribution.packages import Package, digest, packages

ROOT = Path(__file__).parent.parent
_EXAMPLES = """\
examples:
  make dist                                            all of it, as a release does
  python scripts/dist.py --ignore-changes              build the commit, whatever lies in the tree
  python scripts/dist.py --steps build,metadata        what takes seconds
  python scripts/dist.py --steps install --package skyspark
                                                       try again what lies in dist
  python scripts/dist.py --steps build,published       what would a release publish?

exit codes: 0 done, 1 something does not hold, 2 the request cannot be met, 130 stopped.
"""


def _build(chosen: Sequence[Package], options: argparse.Namespace) -> None:
    commit = building.check_tree(options.root, ignore_changes=options.ignore_changes)
    building.build(options.root, commit, chosen, options.output)


def _metadata(chosen: Sequence[Package], options: argparse.Namespace) -> None:
    metadata.check(chosen, options.output)


def _dependencies(chosen: Sequence[Package], _: argparse.Namespace) -> None:
    dependencies.check(chosen)


def _sbom(chosen: Sequence[Package], options: argparse.Namespace) -> None:
    sbom.write(chosen, options.output)


def _install(chosen: Sequence[Package], options: argparse.Namespace) -> dict[str, float]:
    return installing.check(
        chosen, options.output, latest=options.latest, say=lambda line: _say(f"      {line}")
    )


def _published(chosen: Sequence[Package], options: argparse.Namespace) -> dict[str, str]:
    found = published.check(chosen, options.output)
    for name, state in found.items():
        _say(f"      {name}: {state}")
    return found


# In the order in which they run.
STEPS: dict[str, tuple[str, Callable[[Sequence[Package], argparse.Namespace], object]]] = {
    "build": ("Building the commit twice, and comparing the bytes", _build),
    "metadata": ("Checking what an index shows of it (twine check --strict)", _metadata),
    "dependencies": ("Comparing imports with declared dependencies (deptry)", _dependencies),
    "sbom": ("Writing bills of materials (CycloneDX)", _sbom),
    "install": ("Installing each alone, and trying it", _install),
    "published": ("Comparing with what the package index has", _published),
}
_DEFAULT = [name for name in STEPS if name != "published"]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the steps that are asked for.

    Args:
        arguments: of the command line.
        root: the repository.

    Returns:
        The exit code.
    """
    options = _options(arguments, root)
    chosen = [package for package in packages(root) if package.name in options.package]
    result: dict[str, object] = {}
    try:
        for number, name in enumerate(options.steps, 1):
            title, step = STEPS[name]
            with _timed(f"[{number}/{len(options.steps)}] {title} …"):
                result[name] = step(chosen, options) or "done"
        files = {file.name: digest(file) for package in chosen for file in package.files(options.output)}
    except DistributionError as error:
        _say(f"error: {error}")
        if options.json:
            print(json.dumps({"error": str(error), "steps": result}, indent=2))
        return error.exit_code
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130
    if options.json:
        print(json.dumps({"folder": str(options.output), "sha256": files, "steps": result}, indent=2))
    else:
        for name, told in files.items():
            print(f"{told}  {name}")
    return 0


def _options(arguments: Sequence[str] | None, root: Path) -> argparse.Namespace:
    names = [package.name for package in packages(root)]
    parser = argparse.ArgumentParser(
        prog="dist.py",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--steps",
        type=_steps,
        default=_DEFAULT,
        metavar="STEP,STEP",
        help=f"which of {', '.join(STEPS)} to run, on what lies in the output folder unless it is built; "
        f"all but {', '.join(name for name in STEPS if name not in _DEFAULT)} by default",
    )
    parser.add_argument(
        "--package", action="append", choices=names, help="which package; repeat it; all by default"
    )
    parser.add_argument(
        "--output", type=Path, default=root / "dist", metavar="DIR", help="where to put it, dist by default"
    )
    parser.add_argument(
        "--ignore-changes",
        action="store_true",
        help="build the commit though the tree differs from it: what is not committed is left out",
    )
    parser.add_argument(
        "--latest",
        action="store_true",
        help="install the newest dependencies that are allowed, in place of those that the tests ran with",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of lines")
    options = parser.parse_args(arguments)
    options.package = options.package or names
    options.output = options.output.resolve()
    options.root = root
    return options


def _steps(text: str) -> list[str]:
    wanted = text.split(",")
    unknown = [name for name in wanted if name not in STEPS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(STEPS)}")
    return [name for name in STEPS if name in wanted]


@contextmanager
def _timed(title: str) -> Iterator[None]:
    _say(title)
    begun = time.monotonic()
    yield
    _say(f"      {time.monotonic() - begun:.1f} s")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
