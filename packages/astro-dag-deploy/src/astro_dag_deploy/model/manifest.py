"""What a repository has in a deployment: one object that names the version of each of its files.

It is written after the files and read instead of a listing, so a reader sees the set before or the set after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from astro_dag_deploy.errors import StorageError
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.utils.s3_client import S3Client, Stored, in_parallel


class FileEntry(BaseModel):
    """A file of a repository.

    Attributes:
        path: below the deployment's `dags/`.
        sha256: of its bytes, in hexadecimal digits.
        size: in bytes.
        version_id: of the object in the bucket.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str
    size: int
    version_id: str


class Manifest(BaseModel):
    """The files and DAGs of a repository.

    Attributes:
        format: of this object.
        repo: the repository.
        request_id: of the request that stored it.
        stored_at: when, in UTC, by ISO 8601.
        dag_ids: the DAGs that its files define, in order.
        files: its files, by path.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    repo: str
    request_id: str
    stored_at: str
    dag_ids: tuple[str, ...]
    files: tuple[FileEntry, ...]


@dataclass(frozen=True)
class StoredManifest:
    """A manifest and the object it was read from."""

    manifest: Manifest
    stored: Stored


class DeploymentRecord(BaseModel):
    """What was deployed last.

    Attributes:
        format: of this object.
        name: what the deployment was called.
        astro_version: Astro's name of the bundle.
        deployed_at: when, in UTC, by ISO 8601.
        repos: the repositories that were in it, those with files.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    name: str
    astro_version: str
    deployed_at: str
    repos: tuple[str, ...]


def read_manifests(s3: S3Client, target: Target) -> Mapping[str, StoredManifest]:
    """Read the manifests of all repositories of a deployment, by repository in order.

    Raises:
        StorageError: one cannot be read: a deploy without it would drop its DAGs.
    """
    prefix = target.manifests_prefix
    keys = [key for key in s3.keys(prefix) if key.endswith(".json")]

    def read(key: str) -> StoredManifest:
        stored = s3.get(key)
        if stored is None:
            raise StorageError(f"Manifest {key} was deleted while it was read: nothing was deployed.")
        repo = key.removeprefix(prefix).removesuffix(".json")
        try:
            manifest = Manifest.model_validate_json(stored.content)
        except ValidationError:
            manifest = None
        if manifest is None or manifest.repo != repo:
            raise StorageError(
                f"Manifest {key} is damaged, and a deploy without it would drop the DAGs of {repo}: nothing "
                "was deployed. Restore one of its versions, or delete it and deploy that repository anew."
            )
        return StoredManifest(manifest, stored)

    return {found.manifest.repo: found for found in in_parallel(read, keys)}


def read_record(s3: S3Client, ids: Target) -> DeploymentRecord | None:
    """Read what was deployed last, None where nothing was.

    Args:
        s3: the bucket.
        ids: the deployment, by its ids in Astro.

    Raises:
        StorageError: it is damaged.
    """
    stored = s3.get(ids.record_key)
    if stored is None:
        return None
    try:
        return DeploymentRecord.model_validate_json(stored.content)
    except ValidationError:
        raise StorageError(
            f"{ids.record_key} is damaged: restore one of its versions, or delete it if every repository of "
            "the deployment has a manifest."
        ) from None
