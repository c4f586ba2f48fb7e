"""Loaded by each Python process of a task, also by Spark's workers: paths and imports as on a cluster.

What it imports is paid by all of them, so it is little.
"""

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder

if "DATABRICKS_LOCAL_PATHS" in os.environ:
    import_module("dbruntime.paths").redirect()
    import_module("dbruntime.hooks").install()

# The environment's own file of this name, which this one hides.
_here = os.path.dirname(os.path.abspath(__file__))
_own = PathFinder.find_spec("sitecustomize", [each for each in sys.path if os.path.abspath(each) != _here])
if _own is not None and _own.loader is not None:
    from importlib.util import module_from_spec

    _own.loader.exec_module(module_from_spec(_own))
