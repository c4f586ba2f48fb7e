"""``skyspark doctor``."""

import argparse
import json
import os
import sys
from dataclasses import asdict

from skyspark.doctor import examine


def run(args: argparse.Namespace) -> int:
    """Print each check as it is done.

    Returns:
        The exit code: 1 when a check fails.
    """
    # This is about the machine: a server named by the shell would be examined instead.
    os.environ.pop("SPARK_REMOTE", None)
    checks = []
    for check in examine():
        checks.append(check)
        if not args.json:
            sys.stdout.write(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}\n")
            sys.stdout.flush()
    if args.json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], indent=1) + "\n")
    return 0 if all(check.ok for check in checks) else 1
