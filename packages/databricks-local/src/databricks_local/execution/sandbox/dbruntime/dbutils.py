"""dbutils, as tasks use it: widgets, notebooks, task values, secrets and files.

Reference: https://docs.databricks.com/dev-tools/databricks-utils
"""

import builtins
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from . import files, task


class InputWidgetNotDefined(Exception):  # noqa: N818
    """A widget was asked for that neither the notebook nor its caller defined."""


class NotebookExit(BaseException):
    """A notebook is done; not an ``Exception``, so that no ``except Exception`` of the notebook holds it up.

    Attributes:
        value: What it hands to its caller.
    """

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class DBUtils:
    """What notebooks know as ``dbutils``.

    Attributes:
        widgets: The notebook's parameters.
        notebook: Ends the notebook or runs others.
        jobs: Values that tasks hand on.
        secrets: Those of the workspace's scopes, and of its server's environment variables
            ``DATABRICKS_LOCAL_SECRET_<SCOPE>__<KEY>``.
        fs: Files.
        library: Restarts Python.
    """

    def __init__(self, arguments: Mapping[str, str], folder: str = "/") -> None:
        """Make the utilities of one notebook.

        Args:
            arguments: The values its caller gave.
            folder: The notebook's folder, which relative paths start from.
        """
        self.widgets = _Widgets(arguments)
        self.notebook = _Notebook(folder)
        self.jobs = SimpleNamespace(taskValues=_TaskValues())
        self.secrets = _Secrets()
        self.fs = files.Files()
        self.library = _Library()


_of_task: DBUtils | None = None


def dbutils_of_task() -> DBUtils:
    """Return the utilities of the task itself."""
    global _of_task
    if _of_task is None:
        _of_task = DBUtils(task.current().spec["arguments"])
    return _of_task


class _Widgets:
    def __init__(self, arguments: Mapping[str, str]) -> None:
        self._arguments = dict(arguments)
        self._defaults: dict[str, str] = {}

    def text(self, name: str, defaultValue: str = "", label: str | None = None) -> None:  # noqa: N803
        self._defaults[name] = str(defaultValue)

    def dropdown(
        self,
        name: str,
        defaultValue: str,  # noqa: N803
        choices: Any = (),
        label: str | None = None,
    ) -> None:
        self._defaults[name] = str(defaultValue)

    combobox = multiselect = dropdown

    def get(self, name: str) -> str:
        if name in self._arguments:
            return self._arguments[name]
        if name not in self._defaults:
            raise InputWidgetNotDefined(f"No input widget named {name} is defined")
        return self._defaults[name]

    def getArgument(self, name: str, defaultValue: str | None = None) -> str:  # noqa: N802, N803
        if defaultValue is not None and name not in self._arguments and name not in self._defaults:
            return defaultValue
        return self.get(name)

    def getAll(self) -> dict[str, str]:  # noqa: N802
        return {**self._defaults, **self._arguments}

    def remove(self, name: str) -> None:
        self._defaults.pop(name, None)

    def removeAll(self) -> None:  # noqa: N802
        self._defaults.clear()


class _Notebook:
    def __init__(self, folder: str) -> None:
        self._folder = folder

    def exit(self, value: Any = "") -> None:
        raise NotebookExit(str(value))

    def run(
        self,
        path: str,
        timeout_seconds: float = 0,
        arguments: Mapping[str, Any] | None = None,
    ) -> str:
        # The two need each other: a notebook has dbutils, and dbutils runs notebooks.
        from .notebook import run_notebook

        given = {str(name): str(value) for name, value in (arguments or {}).items()}
        return run_notebook(path, self._folder, given, timeout_seconds)

    @property
    def entry_point(self) -> Any:
        return SimpleNamespace(
            getDbutils=lambda: SimpleNamespace(
                notebook=lambda: SimpleNamespace(getContext=self.getContext),
            )
        )

    def getContext(self) -> "_Context":  # noqa: N802
        return _Context()


class _Option:
    """A value or none, as the JVM's objects give it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self) -> Any:
        if self._value is None:
            raise ValueError("None.get")
        return self._value

    def getOrElse(self, other: Any) -> Any:  # noqa: N802
        return other if self._value is None else self._value

    def isDefined(self) -> bool:  # noqa: N802
        return self._value is not None

    def toString(self) -> str:  # noqa: N802
        return "None" if self._value is None else f"Some({self._value})"


class _Context:
    """Where the notebook runs."""

    def __getattr__(self, name: str) -> Callable[[], _Option]:
        current = task.current()
        spec = current.spec
        known = {
            "apiToken": current.token,
            "apiUrl": current.host,
            "browserHostName": current.host.partition("://")[2],
            "clusterId": spec["cluster_id"],
            "currentRunId": spec["task_run_id"],
            "jobId": spec["job_id"],
            "notebookPath": spec.get("notebook"),
            "userName": spec["user"],
        }
        if name not in known:
            raise AttributeError(f"databricks-local does not imitate {name} of the notebook's context")
        return lambda: _Option(known[name])

    def tags(self) -> SimpleNamespace:
        spec = task.current().spec
        tags = {
            "jobId": spec["job_id"],
            "jobName": spec["job_name"],
            "multitaskParentRunId": spec["run_id"],
            "runId": spec["task_run_id"],
            "taskKey": spec["task_key"],
            "clusterId": spec["cluster_id"],
            "user": spec["user"],
        }
        texts = {name: None if value is None else str(value) for name, value in tags.items()}
        return SimpleNamespace(
            apply=lambda name: _Option(texts.get(name)).get(), get=lambda name: _Option(texts.get(name))
        )


class _TaskValues:
    def set(self, key: str, value: Any) -> None:
        task.current().set_value(key, value)

    def get(
        self,
        taskKey: str,  # noqa: N803
        key: str,
        default: Any = None,
        debugValue: Any = None,  # noqa: N803
    ) -> Any:
        values = task.current().spec["task_values"].get(taskKey)
        if values is not None and key in values:
            return values[key]
        if default is not None:
            return default
        what = f"with key {key} for task {taskKey}"
        raise ValueError(f"Task value {what} could not be found, and there is no default.")


class _Secrets:
    def get(self, scope: str, key: str) -> str:
        own = self._keys(scope)
        found = own.get(key) or _keys_of(_folded(scope)).get(_folded(key))
        if found is None:
            raise ValueError(f"Secret does not exist with scope: {scope} and key: {key}")
        return found

    def getBytes(self, scope: str, key: str) -> bytes:  # noqa: N802
        return self.get(scope, key).encode()

    def list(self, scope: str) -> builtins.list[Any]:
        return [SimpleNamespace(key=key) for key in sorted(self._keys(scope))]

    def listScopes(self) -> builtins.list[Any]:  # noqa: N802
        return [SimpleNamespace(name=name) for name in sorted(task.current().secrets)]

    def _keys(self, scope: str) -> Mapping[str, str]:
        found = {**_keys_of(_folded(scope)), **_keys_of(scope)}
        if not found:
            raise ValueError(f"Secret does not exist with scope: {scope}")
        return found


def _keys_of(scope: str) -> Mapping[str, str]:
    return task.current().secrets.get(scope, {})


def _folded(name: str) -> str:
    """Return a scope or key as an environment variable can spell it, in small letters."""
    return "".join(each if each.isalnum() else "_" for each in name).lower()


class _Library:
    def restartPython(self) -> None:  # noqa: N802
        """Do nothing: what ``%pip`` installed can be imported at once, and variables stay."""
