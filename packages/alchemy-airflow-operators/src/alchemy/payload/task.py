"""The one task of a submitted run.

The fields are those of ``tasks`` in https://docs.databricks.com/api/workspace/jobs/submit.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from alchemy.errors import PayloadError
from alchemy.payload.text import texts

# A relative path is one of a git repository, which the run has not.
_PYTHON_FILE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?/.*\.py")


def wheel_task(package_name: str, entry_point: str, parameters: Sequence[object]) -> dict[str, Any]:
    """Return the field ``python_wheel_task``: a function of an installed package.

    Args:
        package_name: ``package_name``: the package's name as its wheel has it.
        entry_point: ``entry_point``: a script that the package declares.
        parameters: ``parameters``: the command line; texts, numbers or bools.

    Raises:
        PayloadError: A name is empty or has other characters than names of packages and scripts have.
    """
    for argument, value in (("package_name", package_name), ("spark_app", entry_point)):
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
            raise PayloadError(
                f"{argument} is {value!r}: give the name that pyproject.toml has, "
                "of letters, digits, '.', '-' and '_'."
            )
    return {
        "python_wheel_task": {
            "package_name": package_name,
            "entry_point": entry_point,
            **_parameters(parameters),
        }
    }


def python_task(python_file: str, parameters: Sequence[object]) -> dict[str, Any]:
    """Return the field ``spark_python_task``: a Python file.

    Args:
        python_file: ``python_file``: a path in the workspace or a volume, or an address such as
            ``s3://bucket/app.py``.
        parameters: ``parameters``: the command line; texts, numbers or bools.

    Raises:
        PayloadError: It is no absolute path and no address of a Python file.
    """
    if not _PYTHON_FILE.fullmatch(str(python_file)):
        raise PayloadError(
            f"spark_app is {python_file!r}, and with py_files it is where a Python file lies: "
            "write an absolute path or an address such as s3://bucket/app.py."
        )
    return {"spark_python_task": {"python_file": python_file, **_parameters(parameters)}}


def task(
    key: str, work: Mapping[str, Any], cluster: Mapping[str, Any], *, jars: Sequence[str] = ()
) -> dict[str, Any]:
    """Return one item of ``tasks``.

    Args:
        key: What it is about; becomes the ``task_key``, of letters, digits, ``-`` and ``_``.
        work: What ``wheel_task`` or ``python_task`` returned.
        cluster: ``new_cluster``.
        jars: Paths or addresses; become ``libraries`` of ``jar``.

    Raises:
        PayloadError: ``jars`` is not a list of texts.
    """
    found: dict[str, Any] = {
        "task_key": re.sub(r"[^A-Za-z0-9_-]+", "_", key)[:100],
        "new_cluster": dict(cluster),
        **work,
    }
    if jars:
        found["libraries"] = [{"jar": jar} for jar in texts(jars, "jars")]
    return found


def _parameters(given: Sequence[object]) -> dict[str, Any]:
    parameters = texts(given, "cmd_params")
    return {"parameters": parameters} if parameters else {}
