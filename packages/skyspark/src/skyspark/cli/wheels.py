"""``skyspark wheels``."""

import argparse
import sys

from skyspark.versions import runtime
from skyspark.wheels import package_wheels


def run(args: argparse.Namespace) -> int:
    """Collect the wheels and say what was shipped, left to the runtime, and replaced.

    Returns:
        The exit code.
    """
    target = runtime(args.runtime)
    ml = args.ml or "-ml-" in args.runtime
    done = package_wheels(
        args.requirement, target, args.output, args.requirements, ml=ml, find_links=args.find_links
    )
    for pin, version in done.replaced:
        by = f", asked for by {pin.via}" if pin.via else ""
        new = pin.version or "from its address"
        sys.stderr.write(f"warning: {pin.name} {new} replaces the runtime's {version} on the cluster{by}\n")
    size = sum(wheel.stat().st_size for wheel in done.wheels) / 1e6
    kind = f"{target.name}{' ML' if ml else ''}"
    sys.stdout.write(f"{len(done.wheels)} wheels ({size:.1f} MB) for Databricks {kind} in {args.output}\n")
    if done.left:
        sys.stdout.write(f"left to the runtime: {', '.join(pin.requirement for pin in done.left)}\n")
    return 0
