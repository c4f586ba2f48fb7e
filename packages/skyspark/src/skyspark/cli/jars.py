"""``skyspark jars fetch``."""

import argparse
import sys

from skyspark.errors import JarsNotFoundError
from skyspark.jars import fetch_jars, find_jars
from skyspark.versions import installed_spark


def run(_: argparse.Namespace) -> int:
    """Fetch the jars of the installed Spark, saying so while it lasts.

    Returns:
        The exit code.
    """
    line = installed_spark()
    try:
        find_jars(line)
    except JarsNotFoundError:
        sys.stderr.write(f"fetching Delta {line.delta} for Spark {line.name} …\n")
        sys.stderr.flush()
    paths, fetched = fetch_jars(line)
    how = "are now" if fetched else "are already"
    sys.stdout.write(f"the Delta {line.delta} jars for Spark {line.name} {how} in {paths[0].parent}\n")
    return 0
