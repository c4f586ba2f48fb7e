"""What stands for a docker image: a folder that is its root, or a wheel that is installed in it."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from databricks_local.execution.places import PlaceError


class ImageError(Exception):
    """A task's image is one that nothing stands for."""


@dataclass(frozen=True)
class Image:
    """The stand-in for an image.

    Attributes:
        folder: What an absolute path of the image starts from; None when a wheel is all there is.
        wheels: What is installed in it.
    """

    folder: Path | None
    wheels: tuple[Path, ...]

    def file(self, path: str) -> Path | None:
        """Return a file of the image; None when it has none there.

        Args:
            path: Its path in the image, with or without ``file:`` before it.
        """
        if self.folder is None:
            return None
        found = (self.folder / path.removeprefix("file:").lstrip("/")).resolve()
        if not found.is_file():
            return None
        if not found.is_relative_to(self.folder.resolve()):
            raise PlaceError(f"{path} leaves the folder of the image.")
        return found

    def wheels_beside(self, wanted: Iterable[str]) -> list[Path]:
        """Return the image's wheels without those that a task brings in another version.

        Args:
            wanted: What the task brings, paths of wheels among it.
        """
        brought = {_package(Path(word).name) for word in wanted if word.endswith(".whl")}
        return [wheel for wheel in self.wheels if _package(wheel.name) not in brought]

    @property
    def import_folders(self) -> tuple[Path, ...]:
        """Folders whose Python files can be imported: the image's root and its ``src``."""
        if self.folder is None:
            return ()
        return tuple(each for each in (self.folder, self.folder / "src") if each.is_dir())


def image_of(cluster: Mapping[str, Any], images: Mapping[str, Path]) -> Image | None:
    """Return what stands for a cluster's image; None when the cluster has none.

    Args:
        cluster: Settings of the cluster.
        images: Folders and wheels by the images' addresses.

    Raises:
        ImageError: Nothing stands for it.
    """
    url = (cluster.get("docker_image") or {}).get("url")
    if not url:
        return None
    path = images.get(url)
    if path is None:
        raise ImageError(
            f"No folder or wheel stands for the image {url}: "
            "start databricks-local with --image URL=PATH for it."
        )
    if path.is_file():
        return Image(None, (path,))
    return Image(path, tuple(_newest(path)))


def _package(name: str) -> str:
    """Return the package that a wheel's file name begins with."""
    return canonicalize_name(name.partition("-")[0])


def _newest(folder: Path) -> Iterator[Path]:
    """Yield the wheels below a folder, of each package the newest; what is hidden is not part of an image."""
    found: dict[str, tuple[Any, Path]] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            if not name.endswith(".whl"):
                continue
            try:
                package, version, build, _ = parse_wheel_filename(name)
            except InvalidWheelFilename:
                continue
            order = (version, build)
            if package not in found or found[package][0] < order:
                found[package] = (order, Path(place) / name)
    yield from (path for _, path in found.values())
