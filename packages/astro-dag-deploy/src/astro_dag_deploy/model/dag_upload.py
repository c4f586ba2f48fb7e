"""The first half of a deploy: the files of one repository, from where they are to the bucket."""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from astro_dag_deploy.errors import BadRequestError, ConflictError
from astro_dag_deploy.model.manifest import FileEntry, Manifest, StoredManifest, read_manifests
from astro_dag_deploy.model.request import DeployRequest, Resource
from astro_dag_deploy.utils.deployment_lock import DeploymentLock
from astro_dag_deploy.utils.resource_client import ResourceClient, ResourceError, problems_of
from astro_dag_deploy.utils.s3_client import S3Client, in_parallel


@dataclass(frozen=True)
class UploadReport:
    """What an upload did, in files.

    Attributes:
        uploaded: new or changed.
        unchanged: as they were.
        removed: no longer part of the repository.
    """

    uploaded: int
    unchanged: int
    removed: int


class DagUpload:
    """Stores the set of files that a request names, in place of what the repository had.

    Args:
        request: names the files.
        s3: the bucket.
        resources: fetches files.
        max_set_bytes: how large they may be together.
    """

    def __init__(
        self, request: DeployRequest, s3: S3Client, resources: ResourceClient, *, max_set_bytes: int
    ):
        self._request = request
        self._target = request.target
        self._s3 = s3
        self._resources = resources
        self._max_set_bytes = max_set_bytes
        self._contents: dict[str, bytes] = {}
        self._stored = False

    @property
    def is_stored(self) -> bool:
        """Whether the set of the request is the repository's set now."""
        return self._stored

    def download_resources(self) -> None:
        """Fetch all files and compile those of Python.

        Raises:
            BadRequestError: some cannot be had, are too large or no Python; all of them are named.
        """
        size = 0
        counting = threading.Lock()

        def fetch(item: tuple[str, Resource]) -> list[str]:
            nonlocal size
            path, resource = item
            try:
                content = self._resources.fetch(resource)
            except ResourceError as error:
                return [str(error)]
            with counting:
                size += len(content)
                # What is refused for its size must not fill the memory before.
                if size <= self._max_set_bytes:
                    self._contents[path] = content
            return problems_of(path, content)

        found = in_parallel(fetch, self._request.files.items())
        problems = [problem for problems in found for problem in problems]
        if size > self._max_set_bytes:
            problems.append(
                f"The files have {size:,} bytes together, and {self._max_set_bytes:,} are allowed: raise "
                "MAX_SET_BYTES, or keep data out of dags/."
            )
        if problems:
            raise BadRequestError(problems)

    def upload_dag(self, lock: DeploymentLock) -> UploadReport:
        """Store the files, then the manifest that makes them the repository's set, then hide what is stale.

        `download_resources` must have been called.

        Args:
            lock: the lock of the deployment, which is held.

        Raises:
            BusyError: the lock was lost; the set is what it was.
            ConflictError: another repository of the deployment has one of the files or DAGs.
            StorageError: the bucket did not take something; the set is what it was, unless all but the hiding
                of stale files was done.
        """
        self._s3.require_versions()
        manifests = dict(read_manifests(self._s3, self._target))
        before = manifests.pop(self._request.repo, None)
        self._refuse_conflicts(manifests)

        prefix = self._target.files_prefix(self._request.repo)
        latest = self._s3.latest(prefix)
        known = {entry.path: entry for entry in before.manifest.files} if before else {}

        def store(item: tuple[str, bytes]) -> tuple[FileEntry, bool]:
            path, content = item
            digest = hashlib.sha256(content).hexdigest()
            entry = known.get(path)
            # What an upload that did not finish left behind is newer than what the manifest names.
            if entry and entry.sha256 == digest and latest.get(prefix + path) == entry.version_id:
                return entry, False
            version = self._s3.put(prefix + path, content, _media_type(path))
            return FileEntry(path=path, sha256=digest, size=len(content), version_id=version), True

        stored = in_parallel(store, sorted(self._contents.items()))
        manifest = Manifest(
            repo=self._request.repo,
            request_id=self._request.request_id,
            stored_at=datetime.now(UTC).isoformat(timespec="seconds"),
            dag_ids=tuple(sorted(dag.dag_id for dag in self._request.dags)),
            files=tuple(entry for entry, _ in stored),
        )
        # Who wrote another before this one was read has the lock; who did after changed the etag.
        lock.renew()
        self._s3.replace(
            self._target.manifest_key(self._request.repo),
            manifest.model_dump_json(indent=2).encode(),
            "application/json",
            seen=before.stored if before else None,
        )
        self._stored = True
        self._s3.clear_prefix(prefix, keep={prefix + path for path in self._contents})
        uploaded = sum(changed for _, changed in stored)
        return UploadReport(
            uploaded=uploaded,
            unchanged=len(stored) - uploaded,
            removed=len(known.keys() - self._contents.keys()),
        )

    def _refuse_conflicts(self, others: dict[str, StoredManifest]) -> None:
        dag_ids = {dag.dag_id for dag in self._request.dags}
        paths = self._contents.keys()
        folders = _folders(paths)
        problems = []
        for repo, other in others.items():
            theirs = {entry.path for entry in other.manifest.files}
            problems += [
                f"DAG {dag_id} is one of repository {repo} already: Airflow would show only one of the two."
                for dag_id in sorted(dag_ids.intersection(other.manifest.dag_ids))
            ]
            problems += [
                f"{path} is a file of repository {repo} already: put a repository's files into a folder of "
                "its own."
                for path in sorted(paths & theirs)
            ]
            problems += [
                f"{path} is a file in one of {self._request.repo} and {repo}, and a folder in the other."
                for path in sorted((folders & theirs) | (paths & _folders(theirs)))
            ]
            problems += [
                f"{path} would hide DAGs of the other of {self._request.repo} and {repo}: both have files "
                "there."
                for path in sorted(_hiding(paths, theirs) | _hiding(theirs, paths))
            ]
        if problems:
            raise ConflictError(
                f"Repository {self._request.repo} does not go together with others of deployment "
                f"{self._target}: nothing was changed.",
                problems,
            )


def _folders(paths: Iterable[str]) -> set[str]:
    return {path[:index] for path in paths for index, character in enumerate(path) if character == "/"}


def _hiding(paths: Iterable[str], others: Iterable[str]) -> set[str]:
    """Find the lists of files that Airflow is to ignore, in folders where others have files, too."""
    lists = {path for path in paths if path.endswith("/.airflowignore")}
    return {
        path for path in lists for other in others if other.startswith(path.removesuffix(".airflowignore"))
    }


def _media_type(path: str) -> str:
    return "text/x-python" if path.endswith(".py") else "application/octet-stream"
