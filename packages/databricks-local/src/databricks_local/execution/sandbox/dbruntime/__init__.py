"""Databricks' own Python package, as far as tasks and databricks-sdk look into it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class UserNamespaceInitializer:
    """Gives Python files the names that notebooks have; databricks-sdk's ``runtime`` module asks it."""

    _only: UserNamespaceInitializer | None = None

    @classmethod
    def getOrCreate(cls) -> UserNamespaceInitializer:  # noqa: N802
        """Return the only one."""
        cls._only = cls._only or cls()
        return cls._only

    def get_namespace_globals(self) -> dict[str, Any]:
        """Return the names.

        Raises:
            ImportError: This is no task's main process, and databricks-sdk has its own way there.
        """
        from . import namespace, task

        try:
            task.current()
        except RuntimeError as error:
            raise ImportError(str(error)) from None
        return namespace.names()
