"""Has Python find what lies below /Volumes, /Workspace and /dbfs in the workspace's folder.

Code of other languages that opens such a path by itself does not pass here.
"""

from __future__ import annotations

import builtins
import functools
import io
import json
import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# fmt: off
_ONE_PATH = (
    "access", "chdir", "chmod", "chown", "getxattr", "lchown", "listdir", "listxattr", "lstat", "mkdir",
    "mkfifo", "open", "pathconf", "readlink", "remove", "removexattr", "rmdir", "scandir", "setxattr", "stat",
    "statvfs", "truncate", "unlink", "utime",
)
# fmt: on
_TWO_PATHS = ("link", "rename", "replace", "symlink")
_CAPABILITIES = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")

_roots: dict[str, str] = {}


def local(path: Any) -> Any:
    """Return where a path of the cluster lies on this machine; what is no such path as it is.

    Args:
        path: Whatever a function of ``os`` takes as a path.
    """
    if isinstance(path, int) or not isinstance(path, (str, bytes, os.PathLike)):
        return path
    given = os.fspath(path)
    text = os.fsdecode(given)
    if not text.startswith(_prefixes):
        return path
    text = os.path.normpath(text)
    for name, folder in _roots.items():
        if text == name or text.startswith(name + "/"):
            found = folder + text[len(name) :]
            return os.fsencode(found) if isinstance(given, bytes) else found
    return path


def redirect() -> None:
    """Wrap the functions that take paths, in this process, as ``DATABRICKS_LOCAL_PATHS`` says."""
    global _prefixes
    _roots.update(json.loads(os.environ["DATABRICKS_LOCAL_PATHS"]))
    _prefixes = tuple(_roots)
    for name in _ONE_PATH:
        _wrap(os, name, _first)
    for name in _TWO_PATHS:
        _wrap(os, name, _both)
    io.open = builtins.open = _first(builtins.open)
    sys.path_hooks.insert(0, _finder)
    sys.path_importer_cache.clear()


_prefixes: tuple[str, ...] = ("\0",)


def _wrap(module: Any, name: str, how: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(module, name, None)
    if original is None:
        return
    wrapped = how(original)
    setattr(module, name, wrapped)
    for capability in _CAPABILITIES:
        # Libraries ask these sets what a function can do.
        functions = getattr(module, capability)
        if original in functions:
            functions.add(wrapped)


def _first(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if arguments:
            return original(local(arguments[0]), *arguments[1:], **named)
        for name in ("path", "file"):
            if name in named:
                named[name] = local(named[name])
        return original(**named)

    return wrapped


def _both(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(src: Any, dst: Any, *arguments: Any, **named: Any) -> Any:
        return original(local(src), local(dst), *arguments, **named)

    return wrapped


def _finder(path: str) -> FileFinder:
    found = local(path)
    if found == path:
        raise ImportError(f"{path} is no path of the workspace")
    return FileFinder(found, (SourceFileLoader, SOURCE_SUFFIXES))
