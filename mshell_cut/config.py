"""The user's own settings: `config.yaml` with defaults for answers, `templates.yaml` with further templates.

Both lie in `$XDG_CONFIG_HOME/mshell-cut`, by default `~/.config/mshell-cut`, on every system.
"""

import os
from pathlib import Path
from typing import Any

from mshell_cut.errors import FileUnreadableError


def folder() -> Path:
    """Return the folder of the user's settings. It need not exist."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "mshell-cut"


def cache_folder() -> Path:
    """Return the folder for what can be made again. It need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mshell-cut"


def default_answers() -> dict[str, Any]:
    """Read the `defaults` of `config.yaml`: answers to offer in place of the template's own.

    Raises:
        FileUnreadableError: the file is not YAML, or `defaults` is not a mapping.
    """
    path = folder() / "config.yaml"
    if not path.is_file():
        return {}
    found = read_mapping(path)
    unknown = sorted(set(found) - {"defaults"})
    if unknown:
        raise FileUnreadableError(path, f"'{unknown[0]}' is not a setting; the one there is: defaults")
    defaults = found.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise FileUnreadableError(path, "'defaults' must be a mapping from question to answer")
    return defaults


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file that holds one mapping.

    Raises:
        FileUnreadableError: it cannot be read, does not parse, or holds something else.
    """
    found = read(path)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise FileUnreadableError(path, "must hold a mapping from names to values")
    return found


def read(path: Path) -> Any:
    """Read a YAML or JSON file, None where it is empty.

    Raises:
        FileUnreadableError: it cannot be read, or does not parse.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileUnreadableError(path, error.strerror or "cannot be read") from None
    except UnicodeDecodeError:
        raise FileUnreadableError(path, "is not UTF-8 text") from None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise FileUnreadableError(path, f"is not valid YAML or JSON: {error.problem}{line}") from None
    except yaml.YAMLError:
        raise FileUnreadableError(path, "is not valid YAML or JSON") from None
