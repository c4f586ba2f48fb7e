"""Where the rows lie between the steps: JSON lines, on a disk or in a bucket."""

import json
from collections.abc import Iterable

from airflow.sdk import ObjectStoragePath

from << cookiecutter.pipeline_name >>.steps import Row


def write(root: str, layer: str, day: str, rows: Iterable[Row]) -> str:
    """Write the rows of a day, in place of those that were there.

    Args:
        root: a folder or bucket, such as `s3://bucket/folder` or `file:///folder`.
        layer: bronze, silver or gold.
        day: such as 2026-01-31.
        rows: at least one.

    Returns:
        The file, for `read`.

    Raises:
        ValueError: there are no rows.
    """
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if not text:
        raise ValueError(f"There are no {layer} rows for {day}: see what the step before wrote.")
    folder = ObjectStoragePath(root) / layer
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{day}.jsonl"
    file.write_text(text)
    return str(file)


def read(file: str) -> list[Row]:
    """Read the rows of a file that `write` wrote."""
    return [json.loads(line) for line in ObjectStoragePath(file).read_text().splitlines()]
