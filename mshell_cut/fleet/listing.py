"""Which projects make up a fleet: folders, lists in files, and what GitHub says of an organisation.

A list is a YAML or JSON file: a sequence of projects, or a mapping that holds one under `projects`. A project
is a folder or a git address, or a mapping with `path` or `url` and, if need be, `branch` and `project` (the
folder in the repository). Paths are relative to the file.

An organisation's file is what `gh repo list ORG --json nameWithOwner,sshUrl,url,defaultBranchRef` prints
(https://cli.github.com/manual/gh_repo_list), or GitHub's own answer to `GET /orgs/ORG/repos`
(https://docs.github.com/en/rest/repos/repos#list-organization-repositories).
"""

import glob
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mshell_cut import config, source
from mshell_cut.credentials import without_credentials
from mshell_cut.errors import FileUnreadableError, RequestError
from mshell_cut.state import FILE

_KEYS = {"path", "url", "branch", "project"}


@dataclass(frozen=True)
class Entry:
    """One project of a fleet, as it was listed.

    Attributes:
        name: how reports call it.
        folder: where it lies on this machine, None where it is to be cloned.
        url: of its repository, where it is to be cloned.
        branch: where to start from; None for what is checked out, or the repository's default.
        inside: the project's folder in its repository, relative to `folder` or the clone; empty for the top.
    """

    name: str
    folder: Path | None = None
    url: str | None = None
    branch: str | None = None
    inside: str = ""


def listed(sources: Sequence[str], organisations: Sequence[Path]) -> list[Entry]:
    """Gather the projects of a fleet, each once, in the order they are named.

    Args:
        sources: files with lists, folders, and globs of folders.
        organisations: files with the repositories of a GitHub organisation.

    Raises:
        FileUnreadableError: a file cannot be read, or holds something else.
        RequestError: a source means nothing, or there is no project in all of them.
    """
    found: dict[tuple[object, ...], Entry] = {}
    for entry in _all(sources, organisations):
        place = entry.url or (entry.folder and (entry.folder / entry.inside).resolve())
        found.setdefault((place, entry.branch, entry.inside if entry.url else ""), entry)
    if not found:
        raise RequestError("There is no project to look at: what is named holds none.")
    return list(found.values())


def _all(sources: Sequence[str], organisations: Sequence[Path]) -> Iterator[Entry]:
    for word in sources:
        path = Path(word).expanduser()
        if path.is_file():
            yield from _from_file(path)
        elif path.is_dir():
            yield Entry(word, path.absolute())
        elif glob.has_magic(word):
            yield from _from_glob(word)
        else:
            raise RequestError(f"{word} is neither a file with a list, a folder nor a glob of folders.")
    for path in organisations:
        yield from _from_organisation(path)


def _from_glob(pattern: str) -> Iterator[Entry]:
    matches = sorted(glob.iglob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207 - `**` must not enter hidden folders
    folders = [match for match in matches if Path(match, FILE).is_file()]
    if not folders:
        raise RequestError(f"{pattern} means no folder with a {FILE}.")
    yield from (Entry(folder.rstrip("/"), Path(folder).absolute()) for folder in folders)


def _from_file(path: Path) -> Iterator[Entry]:
    found = config.read(path)
    if isinstance(found, dict):
        found = found.get("projects")
    if not isinstance(found, list):
        raise FileUnreadableError(path, "must hold a list of projects, or one under 'projects'")
    for number, item in enumerate(found, start=1):
        if isinstance(item, str):
            item = {"url" if source.is_remote(item) else "path": item}
        fault = _fault(item)
        if fault:
            raise FileUnreadableError(path, f"project {number} {fault}")
        yield _entry(item, path.parent)


def _fault(item: Any) -> str | None:
    if not isinstance(item, dict) or not all(isinstance(value, str) and value for value in item.values()):
        return "is neither a path, an address nor a mapping from names to texts"
    unknown = sorted(map(str, item.keys() - _KEYS))
    if unknown:
        return f"has '{unknown[0]}': there are {', '.join(sorted(_KEYS))}"
    if ("path" in item) == ("url" in item):
        return "needs one of 'path' and 'url'"
    if "url" in item and not source.is_remote(item["url"]):
        return "has a 'url' that is no git address: write 'path' for a folder"
    inside = PurePosixPath(item.get("project", ""))
    if inside.is_absolute() or ".." in inside.parts:
        return "has a 'project' that is no folder in the repository"
    return None


def _entry(item: Mapping[str, str], base: Path) -> Entry:
    inside = str(PurePosixPath(item.get("project", "")))
    inside = "" if inside == "." else inside
    place = item.get("path") or without_credentials(item["url"])
    name = f"{place.rstrip('/')}/{inside}".rstrip("/") if inside else place
    if "url" in item:
        return Entry(name, url=source.expand(item["url"]), branch=item.get("branch"), inside=inside)
    folder = (base / Path(item["path"]).expanduser()).absolute()
    return Entry(name, folder, branch=item.get("branch"), inside=inside)


def _from_organisation(path: Path) -> Iterator[Entry]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileUnreadableError(path, error.strerror or "cannot be read") from None
    except ValueError as error:
        raise FileUnreadableError(path, f"is no JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise FileUnreadableError(
            path, "must hold a list of repositories, as 'gh repo list --json …' prints it"
        )
    for item in found:
        if item.get("isArchived") or item.get("archived"):
            continue
        # What `gh` calls `url` is the page, whose address git takes; in GitHub's answer it is the API's.
        url = _first(item, ("sshUrl", "ssh_url", "clone_url", "url"))
        name = _first(item, ("nameWithOwner", "full_name")) or url
        branch = item.get("defaultBranchRef") or item.get("default_branch")
        if isinstance(branch, dict):
            branch = branch.get("name")
        if not url or not name or not source.is_remote(url) or not isinstance(branch, str | None):
            raise FileUnreadableError(
                path, f"{name or 'a repository'} has no git address: print it with sshUrl"
            )
        yield Entry(name, url=source.expand(url), branch=branch or None)


def _first(item: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    return next((item[key] for key in keys if isinstance(item.get(key), str) and item[key]), None)
