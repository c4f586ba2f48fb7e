"""From requirement files to a folder of wheels and a list of what is in it."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skyspark.errors import WheelsError
from skyspark.versions import Runtime
from skyspark.wheels.brought import brought_by, fits
from skyspark.wheels.fetch import fetch
from skyspark.wheels.resolve import Pin, require_pip, resolve

# The cluster's own Spark and Delta are another build: these beside it break it.
_NEVER_SHIPPED = frozenset(
    {"databricks-connect", "delta-spark", "pyspark", "pyspark-client", "pyspark-connect"}
)


@dataclass(frozen=True)
class Packaged:
    """What came of packaging.

    Attributes:
        wheels: The wheels, sorted by name.
        left: Packages the runtime brings in a version that fits; not shipped.
        replaced: Packages the runtime brings in another version, each with that version; shipped.
    """

    wheels: tuple[Path, ...]
    left: tuple[Pin, ...]
    replaced: tuple[tuple[Pin, str], ...]


def package_wheels(
    requirements: Sequence[Path],
    runtime: Runtime,
    output: Path,
    listing: Path,
    *,
    ml: bool = False,
    find_links: Sequence[Path] = (),
) -> Packaged:
    """Collect the wheels that requirements need on a runtime beyond what it brings.

    Args:
        requirements: Requirement files.
        runtime: The runtime.
        output: The folder for the wheels; other wheels in it are removed, other files stay.
        listing: The requirement file to write: exactly what is in the folder.
        ml: Whether it is the runtime's variant for machine learning.
        find_links: Folders with wheels that no index has.

    Raises:
        WheelsError: A file is missing, there is no resolution, PySpark or Delta would be shipped, or a
            package has no wheel. Nothing was changed then.
    """
    for path in (*requirements, *find_links):
        if not path.exists():
            raise WheelsError(f"'{path}' does not exist.")
    require_pip()
    brought = brought_by(runtime, ml=ml)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
        pins = resolve(requirements, runtime, brought, find_links, Path(scratch))
        _refuse_spark(pins)
        left = tuple(pin for pin in pins if pin.version and fits(pin.version, brought.get(pin.name, "")))
        shipped = [pin for pin in pins if pin not in left]
        fetched = Path(scratch) / "wheels"
        fetched.mkdir()
        fetch(shipped, runtime, find_links, fetched)
        wheels = _put(fetched, output)
    _write_listing(listing, shipped, runtime, ml=ml)
    replaced = tuple((pin, brought[pin.name]) for pin in shipped if pin.name in brought)
    return Packaged(wheels, left, replaced)


def _refuse_spark(pins: Sequence[Pin]) -> None:
    for pin in pins:
        if pin.name in _NEVER_SHIPPED:
            raise WheelsError(
                f"{pin.name} must not go to a cluster, which has its own, and {pin.via or 'a requirement'} "
                "asks for it: move it to the requirements for development."
            )


def _put(fetched: Path, output: Path) -> tuple[Path, ...]:
    output.mkdir(exist_ok=True)
    new = {wheel.name for wheel in fetched.glob("*.whl")}
    for wheel in fetched.glob("*.whl"):
        wheel.replace(output / wheel.name)
    for wheel in output.glob("*.whl"):
        if wheel.name not in new:
            wheel.unlink()
    return tuple(sorted(output / name for name in new))


def _write_listing(listing: Path, shipped: Sequence[Pin], runtime: Runtime, *, ml: bool) -> None:
    kind = f"{runtime.name}{' ML' if ml else ''}"
    lines = [
        f"# What goes to Databricks {kind} beside the project's own wheel; written by 'skyspark wheels'."
    ]
    lines += sorted(pin.requirement for pin in shipped)
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
