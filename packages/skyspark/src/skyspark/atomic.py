"""Writing a file so that whoever reads it finds it whole: as it was, or as it is now."""

import tempfile
from pathlib import Path

from skyspark.errors import OutputError


def write_text(path: Path, content: str) -> None:
    """Write a file in one step; after a failure it is as it was before.

    Args:
        path: The file; its folder is made when absent.
        content: What is to be in it, written as UTF-8.

    Raises:
        OutputError: It cannot be written.
    """
    # What a link points at is replaced, not the link.
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            # A pipe or a device such as /dev/stdout cannot be replaced.
            path.write_text(content, encoding="utf-8")
            return
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
            new = Path(scratch) / path.name
            new.write_text(content, encoding="utf-8")
            new.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from error
