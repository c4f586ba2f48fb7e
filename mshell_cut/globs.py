"""The globs of `skip` and `_samples`: as pathlib reads them, and as cruft applies them.

`*` and `?` stay within a folder's name, `**` stands for any number of folders, and a glob that means a folder
means all that is in it.
"""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Make a test of paths out of globs.

    Args:
        globs: relative to the project, with `/`.

    Returns:
        A function from a relative path to whether one of the globs means it.
    """
    wanted = [[part for part in glob.split("/") if part not in ("", ".")] for glob in globs]
    wanted = [parts for parts in wanted if parts]
    return lambda path: any(_means(parts, path.split("/")) for parts in wanted)


def _means(glob: Sequence[str], path: Sequence[str]) -> bool:
    if not glob:
        return True
    if glob[0] == "**":
        ends = all(part == "**" for part in glob)
        return any(_means(glob[1:], path[start:]) for start in range(len(path) + ends))
    return bool(path) and fnmatchcase(path[0], glob[0]) and _means(glob[1:], path[1:])
