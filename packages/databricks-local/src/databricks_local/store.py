"""The workspace's memory: one SQLite file, used from the server's event loop only."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = "CREATE TABLE IF NOT EXISTS ids (kind TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT"


class Store:
    """An open database.

    Attributes:
        db: The connection: rows are ``sqlite3.Row``, each statement outside a transaction commits at once.
    """

    def __init__(self, file: Path, schemas: Iterable[str] = ()) -> None:
        """Open or make the database.

        Args:
            file: The database's file.
            schemas: ``CREATE … IF NOT EXISTS`` scripts of those who keep tables in it.
        """
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        # After a power cut the last transactions may be gone; a killed process loses none.
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.execute("PRAGMA foreign_keys=ON")
        for schema in (_SCHEMA, *schemas):
            self.db.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Have all statements inside take effect, or, when an exception leaves, none. May be nested."""
        if self.db.in_transaction:
            yield self.db
            return
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def next_id(self, kind: str) -> int:
        """Return a number that was never given out for this kind, also before a restart.

        Args:
            kind: What is numbered, such as ``job`` or ``run``.
        """
        row = self.db.execute(
            "INSERT INTO ids VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET last = last + 1 RETURNING last",
            (kind,),
        ).fetchone()
        return int(row["last"])

    def close(self) -> None:
        """Write what is pending and close the file."""
        self.db.close()
