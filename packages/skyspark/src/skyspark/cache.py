"""Where SkySpark keeps what it fetched or made once for a user: jars and class data archives."""

import os
import sys
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache folder, which need not exist yet.

    ``SKYSPARK_CACHE_DIR`` names it; else it is ``skyspark`` below the user's cache folder: ``XDG_CACHE_HOME``
    or ``~/.cache`` (XDG base directory specification), ``~/Library/Caches`` on macOS.
    """
    if own := os.environ.get("SKYSPARK_CACHE_DIR"):
        return Path(own).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "skyspark"
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says that a relative path there is to be ignored.
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "skyspark"
