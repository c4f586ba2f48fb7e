"""The workspace tree: files, notebooks and folders below ``/Workspace``.

The files themselves say what is there and how large it is, because tasks write them too; the store only
adds what a file cannot hold: the id, the language of a notebook, when it was made.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row

from databricks_local.clock import Clock
from databricks_local.errors import ApiError, exists, invalid, missing
from databricks_local.files.folder import Entry, Folder, parts_of
from databricks_local.files.notebooks import Notebook
from databricks_local.store import Store

# own_mtime_ns: the file's time when the API wrote it; another one means that a task changed the file since.
SCHEMA = """
CREATE TABLE IF NOT EXISTS workspace_objects (
    path TEXT PRIMARY KEY,
    object_id INTEGER NOT NULL UNIQUE,
    language TEXT,
    jupyter INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    own_mtime_ns INTEGER
) STRICT
"""

_MOUNT = "Workspace"


@dataclass(frozen=True)
class WorkspaceObject:
    """What one path of the tree holds.

    Attributes:
        path: The path without ``/Workspace``.
        object_id: Its number.
        kind: ``FILE``, ``NOTEBOOK`` or ``DIRECTORY``.
        language: A notebook's language: ``PYTHON``, ``SQL``, ``SCALA``, ``R``.
        jupyter: Whether a notebook was imported as Jupyter's JSON. Its file holds the source format anyway.
        created_ms: When it was made, in milliseconds since the epoch.
        modified_ms: When its content was changed last.
        size: Bytes; 0 for a folder.
    """

    path: str
    object_id: int
    kind: str
    language: str | None
    jupyter: bool
    created_ms: int
    modified_ms: int
    size: int


class FileTree:
    """The tree of one workspace. ``/Workspace/x`` and ``/x`` are the same object."""

    def __init__(self, root: Path, store: Store, clock: Clock, *, user: str) -> None:
        """Open the tree, with the folders that every workspace has.

        Args:
            root: The folder of the files.
            store: Keeps ids, languages and times.
            clock: The workspace's time.
            user: Whose home folder there is.
        """
        self._folder = Folder(root)
        self._store = store
        self._clock = clock
        home = parts_of(f"/Users/{user}")
        for parts in (home, ("Shared",), ("Repos",)):
            self._folder.make_folders(parts)
        self._kept = {(), ("Users",), home, ("Shared",), ("Repos",)}

    def find(self, path: str) -> WorkspaceObject | None:
        """Return the object at a path, or None.

        Args:
            path: With or without ``/Workspace``.

        Raises:
            ApiError: 400: it cannot be a path.
        """
        parts = _parts(path)
        entry = self._folder.find(parts)
        return None if entry is None else self._object(parts, entry)

    def get(self, path: str) -> WorkspaceObject:
        """Return the object at a path.

        Raises:
            ApiError: 404: nothing is there; 400: it cannot be a path.
        """
        found = self.find(path)
        if found is None:
            raise missing(f"Path ({path}) doesn't exist.")
        return found

    def by_id(self, object_id: int) -> WorkspaceObject | None:
        """Return the object with a number, or None.

        Args:
            object_id: The number.
        """
        select = "SELECT path FROM workspace_objects WHERE object_id = ?"
        row = self._store.db.execute(select, (object_id,)).fetchone()
        return self.find(row["path"]) if row else None

    def local(self, path: str) -> Path:
        """Return where an object really is, for tasks. A notebook's file holds its source format.

        Args:
            path: With or without ``/Workspace``.

        Raises:
            ApiError: 404: nothing is there; 400: it cannot be a path.
        """
        found = self._folder.local(_parts(path))
        if found is None:
            raise missing(f"Path ({path}) doesn't exist.")
        return found

    def read(self, path: str) -> bytes:
        """Return the content of a file, or of a notebook in source format.

        Raises:
            ApiError: 404: it is not there.
        """
        try:
            with self._folder.open(_parts(path)) as stream:
                return stream.read()
        except FileNotFoundError:
            raise missing(f"Path ({path}) doesn't exist.") from None

    def children(self, path: str) -> list[WorkspaceObject]:
        """Return what is directly in a folder; for a file or notebook itself.

        Raises:
            ApiError: 404: it is not there.
        """
        found = self.get(path)
        if found.kind != "DIRECTORY":
            return [found]
        parts = _parts(path)
        with self._store.transaction():
            return [self._object((*parts, entry.name), entry) for entry in self._folder.entries(parts)]

    def make_directories(self, path: str) -> None:
        """Make a folder and those above it that are missing.

        Raises:
            ApiError: 400: a file or notebook has one of the names.
        """
        try:
            self._folder.make_folders(_parts(path))
        except FileExistsError:
            raise exists(f"Path ({path}) already exists and is not a directory.") from None

    def put(self, path: str, file: Path, notebook: Notebook | None, *, overwrite: bool) -> None:
        """Move a whole file into the tree.

        Args:
            path: Where to.
            file: A file on the tree's file system, which is not written any more.
            notebook: What is known of it when it is a notebook.
            overwrite: Whether a file or notebook may be there already.

        Raises:
            ApiError: 404: the folder is missing; 400: something is there that may not be overwritten.
        """
        parts = _parts(path)
        if not parts:
            raise invalid(f"Path ({path}) is a directory.")
        above = self._folder.find(parts[:-1])
        if above is None or not above.is_dir:
            parent = path.rstrip("/").rpartition("/")[0]
            raise missing(f"The parent folder ({parent}) does not exist.")
        self._refuse_to_replace(path, "NOTEBOOK" if notebook else "FILE", overwrite=overwrite)
        now = self._clock.now_ms()
        # The row comes first: without its file it is nothing, but a notebook without its row were a file.
        self._store.db.execute(
            "INSERT INTO workspace_objects VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
            " language = excluded.language, jupyter = excluded.jupyter, modified_ms = excluded.modified_ms,"
            " own_mtime_ns = excluded.own_mtime_ns",
            (
                _joined(parts),
                self._next_id(),
                notebook.language if notebook else None,
                bool(notebook and notebook.jupyter),
                now,
                now,
                file.stat().st_mtime_ns,
            ),
        )
        self._folder.put(parts, file)

    def delete(self, path: str, *, recursive: bool) -> None:
        """Remove an object.

        Args:
            path: Its path.
            recursive: Whether a folder may hold something.

        Raises:
            ApiError: 404: it is not there; 400: the folder is not empty, or it is one that must stay.
        """
        self.get(path)
        parts = _parts(path)
        if parts in self._kept:
            raise invalid(f"Path ({path}) is a system folder and cannot be deleted.")
        try:
            self._folder.remove(parts, recursive=recursive)
        except FileNotFoundError:
            raise missing(f"Path ({path}) doesn't exist.") from None
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            message = f"Folder ({path}) is not empty"
            raise ApiError(400, "DIRECTORY_NOT_EMPTY", message) from None
        self._forget(_joined(parts))

    def _refuse_to_replace(self, path: str, kind: str, *, overwrite: bool) -> None:
        there = self.find(path)
        if there is None:
            self._forget(_joined(_parts(path)))
        elif not overwrite and there.kind == "FILE" == kind:
            raise exists(f"Path ({path}) already exists.", status=409)
        elif not overwrite:
            advice = "Please pass overwrite as true to overwrite it."
            raise exists(f"RESOURCE_ALREADY_EXISTS: {path} already exists. {advice}")
        elif there.kind != kind:
            mismatch = f"type mismatch (asked: {kind}, actual: {there.kind})"
            raise invalid(f"Cannot overwrite the asset at {path} due to {mismatch}.")

    def _forget(self, path: str) -> None:
        # '0' is the character after '/': the range holds all that is below the path.
        self._store.db.execute(
            "DELETE FROM workspace_objects WHERE path = ? OR (path > ? AND path < ?)",
            (path, path + "/", path + "0"),
        )

    def _object(self, parts: Sequence[str], entry: Entry) -> WorkspaceObject:
        path = _joined(parts)
        select = "SELECT * FROM workspace_objects WHERE path = ?"
        row = self._store.db.execute(select, (path,)).fetchone() or self._noticed(path, entry)
        notebook = row["language"] is not None and not entry.is_dir
        kind = "DIRECTORY" if entry.is_dir else "NOTEBOOK" if notebook else "FILE"
        ours = row["own_mtime_ns"] == entry.modified_ns
        return WorkspaceObject(
            path,
            row["object_id"],
            kind,
            row["language"] if notebook else None,
            bool(row["jupyter"]) and notebook,
            row["created_ms"],
            row["modified_ms"] if ours else entry.modified_ms,
            entry.size,
        )

    def _noticed(self, path: str, entry: Entry) -> Row:
        row: Row = self._store.db.execute(
            "INSERT INTO workspace_objects VALUES (?, ?, NULL, 0, ?, ?, NULL) RETURNING *",
            (path, self._next_id(), entry.modified_ms, entry.modified_ms),
        ).fetchone()
        return row

    def _next_id(self) -> int:
        return self._store.next_id("workspace_object")


def _parts(path: str) -> tuple[str, ...]:
    parts = parts_of(path)
    return parts[1:] if parts[:1] == (_MOUNT,) else parts


def _joined(parts: Sequence[str]) -> str:
    return "/" + "/".join(parts)
