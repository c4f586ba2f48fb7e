"""Trees of files and git repositories, made and read in tests."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
# Of the environment that runs the tests, whichever that is.
BIN = Path(sys.executable).parent

ANGLES = {
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "block_start_string": "<%",
    "block_end_string": "%>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


# The tag of a release never moves: projects name its commit.
RELEASES = {
    "v0.1.0": "a10c8d90ee2b394f17817a409e42f0b3fef4346a",
    "v0.2.0": "946b5b49a78d02351f412a152ed39cd2c471794c",
}

MakeTemplate = Callable[..., Path]


def write_tree(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")


def read_tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but git's own, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def change_template(template: Path, files: Mapping[str, str | bytes], **questions: object) -> str:
    """Write files of a template's project, and questions or private keys; commit, and return the commit."""
    write_tree(template / "<<cookiecutter.repo_name>>", files)
    path = template / "cookiecutter.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text(encoding="utf-8")), **questions}), encoding="utf-8"
    )
    return commit_all(template)


def clone_with_releases(folder: Path) -> Path:
    """Clone this repository as committed, with the tags of its releases, wherever this clone is from."""
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, folder], check=True)
    git(folder, "checkout", "--quiet", "-B", "main")
    there = set(git(folder, "tag", "--list", "v*").split())
    for tag, commit in RELEASES.items():
        if tag not in there:
            git(folder, "tag", tag, commit)
        assert git(folder, "rev-parse", f"{tag}^{{commit}}") == commit
    return folder


def commit_all(folder: Path, message: str = "change") -> str:
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")
