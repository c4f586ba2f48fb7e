"""What is in a project's `dags/`, and the archive of it that Astro takes."""

import gzip
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from astro_dag_deploy.errors import AstroError


def list_dags(project: Path, *, allow_empty: bool) -> Mapping[str, Path]:
    """List the files of a project's `dags/`.

    Args:
        project: holds `dags/`.
        allow_empty: whether there may be no Python file: a deploy of none deletes every DAG of a deployment.

    Returns:
        The files by their paths below `dags/`, in order.

    Raises:
        AstroError: there are none, or one of them is a link or no file at all.
    """
    folder = project / "dags"
    if folder.is_symlink() or not folder.is_dir():
        raise AstroError("The project has no folder dags/: nothing was deployed.")
    files = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        # A link may lead out of the bundle, where Astro has nothing.
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise AstroError(f"dags/{name} is neither a file nor a folder: nothing was deployed.")
        if path.is_file():
            files[name] = path
    if not allow_empty and not any(name.endswith(".py") for name in files):
        raise AstroError(
            "dags/ holds no Python file, and a deploy of it would delete every DAG: nothing was deployed."
        )
    return dict(sorted(files.items()))


def write_bundle(files: Mapping[str, Path], archive: BinaryIO) -> None:
    """Write files into a tar.gz: the same bytes for the same files, whoever made them and when.

    Args:
        files: by their paths below `dags/`.
        archive: where to write.
    """
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=archive, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as bundle,
    ):
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                bundle.addfile(entry, content)
