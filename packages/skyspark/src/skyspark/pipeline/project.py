"""The folders that belong to a pipeline."""

from pathlib import Path


def project_folders(config: Path) -> tuple[Path, ...]:
    """Return the folder of a pipeline's file, and its parents up to the current folder.

    Args:
        config: The pipeline's file.
    """
    folder, current = config.resolve().parent, Path.cwd().resolve()
    parents = [parent for parent in folder.parents if parent.is_relative_to(current)]
    return (folder, *parents)


def in_project(config: Path, name: str) -> Path | None:
    """Return the file or folder that a pipeline's file names, or ``None`` if that is outside of its project.

    Args:
        config: The pipeline's file.
        name: From the folder of that file.
    """
    try:
        path = (config.parent / name).resolve()
    except (OSError, RuntimeError, ValueError):
        # A name no file can have, or links in a circle.
        return None
    return path if path.is_relative_to(project_folders(config)[-1]) else None
