"""``skyspark jars list``."""

import argparse
import sys

from skyspark.errors import JarsNotFoundError
from skyspark.jars import find_jars
from skyspark.versions import installed_spark


def run(_: argparse.Namespace) -> int:
    """Print the paths of the installed Spark's jars, one a line, for programs that start Spark themselves.

    Returns:
        The exit code: 2 when the jars were not fetched yet.
    """
    try:
        paths = find_jars(installed_spark())
    except JarsNotFoundError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.writelines(f"{path}\n" for path in paths)
    return 0
