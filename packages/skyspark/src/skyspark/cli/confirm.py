"""Asking before something is changed."""

import argparse
import sys

from skyspark.errors import UsageError


def confirmed(args: argparse.Namespace, question: str) -> bool:
    """Ask a question with yes or no; ``--yes`` answers it.

    Args:
        args: With ``yes`` and ``json``.
        question: Such as ``deploy?``.

    Raises:
        UsageError: There is nobody to ask.
    """
    if args.yes:
        return True
    if args.json or not sys.stdin.isatty():
        raise UsageError("there is nobody to ask: give --yes, or --dry-run to see what would be done.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")
