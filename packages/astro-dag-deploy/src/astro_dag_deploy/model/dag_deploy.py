"""The second half of a deploy: the sets of all repositories of a deployment, from the bucket to Astro."""

import hashlib
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from astro_dag_deploy.errors import ConflictError, StorageError
from astro_dag_deploy.model.astro import AstroDeployer
from astro_dag_deploy.model.manifest import DeploymentRecord, FileEntry, Manifest, read_manifests, read_record
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.utils.deployment_lock import DeploymentLock
from astro_dag_deploy.utils.s3_client import S3Client, in_parallel


@dataclass(frozen=True)
class DeployReport:
    """What Astro has now.

    Attributes:
        repos: the repositories whose files are in the bundle, in order.
        files: how many files it has.
        astro_version: Astro's name of it.
    """

    repos: tuple[str, ...]
    files: int
    astro_version: str


class DagDeploy:
    """Deploys the sets that the manifests name: a bundle replaces all DAGs of a deployment, so all are in it.

    Args:
        target: the deployment.
        s3: the bucket.
        deployer: takes the bundle to Astro.
        lock: the lock of the deployment, which is held.
        ids: its ids in Astro; by default those it is called by.
    """

    def __init__(
        self,
        target: Target,
        s3: S3Client,
        deployer: AstroDeployer,
        lock: DeploymentLock,
        *,
        ids: Target | None = None,
    ):
        self._target = target
        self._ids = ids or target
        self._s3 = s3
        self._deployer = deployer
        self._lock = lock

    def deploy(self, description: str, *, seconds: float, allow_empty: bool = False) -> DeployReport:
        """Assemble the bundle and deploy it.

        Args:
            description: what Astro shows beside the deploy.
            seconds: how long it may take; Astro gets what the assembly leaves of it.
            allow_empty: whether a deployment without any file is what was asked for.

        Raises:
            StorageError: something that belongs into the bundle is missing; nothing was deployed.
            ConflictError: two repositories have the same file; nothing was deployed.
            BusyError: the lock was lost; nothing was deployed.
            AstroError: Astro did not take it.
        """
        deadline = time.monotonic() + seconds
        found = read_manifests(self._s3, self._target)
        self._refuse_losses(found.keys())
        manifests = [stored.manifest for stored in found.values() if stored.manifest.files]
        repos = tuple(manifest.repo for manifest in manifests)
        if not manifests and not allow_empty:
            raise StorageError(f"No repository has DAGs for {self._target}: nothing was deployed.")
        with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
            project = Path(folder)
            files = self._assemble(manifests, project / "dags")
            self._lock.renew()
            deployed = self._deployer.deploy(
                project,
                workspace=self._ids.workspace,
                deployment=self._ids.deployment,
                description=description,
                seconds=max(deadline - time.monotonic(), 1),
                allow_empty=allow_empty,
            )
        record = DeploymentRecord(
            name=str(self._target),
            astro_version=deployed.version,
            deployed_at=datetime.now(UTC).isoformat(timespec="seconds"),
            repos=repos,
        )
        self._s3.put(self._ids.record_key, record.model_dump_json(indent=2).encode(), "application/json")
        return DeployReport(repos=repos, files=files, astro_version=deployed.version)

    def _refuse_losses(self, present: Collection[str]) -> None:
        record = read_record(self._s3, self._ids)
        if record and record.name != str(self._target):
            raise StorageError(
                f"Deployment {self._ids} was called {record.name} when it was deployed on "
                f"{record.deployed_at}, and what was deployed so is not known by the name {self._target}: "
                f"call it {record.name} again in ALLOWED_DEPLOYMENTS, or delete {self._ids.record_key} to "
                "begin anew, which drops the DAGs of every repository until it deploys again."
            )
        if record and (lost := [repo for repo in record.repos if repo not in present]):
            raise StorageError(
                f"The manifest of {', '.join(lost)} is gone, whose DAGs were deployed to {self._target} on "
                f"{record.deployed_at}, and a deploy without it would drop them: restore a version of "
                f"{self._target.manifest_key(lost[0])}, deploy that repository anew, or have it ask for "
                "its removal."
            )

    def _assemble(self, manifests: list[Manifest], dags: Path) -> int:
        owners: dict[str, str] = {}
        for manifest in manifests:
            for entry in manifest.files:
                if (other := owners.setdefault(entry.path, manifest.repo)) != manifest.repo:
                    raise ConflictError(
                        f"{entry.path} is a file of {other} and of {manifest.repo} in {self._target}: "
                        "nothing was deployed."
                    )
        dags.mkdir()

        def fetch(item: tuple[str, FileEntry]) -> None:
            repo, entry = item
            key = self._target.files_prefix(repo) + entry.path
            stored = self._s3.get(key, entry.version_id)
            if stored is None or hashlib.sha256(stored.content).hexdigest() != entry.sha256:
                raise StorageError(
                    f"{key} is not in the bucket as the manifest of {repo} names it (version "
                    f"{entry.version_id}): nothing was deployed. Deploy that repository anew."
                )
            path = dags / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored.content)

        in_parallel(fetch, [(manifest.repo, entry) for manifest in manifests for entry in manifest.files])
        return len(owners)
