"""Where paths of the workspace lie on this machine."""

import posixpath
from pathlib import Path


class PlaceError(Exception):
    """A path that names nothing below the folders of the workspace."""


def roots(root: Path) -> dict[str, Path]:
    """Return the folders that stand for what a cluster mounts.

    Args:
        root: The workspace's folder.
    """
    return {"/Workspace": root / "workspace", "/Volumes": root / "volumes", "/dbfs": root / "dbfs"}


def find_file(root: Path, path: str) -> Path:
    """Return the file that a task or a library names.

    Args:
        root: The workspace's folder.
        path: ``/Workspace/…``, ``/Volumes/…``, ``dbfs:/…``, or a path of the workspace that begins with
            ``/Users``, ``/Shared`` or ``/Repos``.

    Raises:
        PlaceError: There is no such file, or the path leaves its folder, through a link for instance.
    """
    below = _plain(path)
    for name, folder in roots(root).items():
        if below.startswith(name + "/"):
            found = (folder / below[len(name) + 1 :]).resolve()
            if found.is_file() and found.is_relative_to(folder.resolve()):
                return found
    raise PlaceError(f"{path} does not exist.")


def in_workspace(path: str) -> bool:
    """Say whether a path is one of the workspace's tree, not of a volume or DBFS.

    Args:
        path: As for ``find_file``.
    """
    return _plain(path).startswith("/Workspace/")


def _plain(path: str) -> str:
    scheme, colon, rest = path.partition(":")
    if not colon or "/" in scheme:
        scheme, rest = "", path
    whole = posixpath.normpath("/" + rest.lstrip("/"))
    if scheme == "dbfs":
        return whole if whole.startswith("/Volumes/") else f"/dbfs{whole}"
    return whole if whole.startswith(("/Workspace/", "/Volumes/", "/dbfs/")) else f"/Workspace{whole}"
