"""Where a template comes from: a folder, a git repository, or this package itself."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mshell_cut import config, git
from mshell_cut.errors import GitFailedError, MshellCutError, TemplateNotFoundError

# As in cookiecutter: https://cookiecutter.readthedocs.io/en/stable/usage.html#works-directly-with-git-and-hg-mercurial-repos-too
_ABBREVIATIONS = {
    "gh:": "https://github.com/",
    "gl:": "https://gitlab.com/",
    "bb:": "https://bitbucket.org/",
}
# Not what strangers propose, which hosts keep under other names, as GitHub's `refs/pull/*`.
_FETCHED = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True)
class Source:
    """A template that lies on this machine, and where it came from.

    Attributes:
        path: the folder with its `cookiecutter.json`.
        address: what a project records, None where the folder is under no version control.
        commit: the commit that the folder holds, None likewise.
        checkout: the branch or tag that was asked for.
        directory: the folder's path in its repository, None for the top.
        changed: whether the folder holds changes that are not in the commit.
        content: what names the folder's content, wherever it lies; None where nothing does.
    """

    path: Path
    address: str | None = None
    commit: str | None = None
    checkout: str | None = None
    directory: str | None = None
    changed: bool = False
    content: str | None = None


@contextmanager
def opened(
    address: str, *, checkout: str | None = None, directory: str | None = None, interactive: bool = False
) -> Iterator[Source]:
    """Have a template at hand as a folder.

    A folder is read where it lies, so that its author sees what is not committed yet; with `checkout`, from a
    bare repository and from a git address, a clean copy is made that lasts as long as this context. Clones
    are kept in the user's cache and only brought up to date, so that a template once used can be used again
    without a network.

    Args:
        address: a folder, a git URL, or an abbreviation such as `gh:owner/name`.
        checkout: a branch, tag or commit.
        directory: the template's folder in there.
        interactive: let git ask for a password.

    Raises:
        TemplateNotFoundError: there is nothing at that address, checkout or directory.
    """
    origin = served(address)
    if origin:
        repository, inner = str(mirror(origin, interactive=interactive)), directory or ""
    else:
        folder = Path(address).expanduser().resolve()
        if not folder.is_dir():
            raise TemplateNotFoundError(
                f"{address} is neither a template's name, a folder nor a git address."
            )
        if not checkout:
            yield from_folder(_inside(folder, directory, address, checkout))
            return
        around = git.checkout(folder)
        if not around:
            raise TemplateNotFoundError(f"{address} is no git repository: --checkout has no meaning there.")
        repository, origin = str(around.top), _origin(around.top)
        inner = f"{around.prefix}{directory or ''}".rstrip("/")
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as temporary:
        copy = Path(temporary, "template")
        git.run("clone", "--quiet", "--shared", "--no-checkout", "--", repository, str(copy))
        commit = _commit(copy, checkout, address)
        git.run("checkout", "--quiet", "--detach", commit, cwd=copy)
        yield Source(_inside(copy, inner, address, checkout), origin, commit, checkout, inner or None)


def from_folder(folder: Path) -> Source:
    """Describe a folder as it lies: its repository's origin (or own path), commit and uncommitted changes."""
    around = git.checkout(folder)
    if not around or not is_tracked(folder):
        return Source(folder)
    mine = ["cookiecutter.json", "hooks", ":(glob)*cookiecutter*/**"]
    changes = git.run("status", "--porcelain", "--untracked-files=normal", "--", *mine, cwd=folder)
    return Source(
        folder, _origin(around.top), around.head, None, around.prefix.rstrip("/") or None, bool(changes)
    )


def from_package(folder: Path) -> Source:
    """Describe a template that an installed mshell-cut carries, by the record made when it was built."""
    origin = json.loads((folder.parent / "origin.json").read_text(encoding="utf-8"))
    return Source(
        folder,
        origin["address"],
        origin["commit"],
        origin["checkout"],
        origin["directories"][folder.name],
        origin["changed"],
    )


def is_tracked(folder: Path) -> bool:
    """Tell whether git knows the template in a folder: a repository may be around it that does not."""
    return git.ask("ls-files", "--error-unmatch", "cookiecutter.json", cwd=folder) is not None


def is_remote(address: str) -> bool:
    """Tell a git address from a folder."""
    return bool(re.match(r"[a-z+]+://|[\w.-]+@[\w.-]+:", address)) or address.startswith(
        tuple(_ABBREVIATIONS)
    )


def expand(address: str) -> str:
    """Write out an abbreviation."""
    for short, full in _ABBREVIATIONS.items():
        if address.startswith(short):
            return f"{full}{address.removeprefix(short)}.git"
    return address


def served(address: str) -> str | None:
    """Return the full address of a repository that has to be cloned for its files to be there.

    Returns:
        A git address written out, the absolute path of a bare repository, or None for any other folder.
    """
    if is_remote(address):
        return expand(address)
    folder = Path(address).expanduser().resolve()
    # Few folders have one, and git need not be asked about the others.
    if not (folder / "HEAD").is_file():
        return None
    told = git.ask("rev-parse", "--is-bare-repository", "--absolute-git-dir", cwd=folder)
    return str(folder) if told and told.split("\n") == ["true", str(folder)] else None


def plain(address: str) -> str:
    """Write an address as one repository has but one: hosts serve it with and without `.git`."""
    return expand(address).removesuffix("/").removesuffix(".git")


def _origin(top: Path) -> str:
    return git.ask("config", "--get", "remote.origin.url", cwd=top) or str(top)


def mirror_folder(address: str) -> Path:
    """Return where in the user's cache the clone of a repository lies, or would lie."""
    return config.cache_folder() / "clones" / hashlib.sha256(address.encode()).hexdigest()[:20]


def mirror(address: str, *, interactive: bool) -> Path:
    """Return where on this machine git reads a repository.

    That is a bare clone in the user's cache, brought up to date where the repository can be reached; one that
    is on this machine already is read in its place.

    Args:
        address: from `served`.
        interactive: let git ask for a password.

    Raises:
        TemplateNotFoundError: it cannot be cloned.
    """
    if not is_remote(address):
        return Path(address)
    mirror = mirror_folder(address)
    if mirror.is_dir():
        try:
            git.run(
                *("fetch", "--quiet", "--prune", "--force", "origin", *_FETCHED),
                cwd=mirror,
                interactive=interactive,
            )
        except GitFailedError:
            from mshell_cut import console

            console.warn(f"{address} cannot be reached: its last copy on this machine is used.")
        return mirror
    mirror.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clone-", dir=mirror.parent) as temporary:
        fresh = Path(temporary, "mirror")
        try:
            git.run("clone", "--quiet", "--bare", "--", address, str(fresh), interactive=interactive)
        except GitFailedError as error:
            raise TemplateNotFoundError(f"{address} cannot be cloned: {error}") from None
        try:
            fresh.rename(mirror)
        except OSError:
            # Another process was faster; its clone is as good.
            if not mirror.is_dir():
                raise
    return mirror


def _commit(copy: Path, checkout: str | None, address: str) -> str:
    if checkout and checkout.startswith("-"):
        raise TemplateNotFoundError(f"'{checkout}' is no branch, tag or commit.")
    names = [f"refs/remotes/origin/{checkout}", f"refs/tags/{checkout}", checkout] if checkout else ["HEAD"]
    for name in names:
        commit = git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=copy)
        if commit:
            return commit
    if not checkout:
        raise TemplateNotFoundError(
            f"{address} has no commit at its HEAD: name a branch or tag with --checkout, if it has any."
        )
    raise TemplateNotFoundError(f"{address} has no branch, tag or commit '{checkout}'.")


def _inside(folder: Path, directory: str | None, address: str, checkout: str | None) -> Path:
    if not directory:
        return folder
    inner = (folder / directory).resolve()
    if not inner.is_relative_to(folder.resolve()):
        raise MshellCutError(f"--directory {directory} leads out of {address}.")
    if not inner.is_dir():
        when = f" at {checkout}: the template came later, or lies elsewhere" if checkout else ""
        raise TemplateNotFoundError(f"{address} has no folder '{directory}'{when}.")
    return inner
