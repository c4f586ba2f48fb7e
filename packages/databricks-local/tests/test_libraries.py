"""Wheels, requirements and images: what a task can import."""

import io
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from databricks.sdk.service.compute import ClusterSpec, DockerImage, Environment, Library, PythonPyPiLibrary
from databricks.sdk.service.jobs import (
    JobEnvironment,
    PythonWheelTask,
    RunOutput,
    SparkPythonTask,
    SubmitTask,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace

FOLDER_IMAGE = "registry.example.com/orders:1.2"
WHEEL_IMAGE = "registry.example.com/orders:wheel"
ENTRY_POINTS = "[console_scripts]\nreport = orders:report\n"


def wheel(folder: Path, name: str, version: str, code: str, requires: Sequence[str] = ()) -> Path:
    """Write a wheel with one module, as a build backend does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", ENTRY_POINTS)
        archive.writestr(f"{info}/RECORD", "")
    return path


def orders(said: str) -> str:
    return f"import sys\ndef report():\n    print({said!r}, sys.argv[1:])\ndef audit():\n    print('audit')\n"


@pytest.fixture(scope="module")
def workspace(
    databricks_local_factory: Callable[..., LocalWorkspace], tmp_path_factory: pytest.TempPathFactory
) -> LocalWorkspace:
    root = tmp_path_factory.mktemp("image")
    wheel(root / "opt/dist", "orders", "1.9", orders("old in image"))
    wheel(root / "opt/dist", "orders", "1.10", orders("new in image"))
    wheel(root / ".venv/dist", "orders", "2.0", orders("hidden"))
    (root / "opt/app").mkdir()
    (root / "opt/app/main.py").write_text(
        "import orders, shared_code; orders.report(); print(shared_code.NAME)"
    )
    (root / "shared_code.py").write_text("NAME = 'of the image'")
    alone = wheel(tmp_path_factory.mktemp("wheel"), "orders", "3.0", orders("alone"))
    images = [f"--image={FOLDER_IMAGE}={root}", f"--image={WHEEL_IMAGE}={alone}"]
    return databricks_local_factory("--offline", *images)


@pytest.fixture
def uploaded(workspace: LocalWorkspace, tmp_path: Path) -> Callable[..., str]:
    def upload(name: str, version: str, code: str, requires: Sequence[str] = ()) -> str:
        content = wheel(tmp_path, name, version, code, requires).read_bytes()
        path = f"/Workspace/Shared/dist/{name}-{version}-py3-none-any.whl"
        client = workspace.client()
        client.workspace.mkdirs("/Workspace/Shared/dist")
        client.workspace.upload(path, io.BytesIO(content), format=ImportFormat.AUTO, overwrite=True)
        return path

    return upload


def run(
    workspace: LocalWorkspace,
    libraries: Sequence[Library] = (),
    *,
    task: PythonWheelTask | SparkPythonTask | None = None,
    dependencies: Sequence[str] = (),
    image: str | None = None,
) -> RunOutput:
    client = workspace.client()
    task = task or PythonWheelTask(package_name="orders", entry_point="report")
    submitted = SubmitTask(
        task_key="only",
        libraries=list(libraries) or None,
        environment_key="default" if dependencies else None,
        python_wheel_task=task if isinstance(task, PythonWheelTask) else None,
        spark_python_task=task if isinstance(task, SparkPythonTask) else None,
    )
    environments = None
    if dependencies:
        spec = Environment(environment_version="4", dependencies=list(dependencies))
        environments = [JobEnvironment(environment_key="default", spec=spec)]
    else:
        docker = DockerImage(url=image) if image else None
        submitted.new_cluster = ClusterSpec(
            spark_version="17.3.x-scala2.13", num_workers=1, docker_image=docker
        )
    run_id = client.jobs.submit(run_name="test", tasks=[submitted], environments=environments).run_id
    deadline = time.monotonic() + 600
    while not (ended := client.jobs.get_run(run_id)).end_time:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return client.jobs.get_run_output((ended.tasks or [])[0].run_id or 0)


def logs(told: RunOutput) -> str:
    assert not told.error, told.error_trace or told.error
    return told.logs or ""


def code_of(told: RunOutput) -> str:
    assert told.metadata and told.metadata.status and told.metadata.status.termination_details
    assert told.metadata.status.termination_details.code
    return told.metadata.status.termination_details.code.value


def installed(workspace: LocalWorkspace) -> set[str]:
    return {path.name for path in (workspace.root / "environments").glob("*") if path.name[0] != "."}


def test_a_wheel_runs_by_its_entry_point(workspace: LocalWorkspace, uploaded: Callable[..., str]) -> None:
    libraries = [Library(whl=uploaded("orders", "1.0", orders("first")))]
    positional = PythonWheelTask("orders", "report", parameters=["--day", "1"])
    assert logs(run(workspace, libraries, task=positional)) == "first ['--day', '1']\n"
    named = PythonWheelTask("orders", "report", named_parameters={"day": "1", "env": "dev"})
    assert logs(run(workspace, libraries, task=named)) == "first ['--day=1', '--env=dev']\n"
    function = PythonWheelTask("orders", "audit")
    assert logs(run(workspace, libraries, task=function)) == "audit\n"


def test_an_entry_point_or_package_that_is_not_there_is_a_sentence(
    workspace: LocalWorkspace, uploaded: Callable[..., str]
) -> None:
    libraries = [Library(whl=uploaded("orders", "1.0", orders("first")))]
    told = run(workspace, libraries, task=PythonWheelTask("orders", "reports"))
    assert (
        told.error
        == "Python wheel orders has no entry point reports, and its package no function of that name."
    )
    told = run(workspace, libraries, task=PythonWheelTask("invoices", "report"))
    assert (told.error or "").startswith("Python wheel with name invoices could not be found.")
    assert told.error_trace is None


def test_a_wheel_is_installed_once_and_again_when_it_changed(
    workspace: LocalWorkspace, uploaded: Callable[..., str]
) -> None:
    library = Library(whl=uploaded("orders", "5.0", orders("before")))
    assert logs(run(workspace, [library])) == "before []\n"
    known = installed(workspace)
    assert logs(run(workspace, [library])) == "before []\n"
    assert installed(workspace) == known
    # A build of the same version, as developers deploy it many times a day.
    uploaded("orders", "5.0", orders("after"))
    assert logs(run(workspace, [library])) == "after []\n"
    assert len(installed(workspace)) == len(known) + 1


def test_what_the_runtime_has_is_not_installed_again(
    workspace: LocalWorkspace, uploaded: Callable[..., str]
) -> None:
    code = "import packaging\ndef report():\n    print(packaging.__file__)\n"
    library = Library(whl=uploaded("orders", "6.0", code, ["packaging>=20"]))
    assert "/environments/" not in logs(run(workspace, [library]))


def test_a_requirement_that_nobody_has_fails_with_the_installers_words(
    workspace: LocalWorkspace, uploaded: Callable[..., str]
) -> None:
    known = installed(workspace)
    told = run(workspace, [Library(whl=uploaded("orders", "7.0", orders("x"), ["no-such-thing>=1"]))])
    assert code_of(told) == "LIBRARY_INSTALLATION_ERROR"
    assert "orders==7.0 depends on no-such-thing>=1" in " ".join((told.error or "").split())
    assert installed(workspace) == known


def test_a_library_that_is_not_there_is_named(workspace: LocalWorkspace) -> None:
    told = run(workspace, [Library(whl="/Workspace/Shared/nowhere-1.0-py3-none-any.whl")])
    assert code_of(told) == "LIBRARY_INSTALLATION_ERROR"
    assert "/Workspace/Shared/nowhere-1.0-py3-none-any.whl does not exist" in (told.error or "")


def test_libraries_of_other_languages_are_refused(workspace: LocalWorkspace) -> None:
    told = run(workspace, [Library(jar="dbfs:/x.jar")])
    assert told.error == "Library installation failed: databricks-local installs no jar libraries."


def test_a_package_of_the_index_that_the_runtime_has_is_enough(workspace: LocalWorkspace) -> None:
    workspace.client().dbfs.upload("dbfs:/p.py", io.BytesIO(b"import packaging; print('ok')"), overwrite=True)
    libraries = [Library(pypi=PythonPyPiLibrary(package="packaging>=20"))]
    assert logs(run(workspace, libraries, task=SparkPythonTask("dbfs:/p.py"))) == "ok\n"


def test_requirements_and_environments_name_wheels_of_the_workspace(
    workspace: LocalWorkspace, uploaded: Callable[..., str]
) -> None:
    path = uploaded("orders", "8.0", orders("required"))
    target = "/Workspace/Shared/requirements.txt"
    text = f"# what the job needs\npackaging >= 20 ; python_version > '3'\n{path}\n"
    client = workspace.client()
    client.workspace.upload(
        target,
        io.BytesIO(text.encode()),
        format=ImportFormat.AUTO,
        overwrite=True,
    )
    listed = Library(requirements=target)
    assert logs(run(workspace, [listed])) == "required []\n"
    uploaded("orders", "8.0", orders("rebuilt"))
    assert logs(run(workspace, [listed])) == "rebuilt []\n"
    assert logs(run(workspace, dependencies=["-r /Workspace/Shared/requirements.txt"])) == "rebuilt []\n"
    assert logs(run(workspace, dependencies=[path])) == "rebuilt []\n"


def test_a_folder_stands_for_an_image(workspace: LocalWorkspace) -> None:
    told = run(workspace, image=FOLDER_IMAGE, task=SparkPythonTask("/opt/app/main.py"))
    assert logs(told) == "new in image []\nof the image\n"
    assert logs(run(workspace, image=FOLDER_IMAGE)) == "new in image []\n"


def test_a_wheel_stands_for_an_image(workspace: LocalWorkspace) -> None:
    assert logs(run(workspace, image=WHEEL_IMAGE)) == "alone []\n"


def test_a_library_goes_before_what_the_image_has(
    workspace: LocalWorkspace, uploaded: Callable[..., str]
) -> None:
    told = run(workspace, [Library(whl="file:/opt/dist/orders-1.9-py3-none-any.whl")], image=FOLDER_IMAGE)
    assert logs(told) == "old in image []\n"


def test_an_image_that_nothing_stands_for_is_named(workspace: LocalWorkspace) -> None:
    told = run(workspace, image="registry.example.com/other:1")
    assert code_of(told) == "INVALID_RUN_CONFIGURATION"
    assert "--image URL=PATH" in (told.error or "")
