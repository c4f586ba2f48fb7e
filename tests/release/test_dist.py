"""`make dist`: what is published is the commit, the same each time, and complete."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dist
import pytest
from distribution import building, dependencies, metadata, published, sbom
from distribution.errors import DistributionError, RequestError
from distribution.packages import Package, digest, packages
from scaffold import BIN, REPOSITORY, clone_with_releases, git

from mshell_cut import __version__

NAMES = {"alchemy-airflow-operators", "astro-dag-deploy", "databricks-local", "mshell-cut", "skyspark"}
VENDOR = REPOSITORY / "<<cookiecutter.repo_name>>" / "vendor"
# Tests have homes of their own, and what uv has fetched is in the user's.
CACHE = subprocess.run(
    [BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True
).stdout.strip()


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have uv take what it has fetched before."""
    monkeypatch.setenv("UV_CACHE_DIR", CACHE)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as committed."""
    return clone_with_releases(tmp_path_factory.mktemp("release") / "clone")


@pytest.fixture(scope="module")
def built(clone: Path) -> Path:
    """What `make dist` builds of it, by two builds that gave the same bytes."""
    folder = clone.parent / "dist"
    building.build(clone, git(clone, "rev-parse", "HEAD"), packages(clone), folder)
    return folder


@contextmanager
def changed(file: Path, old: str, new: str) -> Iterator[None]:
    """Have another text in a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def package(clone: Path, name: str) -> Package:
    (found,) = (each for each in packages(clone) if each.name == name)
    return found


def test_there_is_a_source_distribution_and_a_wheel_of_each_package(clone: Path, built: Path) -> None:
    assert {each.name for each in packages(clone)} == NAMES
    expected = {file.name for each in packages(clone) for file in each.files(built)}
    assert {path.name for path in built.iterdir() if path.is_file()} == expected
    assert len(expected) == 10


def test_a_package_that_does_not_build_the_same_twice_is_refused(tmp_path: Path, clone: Path) -> None:
    other = tmp_path / "clone"
    shutil.copytree(clone, other, symlinks=True)
    hook = "[tool.hatch.build.hooks.custom]\n"
    settings = other / "packages/astro-dag-deploy/pyproject.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + hook, encoding="utf-8")
    (settings.parent / "hatch_build.py").write_text(
        "import os\n"
        "from pathlib import Path\n"
        "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n\n\n"
        "class Hook(BuildHookInterface):\n"
        "    def initialize(self, version, build_data):\n"
        "        Path(self.root, 'src/astro_dag_deploy/zone.txt').write_text(os.environ['TZ'])\n",
        encoding="utf-8",
    )
    git(other, "add", "--all")
    git(other, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", "zone")
    out = tmp_path / "out"
    with pytest.raises(DistributionError, match=r"astro_dag_deploy-.* is not reproducible"):
        building.build(other, "HEAD", [package(other, "astro-dag-deploy")], out)
    assert not out.exists()


def test_a_tree_that_differs_from_its_commit_is_refused_unless_its_changes_are_to_be_left_out(
    clone: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    build = ["--steps", "build", "--package", "astro-dag-deploy", "--output", str(tmp_path)]
    with changed(clone / "README.md", "mshell-cut", "another"):
        (clone / "forgotten.py").touch()
        assert dist.main(build, clone) == 2
        assert not list(tmp_path.iterdir())
        told = capsys.readouterr().err
        assert "README.md" in told
        assert "forgotten.py" in told
        assert "--ignore-changes" in told

        assert dist.main([*build, "--ignore-changes", "--json"], clone) == 0
        names = json.loads(capsys.readouterr().out)["sha256"]
        assert names == {path.name: digest(path) for path in tmp_path.iterdir()}
    (clone / "forgotten.py").unlink()


def test_a_tag_that_is_not_the_version_and_a_shallow_clone_are_refused(clone: Path, tmp_path: Path) -> None:
    git(clone, "tag", "v98.0.0")
    try:
        with pytest.raises(RequestError, match=rf"v98\.0\.0.* says {__version__}"):
            building.check_tree(clone, ignore_changes=False)
    finally:
        git(clone, "tag", "--delete", "v98.0.0")
    assert building.check_tree(clone, ignore_changes=False) == git(clone, "rev-parse", "HEAD")

    git(tmp_path, "clone", "--quiet", "--depth", "1", clone.as_uri(), "shallow")
    with pytest.raises(RequestError, match="shallow"):
        building.check_tree(tmp_path / "shallow", ignore_changes=False)


def test_what_was_built_is_complete(clone: Path, built: Path) -> None:
    metadata.check(packages(clone), built)
    licence = (clone / "LICENSE").read_bytes()
    for each in packages(clone):
        assert (clone / each.folder / "LICENSE").read_bytes() == licence, each.name


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("README.md", "# astro-dag-deploy", "# a\n[b](docs/c.md)", "links to docs/c.md"),
        ("pyproject.toml", 'keywords = ["airflow", "astronomer", "aws-lambda"]', "", "has no keywords"),
        (
            "pyproject.toml",
            '"https://github.com/mshell-cut/mshell-cut"',
            '"https://example.com"',
            "another Repo",
        ),
        ("src/astro_dag_deploy/py.typed", "", None, "without py.typed"),
    ],
)
def test_what_is_incomplete_is_named(
    clone: Path, tmp_path: Path, file: str, old: str, new: str | None, problem: str
) -> None:
    other = tmp_path / "packages" / "astro-dag-deploy"
    shutil.copytree(clone / "packages/astro-dag-deploy", other)
    shutil.copyfile(clone / "pyproject.toml", tmp_path / "pyproject.toml")
    if new is None:
        (other / file).unlink()
    else:
        text = (other / file).read_text(encoding="utf-8")
        assert old in text
        (other / file).write_text(text.replace(old, new), encoding="utf-8")
    command = [sys.executable, "-m", "hatchling", "build", "-d", tmp_path / "dist"]
    subprocess.run(command, cwd=other, check=True, capture_output=True)
    with pytest.raises(DistributionError, match=problem):
        metadata.check([Package(tmp_path, Path("packages/astro-dag-deploy"))], tmp_path / "dist")


def test_each_package_declares_what_it_imports_and_nothing_else() -> None:
    dependencies.check(packages(REPOSITORY))


def test_what_is_imported_and_not_declared_is_named(tmp_path: Path) -> None:
    settings = (REPOSITORY / "packages/astro-dag-deploy/pyproject.toml").read_text(encoding="utf-8")
    folder = tmp_path / "packages" / "astro-dag-deploy"
    shutil.copytree(REPOSITORY / "packages/astro-dag-deploy/src", folder / "src")
    (folder / "pyproject.toml").write_text(
        settings.replace('  "pydantic>=', '  "sqlglot>='), encoding="utf-8"
    )
    with pytest.raises(DistributionError) as error:
        dependencies.check([Package(tmp_path, Path("packages/astro-dag-deploy"))])
    assert "'pydantic' imported" in str(error.value)
    assert "'sqlglot' defined as a dependency but not used" in str(error.value)


def test_a_published_wheel_is_the_one_that_projects_carry(clone: Path, built: Path) -> None:
    for wheel in (clone / VENDOR.relative_to(REPOSITORY)).glob("*.whl"):
        assert digest(wheel) == digest(built / wheel.name), "run: make vendor"


def test_a_bill_lists_what_comes_with_a_package_and_what_it_carries(clone: Path, built: Path) -> None:
    chosen = [package(clone, name) for name in ("mshell-cut", "skyspark")]
    sbom.write(chosen, built)
    texts = {each.name: sbom.file_of(each, built).read_text(encoding="utf-8") for each in chosen}
    sbom.write(chosen, built)
    assert texts == {each.name: sbom.file_of(each, built).read_text(encoding="utf-8") for each in chosen}

    bills = {name: json.loads(text) for name, text in texts.items()}
    for each in chosen:
        about = bills[each.name]["metadata"]["component"]
        assert (about["name"], about["version"]) == (each.name, each.version)
        assert about["hashes"] == [{"alg": "SHA-256", "content": digest(each.wheel(built))}]
    names = {part["name"] for part in bills["skyspark"]["components"]}
    assert {"pydantic", "pydantic-core", "sqlglot"} <= names
    assert "pyspark" not in names
    locked = (clone / "requirements.lock").read_text(encoding="utf-8")
    for part in bills["skyspark"]["components"]:
        assert f"\n{part['name']}=={part['version']} " in f"\n{locked}"

    with zipfile.ZipFile(package(clone, "mshell-cut").wheel(built)) as archive:
        inside = {name for name in archive.namelist() if name.endswith(".whl")}
    assert inside
    told = {
        item["value"]
        for part in bills["mshell-cut"]["components"]
        for item in part.get("properties", [])
        if item["name"] == "mshell-cut:path"
    }
    assert told == inside


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package index that is a folder, in which there is hatchling."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "hatchling-1.33.0-py3-none-any.whl", "w") as archive:
        about = "Metadata-Version: 2.4\nName: hatchling\nVersion: 1.33.0\n"
        archive.writestr("hatchling-1.33.0.dist-info/METADATA", about)
        archive.writestr("hatchling-1.33.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("hatchling-1.33.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_version_that_is_out_never_gets_other_bytes(clone: Path, built: Path, index: Path) -> None:
    chosen = [package(clone, name) for name in ("astro-dag-deploy", "skyspark")]
    wheel = chosen[0].wheel(built)
    shutil.copyfile(wheel, index / wheel.name)
    assert published.check(chosen, built) == {"astro-dag-deploy": "published", "skyspark": "new"}

    with zipfile.ZipFile(index / wheel.name, "a") as archive:
        archive.writestr("astro_dag_deploy/extra.py", "")
    with pytest.raises(DistributionError, match=r"raise __version__ of\n  astro-dag-deploy"):
        published.check(chosen[:1], built)

    (index / "hatchling-1.33.0-py3-none-any.whl").unlink()
    with pytest.raises(RequestError, match="cannot be reached"):
        published.check(chosen[:1], built)


def test_the_options_are_told_and_wrong_ones_refused() -> None:
    script = [sys.executable, REPOSITORY / "scripts" / "dist.py"]
    told = subprocess.run([*script, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(name in told for name in (*dist.STEPS, "--ignore-changes", "--latest", "exit codes"))
    refused = subprocess.run([*script, "--steps", "upload"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "'upload' is none of build" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_package_works_alone_where_nothing_else_is(
    clone: Path, built: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--steps", "install", "--package", name, "--output", str(built)]
    assert dist.main(arguments, clone) == 0, capsys.readouterr().err
