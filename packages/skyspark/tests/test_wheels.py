"""Collecting the wheels of a cluster, from real packages made here."""

import subprocess
import zipfile
from pathlib import Path

import pytest
from skyspark.cli import main
from skyspark.errors import WheelsError
from skyspark.versions import RUNTIMES, runtime
from skyspark.wheels import package_wheels
from skyspark.wheels.brought import brought_by, fits, normalized
from skyspark.wheels.fetch import platforms
from skyspark.wheels.index import pip_environment, uv_environment

LTS = runtime("17.3")


def wheel(folder: Path, name: str, version: str, *needs: str, tag: str = "py3-none-any") -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {need}" for need in needs]
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of packages that is all there is."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "index"


def package(index, requirements, **options):
    Path("requirements.txt").write_text(requirements)
    return package_wheels(
        [Path("requirements.txt")], LTS, Path("out"), Path("list.txt"), find_links=[index], **options
    )


def names(done):
    return [path.name for path in done.wheels]


def test_markers_and_tags_are_those_of_the_cluster(index):
    on_cluster = "cp312-cp312-manylinux_2_28_x86_64"
    for tag in (on_cluster, "cp311-cp311-manylinux_2_28_x86_64", "cp312-cp312-macosx_14_0_arm64"):
        wheel(index, "fast", "1.0", tag=tag)
    conditions = {
        "linux_only": "sys_platform == 'linux'",
        "windows_only": "sys_platform == 'win32'",
        "old_only": "python_version < '3.12'",
        "new_only": "python_version >= '3.12'",
    }
    for other in conditions:
        wheel(index, other, "1.0")
    wheel(index, "app", "1.0", "fast", *(f"{name}; {marker}" for name, marker in conditions.items()))
    done = package(index, "app\n")
    pure = "1.0-py3-none-any.whl"
    assert names(done) == [
        f"app-{pure}",
        f"fast-1.0-{on_cluster}.whl",
        f"linux_only-{pure}",
        f"new_only-{pure}",
    ]
    listed = Path("list.txt").read_text().splitlines()
    assert listed[1:] == ["app==1.0", "fast==1.0", "linux-only==1.0", "new-only==1.0"]


def test_what_the_runtime_brings_is_preferred_and_left_out(index):
    for version in ("2.2.3", "2.3.3"):
        wheel(index, "pandas", version)
    for version in ("2.1.3", "2.3.5"):
        wheel(index, "numpy", version)
    done = package(index, "pandas>=2\nnumpy>=2.2\n")
    assert [pin.requirement for pin in done.left] == ["pandas==2.2.3"]
    assert [(pin.requirement, brought) for pin, brought in done.replaced] == [("numpy==2.3.5", "2.1.3")]
    assert names(done) == ["numpy-2.3.5-py3-none-any.whl"]


@pytest.mark.parametrize("name", ["pyspark", "delta-spark", "databricks-connect"])
def test_spark_never_goes_to_a_cluster(index, name):
    wheel(index, name.replace("-", "_"), "4.0.0")
    wheel(index, "app", "1.0", name)
    with pytest.raises(WheelsError, match=rf"{name} must not go to a cluster, .*, and app asks"):
        package(index, "app\n")
    assert not Path("out").exists()
    assert not list(Path().glob(".out-*"))


def source(index: Path, name: str, *, pure: bool) -> None:
    home = index.parent / name
    home.mkdir()
    index.mkdir(exist_ok=True)
    backend = f"""
import sysconfig, zipfile
TAG = "py3-none-any" if {pure} else "cp311-cp311-" + sysconfig.get_platform().replace("-", "_")
def build_wheel(target, config_settings=None, metadata_directory=None):
    info, file = "{name}-1.0.dist-info", f"{name}-1.0-{{TAG}}.whl"
    with zipfile.ZipFile(target + "/" + file, "w") as wheel:
        wheel.writestr(f"{{info}}/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        wheel.writestr(f"{{info}}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {{TAG}}\\n")
        wheel.writestr(f"{{info}}/RECORD", "")
    return file
"""
    (home / "backend.py").write_text(backend)
    (home / "pyproject.toml").write_text(
        f"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        f"[project]\nname = '{name}'\nversion = '1.0'\n"
    )
    (home / "PKG-INFO").write_text(f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n")
    subprocess.run(
        ["tar", "-czf", index / f"{name}-1.0.tar.gz", "--transform", f"s,^{name},{name}-1.0,", name],
        cwd=index.parent,
        check=True,
    )


def test_pure_source_is_built(index):
    source(index, "pure", pure=True)
    assert names(package(index, "pure\n")) == ["pure-1.0-py3-none-any.whl"]


def test_source_for_this_machine_only_is_named(index):
    source(index, "native", pure=False)
    with pytest.raises(WheelsError, match=r"native 1\.0 has no wheel for Databricks 17\.3 \(Python 3\.12"):
        package(index, "native\n")
    assert not Path("out").exists()


def test_no_resolution_and_no_file_are_said_in_words(index):
    index.mkdir()
    with pytest.raises(WheelsError, match="cannot be resolved for Databricks") as raised:
        package(index, "nosuchpackage\n")
    assert "nosuchpackage" in str(raised.value)
    with pytest.raises(WheelsError, match=r"'absent\.txt' does not exist"):
        package_wheels([Path("absent.txt")], LTS, Path("out"), Path("list.txt"))


def test_the_command_replaces_old_wheels_and_warns(index, capsys):
    wheel(index, "idna", "3.11")
    Path("out").mkdir()
    Path("out/old-1.0-py3-none-any.whl").touch()
    Path("out/.gitkeep").touch()
    Path("requirements.txt").write_text("idna>=3.10\n")
    arguments = (
        f"wheels -r requirements.txt --runtime 17.3 --find-links {index} -o out --requirements list.txt"
    )
    main(arguments.split())
    said = capsys.readouterr()
    assert sorted(path.name for path in Path("out").iterdir()) == [".gitkeep", "idna-3.11-py3-none-any.whl"]
    assert (
        said.err
        == "warning: idna 3.11 replaces the runtime's 3.7 on the cluster, asked for by requirements.txt\n"
    )
    assert said.out.startswith("1 wheels (0.0 MB) for Databricks 17.3 in out")


@pytest.mark.parametrize("ml", [False, True])
@pytest.mark.parametrize("name", RUNTIMES)
def test_lists_of_runtimes_are_whole(name, ml):
    brought = brought_by(RUNTIMES[name], ml=ml)
    assert len(brought) > 200
    assert all(package == normalized(package) for package in brought)
    assert {"pandas", "numpy", "pyarrow", "pydantic", "requests"} <= set(brought)
    assert ("torch" in brought) == ml


def test_versions_that_fit():
    assert fits("1.2.3", "1.2.3")
    assert fits("1.67.0", "1.67.*")
    assert fits("1.67", "1.67.*")
    assert not fits("1.670.0", "1.67.*")
    assert not fits("1.2", "")


def test_platforms_are_those_of_ubuntu_24_04():
    tags = platforms(LTS)
    assert {"manylinux_2_39_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64"} <= set(tags)
    assert "manylinux_2_40_x86_64" not in tags


def test_one_index_for_both_tools(monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@mirror.invalid/simple")
    assert uv_environment()["UV_DEFAULT_INDEX"] == "https://user:secret@mirror.invalid/simple"
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.invalid/simple")
    assert pip_environment()["PIP_INDEX_URL"] == "https://other.invalid/simple"


def test_a_secret_in_the_address_is_not_shown(index, monkeypatch):
    index.mkdir()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(WheelsError) as raised:
        package(index, "nosuchpackage\n")
    assert "hunter2" not in str(raised.value)
