"""The page that remains of a walk: its steps with their times, the lineage, and the rows."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from walk import REPOSITORY, DemoError, Project, Walk

FOLDER = REPOSITORY / "build/demo"
STEPS = 17


def write(walk: Walk, project: Project, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Write the page, in one piece, to where it stays: it needs nothing but itself.

    Args:
        walk: The walk with all of its steps.
        project: What it was about.
        tables: The rows of each table that was read back, by its name.

    Returns:
        The page.

    Raises:
        DemoError: A step is missing, or the lineage cannot be drawn.
    """
    steps = sorted(walk.steps, key=lambda step: step.first)
    if [number for step in steps for number in range(step.first, step.last + 1)] != list(range(1, STEPS + 1)):
        raise DemoError(f"not all of the {STEPS} steps were taken: {[step.number for step in steps]}.")
    lineage, script_hash = _lineage(walk, project)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.jinja").render(
        project=project,
        kind=walk.kind,
        kept=walk.keep,
        folder=str(walk.folder),
        steps=steps,
        total=_duration(sum(step.seconds for step in steps)),
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        tables=tables,
        lineage=lineage,
        script_hash=script_hash,
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = FOLDER / f"{walk.kind}.html"
    # Two demos may end at once, and a kill may come between two lines.
    half = FOLDER / f".{walk.folder.name}.html"
    half.write_text(page, encoding="utf-8")
    half.replace(written)
    return written


def _lineage(walk: Walk, project: Project) -> tuple[str, str]:
    """Return the lineage as a page, and the hash of its script, which this page's policy must allow."""
    drawn = walk.folder / "lineage.html"
    words = [".venv/bin/skyspark", "graph", "src/resources/config.yml", "--output", str(drawn)]
    walk.run(words, project.folder)
    content = drawn.read_text(encoding="utf-8")
    found = re.search(r"script-src '(sha256-[A-Za-z0-9+/=]+)'", content)
    if not found:
        raise DemoError(f"{drawn} does not say which script it runs.")
    return content, found[1]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
