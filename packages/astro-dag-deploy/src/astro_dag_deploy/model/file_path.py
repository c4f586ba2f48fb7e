"""Where a file may lie in the `dags/` folder of a deployment."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

# The name of a file has at most 255 bytes on Linux, a key of S3 1,024, up to 236 of which are the prefix.
MAX_BYTES = 200
MAX_PARTS = 20

_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED: Mapping[str, str] = {
    ".airflowignore": "it would hide the DAGs of other repositories",
    "astronomer_monitoring_dag.py": "the Astro CLI writes a file of this name there",
}


def problems_of_path(path: str) -> list[str]:
    """Say why a text is no path below `dags/`, in words that follow it such as `is empty`."""
    if not path:
        return ["is empty"]
    problems = []
    parts = path.split("/")
    if "" in parts:
        problems.append("has an empty part (a / at its start or end, or two in a row)")
    if "." in parts or ".." in parts:
        problems.append("has a part that is . or ..")
    if "\\" in path:
        problems.append("has a backslash where a / must be")
    if _DRIVE.match(path):
        problems.append("begins with a drive letter")
    # Control characters, line ends and marks that are not seen; of blanks only the common one is let through.
    if not path.isprintable():
        problems.append("has a character that cannot be printed")
    if any(part != part.strip() for part in parts):
        problems.append("has a blank at the start or end of a part")
    if len(path.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        problems.append(f"is longer than {MAX_BYTES} bytes")
    if len(parts) > MAX_PARTS:
        problems.append(f"has more than {MAX_PARTS} parts")
    if reason := _RESERVED.get(parts[0].lower()):
        problems.append(f"must not be at the top of dags/, because {reason}")
    return problems


def clashes(paths: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Find the paths that no folder can hold together, on a laptop that does not tell cases apart.

    Yields:
        The path, the other one, and words to put between them.
    """
    files: dict[str, str] = {}
    for path in paths:
        other = files.setdefault(_folded(path), path)
        if other != path:
            yield path, other, "differs only by case from"
    for path in paths:
        folded = _folded(path)
        for index, character in enumerate(folded):
            if character == "/" and folded[:index] in files:
                yield path, files[folded[:index]], "has a folder of the same name as"


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
