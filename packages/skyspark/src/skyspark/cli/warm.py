"""``skyspark warm``."""

import argparse
import sys

from skyspark.archive import class_archive
from skyspark.jars import find_jars
from skyspark.java import find_java
from skyspark.versions import installed_spark, spark_home
from skyspark.warm import warm


def run(args: argparse.Namespace) -> int:
    """Make the archive, saying so while it lasts.

    Returns:
        The exit code.
    """
    archive = class_archive(find_java(), spark_home(), find_jars(installed_spark()))
    if args.force or not archive.is_made():
        sys.stderr.write("making the class data archive, which takes about a minute …\n")
        sys.stderr.flush()
    archive, made = warm(force=args.force)
    size = archive.path.stat().st_size / 1e6
    how = "is now" if made else "is already"
    sys.stdout.write(f"the class data archive {how} in {archive.path} ({size:.0f} MB)\n")
    return 0
