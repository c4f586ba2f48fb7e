"""Clones of a fleet's projects, kept between runs."""

import hashlib
import re
import tempfile
from pathlib import Path

from mshell_cut import config, git
from mshell_cut.credentials import without_credentials
from mshell_cut.errors import GitFailedError, MshellCutError

# Those that run no program of the address's choice: https://git-scm.com/docs/git#Documentation/git.txt-GITALLOWPROTOCOL
PROTOCOLS = "file:git:http:https:ssh"


def default_folder() -> Path:
    """Return where clones lie unless the user says otherwise."""
    return config.cache_folder() / "fleet"


def clone(url: str, folder: Path) -> Path:
    """Return a clone of a repository, made or brought up to date.

    Args:
        url: a git address.
        folder: holds all clones.

    Raises:
        MshellCutError: it cannot be cloned or fetched.
    """
    # Readable for people, and unlike any other address's.
    words = re.sub(r"[^\w.]+", "-", without_credentials(url).removesuffix(".git"), flags=re.ASCII)
    target = folder / f"{words[-80:].strip('-.')}-{hashlib.sha256(url.encode()).hexdigest()[:10]}"
    try:
        if target.is_dir():
            git.run("fetch", "--quiet", "--prune", "--no-recurse-submodules", "origin", cwd=target)
            return target
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".clone-", dir=folder) as temporary:
            fresh = Path(temporary, "clone")
            git.run("clone", "--quiet", "--no-recurse-submodules", "--", url, str(fresh))
            fresh.rename(target)
    except GitFailedError as error:
        sentence = str(error).replace(url, without_credentials(url))
        raise MshellCutError(f"{without_credentials(url)} cannot be fetched: {sentence}") from None
    return target


def start(branch: str | None) -> str:
    """Return what to start from in a clone: the branch as it is at the origin, or the origin's default."""
    return f"refs/remotes/origin/{branch or 'HEAD'}"
