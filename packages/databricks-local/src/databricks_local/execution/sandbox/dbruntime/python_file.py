"""Python files as main modules."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


def run_file(file: Path, arguments: Sequence[str]) -> None:
    """Run a Python file as the main module.

    Args:
        file: The file.
        arguments: Its parameters.
    """
    sys.argv = [str(file), *arguments]
    main = ModuleType("__main__")
    main.__file__ = str(file)
    # What it defines is found by name in this module, for instance when it is pickled.
    sys.modules["__main__"] = main
    exec(compile(file.read_bytes(), str(file), "exec"), main.__dict__)  # noqa: S102
