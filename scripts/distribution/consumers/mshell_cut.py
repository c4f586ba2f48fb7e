"""What a program does with mshell-cut's modules, and what the project says that its command has cut."""

# ruff: noqa: S101
import json
from importlib.metadata import metadata, version
from pathlib import Path

from mshell_cut import __version__
from mshell_cut.catalogue import Template, find
from mshell_cut.releases import Release, is_tag, release

found: Template | None = find("skyspark")
assert found is not None
assert found.address is None
made: Release | None = release("v1.2.3", "0" * 40)
assert made is not None
assert is_tag(made.tag)
assert version("mshell-cut") == __version__

urls = dict(line.split(", ", 1) for line in metadata("mshell-cut").get_all("Project-URL") or [])
state = json.loads(Path("stack-exchange-pipeline/.cruft.json").read_text(encoding="utf-8"))
assert state["template"] == urls["Repository"]
assert len(state["commit"]) == 40
assert state["checkout"] in (None, f"v{__version__}")
