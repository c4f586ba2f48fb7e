"""The stand-in program does what the Astro CLI 1.45 does, also where that is no deploy."""

import subprocess
import time

import pytest
from astro_api import Fault, api_token
from astro_program import install_astro


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    for path, text in {"dags/new.py": "NEW = 1\n", ".astro/config.yaml": "project:\n  name: x\n"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def astro(api, project, tmp_path):
    """Run the program, after a deployment got a DAG."""
    program = install_astro(api, tmp_path / "bin")
    token = api.add_token()

    def run(*options, deployment="deployment1", stdin="", token=token, home="home"):
        (tmp_path / home).mkdir(exist_ok=True)
        command = [program, "deploy", deployment, "--dags", *options]
        variables = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / home), "ASTRO_API_TOKEN": token}
        return subprocess.run(
            command, cwd=project, env=variables, input=stdin, capture_output=True, text=True
        )

    new = project / "dags" / "new.py"
    new.rename(project / "dags" / "old.py")
    assert run("--workspace-id=workspace1").returncode == 0
    (project / "dags" / "old.py").rename(new)
    return run


OLD = {"dags/old.py": b"NEW = 1\n"}


def test_it_replaces_the_whole_bundle_and_says_so(astro, api):
    done = astro("--workspace-id", "workspace1", "--description", "build 7")
    assert done.returncode == 0
    assert (
        f"\nSuccessfully uploaded DAGs with version {api.version('deployment1')} to Astro. Navigate"
        in done.stdout
    )
    assert api.bundle("deployment1") == {"dags/new.py": b"NEW = 1\n"}
    assert api.deploys("deployment1")[-1].description == "build 7"


def test_the_folder_is_left_out_on_request(astro, api):
    assert astro("--workspace-id=workspace1", "--no-dags-base-dir").returncode == 0
    assert api.bundle("deployment1") == {"new.py": b"NEW = 1\n"}


def is_no_deploy(done, api, said):
    assert done.returncode == 0
    assert said in done.stdout
    assert "Successfully" not in done.stdout
    assert api.bundle("deployment1") == OLD


def test_uncommitted_changes_end_it_with_0(astro, api, project):
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    deploys = len(api.deploys("deployment1"))
    is_no_deploy(astro("--workspace-id=workspace1"), api, "Project directory has uncommitted changes")
    assert len(api.deploys("deployment1")) == deploys
    assert "Successfully" in astro("--workspace-id=workspace1", "--force").stdout


def test_another_workspace_ends_it_with_0(astro, api):
    is_no_deploy(astro("--workspace-id=workspace2"), api, "Invalid workspace id workspace2 was provided")


@pytest.mark.parametrize("answer", ["", "n\n", "yes\n"])
def test_no_dag_and_no_consent_end_it_with_0(astro, api, project, answer):
    (project / "dags" / "new.py").rename(project / "dags" / "new.sql")
    is_no_deploy(astro("--workspace-id=workspace1", stdin=answer), api, "Canceling deploy...")
    assert api.deploys("deployment1")[-1].status == "INITIALIZED"


@pytest.mark.parametrize(("options", "answer"), [(["--force"], ""), ([], "y\n")])
def test_no_dag_with_force_or_consent_deletes_every_dag(astro, api, project, options, answer):
    (project / "dags" / "new.py").unlink()
    assert "Successfully" in astro("--workspace-id=workspace1", *options, stdin=answer).stdout
    assert api.bundle("deployment1") == {}


def test_a_file_with_py_in_its_name_counts_as_a_dag(astro, api, project):
    (project / "dags" / "new.py").rename(project / "dags" / "happy.txt")
    assert "Successfully" in astro("--workspace-id=workspace1").stdout
    assert api.bundle("deployment1") == {"dags/happy.txt": b"NEW = 1\n"}


@pytest.mark.parametrize(("runtime", "code"), [("3.1-5", 1), ("12.1.0", 0)])
def test_no_folder_is_an_empty_one_for_airflow_2(astro, api, project, runtime, code):
    api.add_deployment("deployment2", runtime=runtime)
    (project / "dags").rename(project / "elsewhere")
    done = astro("--workspace-id=workspace1", "--force", deployment="deployment2")
    assert done.returncode == code
    assert ("bundle validation failed: lstat" in done.stderr) == bool(code)


def test_a_link_out_of_the_folder_is_refused_for_airflow_3(astro, api, project):
    (project / "dags" / "link.py").symlink_to("/etc/hostname")
    done = astro("--workspace-id=workspace1")
    assert (done.returncode, "which is outside the bundle directory" in done.stderr) == (1, True)


def test_a_hybrid_deployment_gets_another_dag(astro, api, project):
    api.product = "HYBRID"
    api.add_deployment("deployment1", type="HYBRID")
    assert astro("--workspace-id=workspace1").returncode == 0
    assert api.bundle("deployment1").keys() == {"dags/new.py", "dags/astronomer_monitoring_dag.py"}
    assert [path.name for path in (project / "dags").iterdir()] == ["new.py"]


def test_an_upload_is_tried_four_times(astro, api):
    api.fault("upload", Fault(status=503), calls=3)
    assert astro("--workspace-id=workspace1").returncode == 0
    api.fault("upload", Fault(drop="before"), calls=4)
    done = astro("--workspace-id=workspace1")
    assert done.returncode == 1
    # The address with its signature.
    assert f"sig={api.deploys('deployment1')[-1].signature}" in done.stderr
    assert "EOF" in done.stderr


def test_an_upload_without_a_version_ends_it_with_2(astro, api):
    api.fault("upload", Fault(omit="x-ms-version-id"))
    done = astro("--workspace-id=workspace1")
    assert (done.returncode, done.stderr.startswith("panic: runtime error")) == (2, True)
    assert api.bundle("deployment1") == OLD


def test_an_organization_that_cannot_be_asked_for_is_none(astro, api, tmp_path):
    api.fault("list_organizations", Fault(status=503))
    done = astro("--workspace-id=workspace1", home="new")
    assert (done.returncode, done.stderr) == (1, "Error: no such route\n")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / ".astro").write_text("")
    done = astro("--workspace-id=workspace1", home="bad")
    assert done.returncode == 1
    assert done.stdout.startswith("Error creating default config in home dir")
    assert done.stderr == "Error: Invalid authorization token\n"


def test_a_home_remembers_the_organization_and_even_the_token(astro, api):
    api.fault("list_organizations", Fault(status=503))
    assert astro("--workspace-id=workspace1").returncode == 0
    assert astro("--workspace-id=workspace1", token="").returncode == 0


def test_a_deploy_that_astro_failed_is_said_to_be_one(astro, api):
    api.fault("finalize_deploy", Fault(ends_as="FAILED"))
    done = astro("--workspace-id=workspace1")
    assert (done.returncode, "Successfully" in done.stdout) == (0, True)
    assert api.bundle("deployment1") == OLD


def test_errors_end_it_with_1(astro, api, project):
    api.add_deployment("deployment2", takes_dags=False)
    expired = api_token("organization1", "workspace1", expires=time.time() - 1)
    for done, said in [
        (astro("--workspace-id=workspace1", deployment="deployment3"), "Deployment deployment3 not found"),
        (astro("--workspace-id=workspace1", deployment="deployment2"), "DAG-only deploys are not enabled"),
        (astro("--workspace-id=workspace1", "--unknown"), "unknown flag: --unknown"),
        (
            astro("--workspace-id=workspace1", token="", home="new"),
            "no context set",
        ),
        (astro("--workspace-id=workspace1", token="nonsense"), "API Token is invalid or malformed"),
        (astro("--workspace-id=workspace1", token=expired), "API Token is expired"),
    ]:
        assert done.returncode == 1
        assert f"Error: {said}" in done.stderr
    (project / ".astro" / "config.yaml").unlink()
    done = astro("--workspace-id=workspace1")
    assert (done.returncode, "this is not an Astro project directory" in done.stderr) == (1, True)
    assert api.bundle("deployment1") == OLD


def test_the_token_is_written_into_the_home(astro, api, tmp_path):
    [token] = api.tokens
    assert token in (tmp_path / "home" / ".astro" / "config.yaml").read_text()
