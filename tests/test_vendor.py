"""The wheels that new projects carry are built from this repository as it is."""

import hashlib
import os
import subprocess
import zipfile
from pathlib import Path

from scaffold import REPOSITORY

PROJECT = "<<cookiecutter.repo_name>>"
VENDOR = REPOSITORY / PROJECT / "vendor"
PLATFORM_VENDOR = REPOSITORY / "templates/airflow-platform" / PROJECT / "vendor"


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.whl")}


def vendor(*folders: Path, umask: str = "022", **variables: str) -> None:
    build = f"umask {umask} && scripts/vendor.sh {' '.join(map(repr, map(str, folders)))}"
    subprocess.run(
        ["sh", "-c", build], cwd=REPOSITORY, env=os.environ | variables, check=True, capture_output=True
    )


def test_the_vendored_wheels_are_fresh(tmp_path: Path) -> None:
    # Another umask, time zone, git identity and answers of their user must not show in the bytes.
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n  email = ana@example.org\n  name = Ana\n", encoding="utf-8")
    answers = "default_context:\n  squad_name: orders\n  repo_description: Mine\n"
    (home / ".cookiecutterrc").write_text(answers, encoding="utf-8")
    vendor(tmp_path / "own", tmp_path / "platform", umask="077", TZ="Asia/Tokyo", HOME=str(home))
    assert digests(tmp_path / "own") == digests(VENDOR), "run: make vendor"
    assert digests(tmp_path / "platform") == digests(PLATFORM_VENDOR), "run: make vendor"
    assert sorted(path.name for path in home.iterdir()) == [".cookiecutterrc", ".gitconfig"]


def test_one_folder_gets_the_packages_only(tmp_path: Path) -> None:
    vendor(tmp_path / "own")
    assert digests(tmp_path / "own") == digests(VENDOR), "run: make vendor"
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_the_platform_gets_the_transformations_as_the_sample_has_them() -> None:
    (wheel,) = PLATFORM_VENDOR.glob("stack_exchange_pipeline-*.whl")
    source = REPOSITORY / PROJECT / "src"
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for package in ("schema", "transformations"):
        files = [path for path in (source / package).rglob("*.py") if path.is_file()]
        assert files
        for path in files:
            assert held[path.relative_to(source).as_posix()] == path.read_bytes()
