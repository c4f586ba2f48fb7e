"""How a workspace is set up: what the command line and the pytest fixture can choose."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from databricks_local.errors import ConfigError

DEFAULT_PORT = 8765
TOKEN_VARIABLE = "DATABRICKS_LOCAL_TOKEN"  # noqa: S105


@dataclass(frozen=True)
class Config:
    """The choices for one workspace.

    Attributes:
        root: The folder that holds all state.
        port: The port on 127.0.0.1; 0 takes a free one.
        token: What clients send as ``Authorization: Bearer …``.
        user: The user name of whoever holds the token.
        python: The interpreter that runs tasks; its environment is the cluster's.
        pipelines_python: The interpreter that runs pipelines; it needs Spark 4.1 or newer.
        jars: Delta's jars, of several Spark lines if you like: the one that names its line
            (``delta-spark_4.1_2.13-4.4.0.jar``) is for interpreters with that Spark only. Without any, Spark
            fetches the package that fits it by itself.
        images: For each ``docker_image.url`` the folder or the wheel that stands for the image.
        catalogs: Unity Catalog catalogs that are there from the start.
        max_parallel_tasks: Processes of tasks at a time; others wait as on a busy pool.
        offline: Never ask a package index when the libraries of a task lack something.
    """

    root: Path
    token: str = field(repr=False)
    port: int = DEFAULT_PORT
    user: str = "local@databricks.local"
    python: Path = Path(sys.executable)
    pipelines_python: Path = Path(sys.executable)
    jars: tuple[Path, ...] = ()
    images: Mapping[str, Path] = field(default_factory=dict)
    catalogs: tuple[str, ...] = ("main",)
    max_parallel_tasks: int = os.cpu_count() or 2
    offline: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work before anything is written.

        Raises:
            ConfigError: A file or folder that is named is not there, or a value is out of range.
        """
        if not self.token or not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise ConfigError("the token must be printable ASCII without spaces: choose another one.")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"{self.port} is no port: name one from 0 (any that is free) to 65535.")
        if self.max_parallel_tasks < 1:
            raise ConfigError("at least one task must be able to run: raise --max-parallel-tasks.")
        for what, path in (
            ("interpreter", self.python),
            ("interpreter for pipelines", self.pipelines_python),
            *(("jar", jar) for jar in self.jars),
            *((f"stand-in for image {url}", path) for url, path in self.images.items()),
        ):
            if not path.exists():
                raise ConfigError(f"the {what} {path} is not there: name one that exists.")
