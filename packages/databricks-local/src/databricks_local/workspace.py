"""One workspace: its folder, its store and the parts that the routes call."""

import fcntl
import os
from pathlib import Path

from databricks_local import clock, compute, permissions
from databricks_local.catalog import records as catalog_records
from databricks_local.catalog.records import Catalogs
from databricks_local.clock import Clock
from databricks_local.config import Config
from databricks_local.engine.course import Engine
from databricks_local.errors import RootInUseError
from databricks_local.execution.launch import Launcher
from databricks_local.faults import Faults
from databricks_local.files import tree
from databricks_local.files.dbfs import Dbfs
from databricks_local.files.spool import Spool
from databricks_local.files.tree import FileTree
from databricks_local.jobs import records
from databricks_local.jobs.records import JobRecords
from databricks_local.page.login import Logins
from databricks_local.permissions import Permissions
from databricks_local.pipelines import records as pipeline_records
from databricks_local.pipelines.updates import Pipelines
from databricks_local.secret_scopes import SecretScopes
from databricks_local.store import Store


class Workspace:
    """What all routes share; there is one for each server.

    Attributes:
        config: The choices it was made with.
        root: The folder that holds all of it.
        host: Its own address, such as ``http://127.0.0.1:8765``; set before it starts.
        store: Jobs, runs, objects.
        clock: Its time.
        faults: What goes wrong on purpose.
        logins: Who may see the pages.
        spool: Uploads that are not whole yet.
        tree: Files, notebooks and folders below ``/Workspace``.
        dbfs: Files of DBFS.
        catalogs: Catalogs, schemas, volumes and tables.
        permissions: Who may do what, as it was set.
        pools: Instance pools.
        policies: Cluster policies.
        secrets: Secrets by scope and key.
        jobs: Jobs and runs as they are kept.
        launcher: What runs tasks as processes.
        pipelines: Pipelines, and their updates that run.
        engine: What carries runs out.
    """

    def __init__(self, config: Config) -> None:
        """Open the root folder, made when it is not there.

        Args:
            config: The choices.

        Raises:
            RootInUseError: Another server has it open.
        """
        self.config = config
        self.root = config.root.absolute()
        self.host = ""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(self.root)
        schemas = [clock.SCHEMA, records.SCHEMA, pipeline_records.SCHEMA, tree.SCHEMA]
        schemas += [catalog_records.SCHEMA, permissions.SCHEMA, compute.SCHEMA]
        self.store = Store(self.root / "state.sqlite", schemas)
        self.clock = Clock(self.store)
        self.faults = Faults()
        self.logins = Logins(config.token)
        self.spool = Spool(self.root / "uploads")
        self.tree = FileTree(self.root / "workspace", self.store, self.clock, user=config.user)
        self.dbfs = Dbfs(self.root / "dbfs", self.store, self.spool)
        self.catalogs = Catalogs(self.root, self.store, self.clock, user=config.user, names=config.catalogs)
        self.permissions = Permissions(self.store)
        self.pools = compute.instance_pools(self.store)
        self.policies = compute.cluster_policies(self.store)
        self.secrets = SecretScopes(self.root / "secrets.json", self.clock)
        self.jobs = JobRecords(self.store, self.clock)
        self.launcher = Launcher(self)
        self.pipelines = Pipelines(self)
        self.engine = Engine(self)

    async def start(self) -> None:
        """Clear up after a server that was killed, and start what runs by itself."""
        # What a killed server left must be gone before anything new starts.
        await self.launcher.start()
        await self.pipelines.start()
        await self.engine.start()

    async def stop(self) -> None:
        """End the processes of all tasks and close the store."""
        await self.engine.stop()
        await self.pipelines.stop()
        await self.launcher.stop()
        self.store.close()
        os.close(self._lock)


def _lock(root: Path) -> int:
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise RootInUseError(
            f"another databricks-local serves {root}: stop it, or choose another folder with --root."
        ) from None
    return descriptor
