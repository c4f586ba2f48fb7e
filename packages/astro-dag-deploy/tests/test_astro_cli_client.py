"""Nothing but the Astro CLI's word that the DAGs are there is a success, and nothing of it is left behind."""

import logging
import os
import subprocess
import time
from pathlib import Path

import pytest
from astro_api import Fault, api_token
from astro_dag_deploy.errors import AstroError
from astro_dag_deploy.utils.astro_cli_client import AstroCliClient
from astro_program import install_astro

SUCCESS = "Successfully uploaded DAGs with version 2026-11-21T18:00:00.0000000Z to Astro. Navigate to"


@pytest.fixture
def program(api, tmp_path):
    return install_astro(api, tmp_path / "bin")


@pytest.fixture
def deploy(project, program, token):
    """Deploy the project; all but what is named is as it should be."""

    def run(*, program=program, token=token, environment=None, **options):
        client = AstroCliClient(str(program), lambda: token, environment=environment)
        defaults = {
            "workspace": "workspace1",
            "deployment": "deployment1",
            "description": "orders, build 7",
            "seconds": 600.0,
        }
        return client.deploy(project, **defaults | options)

    return run


@pytest.fixture
def project(tmp_path):
    dags = tmp_path / "project" / "dags"
    (dags / "orders").mkdir(parents=True)
    (dags / "orders" / "pipeline.py").write_text("A = 1\n")
    (dags / "query.sql").write_text("select 1")
    return dags.parent


@pytest.fixture
def script(tmp_path):
    """Write a shell script in place of the CLI."""

    def write(text):
        path = tmp_path / "script"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def begin_time_when(monkeypatch):
    """Have the seconds that the program gets begin when a test sees that it has come so far, or has ended."""

    def begin(is_so_far):
        class Held(subprocess.Popen):
            def wait(self, timeout=None):
                end = time.monotonic() + 600
                while timeout is not None and not is_so_far() and self.poll() is None:
                    assert time.monotonic() < end
                    time.sleep(0.01)
                return super().wait(timeout)

        monkeypatch.setattr(subprocess, "Popen", Held)

    return begin


def test_the_version_is_that_of_the_bundle_that_astro_has(deploy, api):
    deployed = deploy()
    assert api.bundle("deployment1") == {"orders/pipeline.py": b"A = 1\n", "query.sql": b"select 1"}
    assert deployed.version == api.version("deployment1") != ""
    [made] = api.deploys("deployment1")
    assert (made.status, made.description) == ("DEPLOYED", "orders, build 7")


def test_the_bundle_is_replaced(deploy, api, project):
    deploy()
    (project / "dags" / "query.sql").unlink()
    deployed = deploy()
    assert api.bundle("deployment1") == {"orders/pipeline.py": b"A = 1\n"}
    assert deployed.version == api.version("deployment1")


def test_the_version_is_read_out_of_colours(deploy, api):
    deployed = deploy(environment={"CLICOLOR_FORCE": "1"})
    assert deployed.version == api.version("deployment1")


def test_a_git_work_tree_around_the_project_is_not_seen(deploy, api, project):
    work_tree(project)
    assert deploy().version == api.version("deployment1")


def work_tree(folder: Path) -> Path:
    """Make a folder a git work tree with a change that is not committed, and return its repository."""
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "x"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "dags" / "query.sql").write_text("select 2")
    return folder / ".git"


@pytest.fixture
def has_old(api, deploy, project):
    """Give the deployment DAGs, which a deploy that is none must leave."""
    path = project / "dags" / "orders" / "pipeline.py"
    new = path.read_text()
    path.write_text("OLD = 1\n")
    deploy()
    path.write_text(new)
    return api.bundle("deployment1")


def test_uncommitted_changes_are_no_success(deploy, api, project, has_old):
    with pytest.raises(AstroError, match=r"exit code 0: .*Project directory has uncommitted changes"):
        deploy(environment={"GIT_DIR": str(work_tree(project)), "GIT_WORK_TREE": str(project)})
    assert api.bundle("deployment1") == has_old


def test_another_workspace_is_no_success(deploy, api, has_old):
    with pytest.raises(AstroError, match=r"exit code 0: .*Invalid workspace id workspace2 was provided"):
        deploy(workspace="workspace2")
    assert api.bundle("deployment1") == has_old


def test_no_dags_are_no_success_and_are_not_even_tried(deploy, api, project, has_old):
    (project / "dags" / "orders" / "pipeline.py").rename(project / "dags" / "happy.txt")
    before = len(api.requests)
    with pytest.raises(AstroError, match="no Python file"):
        deploy()
    assert len(api.requests) == before
    assert api.bundle("deployment1") == has_old


def test_no_dags_are_deployed_when_they_were_asked_for(deploy, api, project, has_old):
    for path in (project / "dags").rglob("*"):
        if path.is_file():
            path.unlink()
    assert deploy(allow_empty=True).version == api.version("deployment1")
    assert api.bundle("deployment1") == {}


def test_dag_deploys_that_are_off_are_no_success(deploy, api):
    api.add_deployment("deployment2", takes_dags=False)
    with pytest.raises(AstroError, match=r"exit code 1: Error: DAG-only deploys are not enabled"):
        deploy(deployment="deployment2")


@pytest.mark.parametrize(
    ("route", "fault", "said"),
    [
        ("get_deployment", Fault(status=404, message="Deployment not found"), "Error: Deployment not found"),
        ("create_deploy", Fault(status=503, message="try later"), "Error: try later"),
        (
            "upload",
            Fault(status=403),
            "/storage/deployment1 RESPONSE 403: 403 Forbidden ERROR CODE UNAVAILABLE {",
        ),
        ("upload", Fault(drop="before"), 'Error: Put "http'),
        ("upload", Fault(omit="x-ms-version-id"), "panic: runtime error: invalid memory address"),
        ("finalize_deploy", Fault(status=500), "Error: the server is out of order"),
        ("finalize_deploy", Fault(drop="before"), "Error: Post "),
    ],
)
def test_a_failing_request_is_no_success(deploy, api, has_old, route, fault, said):
    api.fault(route, fault, calls=None)
    with pytest.raises(AstroError, match=r"exit code [12]: ") as caught:
        deploy()
    assert said in str(caught.value)
    assert "goroutine" not in str(caught.value)
    assert api.bundle("deployment1") == has_old


def test_a_lost_answer_to_the_last_request_is_no_success(deploy, api, has_old):
    api.fault("finalize_deploy", Fault(drop="after"))
    with pytest.raises(AstroError, match="did not say that deployment deployment1 has the DAGs"):
        deploy()
    assert api.bundle("deployment1") != has_old


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("nonsense", "Error: API Token is invalid or malformed"),
        (api_token("organization1", "workspace1", expires=time.time() - 60), "Error: API Token is expired"),
        (api_token("organization1", "workspace1"), "Error: Invalid authorization token"),
        ("", "The API token is empty"),
        ("two\nlines", "The API token is empty or has spaces"),
    ],
    ids=["malformed", "expired", "unknown", "empty", "two lines"],
)
def test_a_bad_token_is_no_success(deploy, bad, said):
    with pytest.raises(AstroError) as caught:
        deploy(token=bad)
    assert said in str(caught.value)
    assert "Usage" not in str(caught.value)


def test_an_organization_that_cannot_be_asked_for_is_no_success(deploy, api, has_old):
    api.fault("list_organizations", Fault(status=503))
    with pytest.raises(AstroError, match="exit code 1: Error: no such route"):
        deploy()
    assert api.bundle("deployment1") == has_old


def test_storage_that_is_busy_is_tried_again_by_the_program(deploy, api):
    api.fault("upload", Fault(status=503), calls=2)
    assert deploy().version == api.version("deployment1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "echo 'Canceling deploy...'",
        "echo 'Successfully uploaded DAGs'",
        "echo 'Successfully uploaded DAGs with version  to Astro. Navigate to the Airflow UI'",
        "echo 'Successfully pushed image to Astronomer registry.'",
        f"echo 'If all is well it prints: {SUCCESS}'",
        f"echo '{SUCCESS}' >&2",
        f"echo '{SUCCESS}'; exit 1",
        f"echo '{SUCCESS}'; kill -9 $$",
    ],
)
def test_nothing_but_the_line_and_exit_code_0_is_a_success(deploy, script, text):
    with pytest.raises(AstroError, match="did not say that deployment deployment1 has the DAGs"):
        deploy(program=script(text))


def test_the_line_is_found_after_much_output(deploy, script):
    text = f"yes 'a line that nobody reads' | head -n 50000; echo; echo '{SUCCESS}'"
    assert deploy(program=script(text)).version == "2026-11-21T18:00:00.0000000Z"


def test_it_runs_with_little_around_it(deploy, script, project, tmp_path, token, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret of AWS")
    monkeypatch.setenv("ASTRONOMER_KEY_ID", "key of another")
    text = f"""
        env > {tmp_path}/environment
        printf '%s\\n' "$@" > {tmp_path}/arguments
        touch "$HOME/written" && pwd > {tmp_path}/place
        readlink /proc/self/fd/0 > {tmp_path}/input
        cp .astro/config.yaml {tmp_path}/config
        echo '{SUCCESS}'"""
    deploy(
        program=script(text), environment={"ASTRO_DOMAIN": "example.com"}, deployment="-f", allow_empty=True
    )
    lines = (tmp_path / "environment").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    # The last three are the shell's.
    assert variables.keys() - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "PATH",
        "HOME",
        "ASTRO_HOME",
        "ASTRO_API_TOKEN",
        "ASTRO_DOMAIN",
        "ASTRO_TELEMETRY_DISABLED",
        "GIT_DIR",
    }
    assert variables["ASTRO_API_TOKEN"] == token
    assert not Path(variables["HOME"]).exists()
    assert (tmp_path / "arguments").read_text().splitlines() == [
        "deploy",
        "--dags",
        "--no-dags-base-dir",
        "--workspace-id=workspace1",
        "--description=orders, build 7",
        "--force",
        "--",
        "-f",
    ]
    assert (tmp_path / "place").read_text().strip() == str(project)
    assert (tmp_path / "input").read_text().strip() == os.devnull
    assert "git_metadata: false" in (tmp_path / "config").read_text()


def test_a_project_keeps_its_own_configuration(deploy, project):
    config = project / ".astro" / "config.yaml"
    config.parent.mkdir()
    config.write_text("project:\n  name: mine\n")
    deploy()
    assert config.read_text() == "project:\n  name: mine\n"


def test_a_description_is_one_line_of_what_astro_takes(deploy, api):
    deploy(description="first\nsecond\0" + "x" * 1000)
    description = api.deploys("deployment1")[0].description
    assert description.startswith("first second x")
    assert len(description) == 500


def test_a_question_is_not_waited_for(deploy, script):
    with pytest.raises(AstroError, match=r"exit code 0: Are you sure\? nobody said a thing"):
        deploy(program=script('printf "Are you sure? "; read answer || echo "nobody said a thing"'))


def running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    # Whose parent is dead is buried by nobody in some containers.
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("ending", ["wait", "exit 0", f"echo '{SUCCESS}'"])
def test_no_process_is_left(deploy, begin_time_when, script, tmp_path, ending):
    text = f"""
        trap '' TERM HUP
        (trap '' TERM HUP; sleep 600) &
        echo $! $$ > {tmp_path}/part && mv {tmp_path}/part {tmp_path}/pids
        {ending}"""
    begin_time_when((tmp_path / "pids").exists)
    if ending == "wait":
        with pytest.raises(
            AstroError, match=r"did not end within 1 s and was killed.*new DAGs or the old ones"
        ):
            deploy(program=script(text), seconds=1.0)
    elif ending == "exit 0":
        with pytest.raises(AstroError, match="it said nothing"):
            deploy(program=script(text))
    else:
        deploy(program=script(text))
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 120
    while any(map(running, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(running, pids))


def test_a_slow_astro_is_left_in_time(deploy, begin_time_when, api, has_old):
    api.fault("finalize_deploy", Fault(seconds=600))
    before = api.calls("finalize_deploy")
    begin_time_when(lambda: api.calls("finalize_deploy") > before)
    with pytest.raises(AstroError, match="was killed, so deployment deployment1 may have") as caught:
        deploy(seconds=2.0)
    assert "Initiating DAG deploy for: deployment1" in str(caught.value)
    assert api.bundle("deployment1") == has_old


def test_no_time_is_no_success(deploy, script):
    with pytest.raises(AstroError, match="did not end within"):
        deploy(program=script(f"sleep 600; echo '{SUCCESS}'"), seconds=-1.0)


@pytest.mark.parametrize("name", ["missing", "project"])
def test_a_program_that_cannot_be_started_is_named(deploy, tmp_path, name):
    with pytest.raises(AstroError, match=rf"{name}, could not be started: .*Set ASTRO_CLI"):
        deploy(program=tmp_path / name)


def test_the_token_is_nowhere(
    deploy, begin_time_when, api, script, token, tmp_path, monkeypatch, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    deploy()
    errors = []
    begin_time_when((tmp_path / "said").exists)
    signed = "https://storage.example.com/bundle?sv=1&sig=s1gnature"
    for text in (
        'echo "token $ASTRO_API_TOKEN"',
        f'echo "Error: Put \\"{signed}\\": dial tcp: Authorization: Bearer $ASTRO_API_TOKEN" >&2; exit 1',
        f'echo "panic: $ASTRO_API_TOKEN {signed}" >&2; exit 2',
        f'printf "token \\033[1m%s\\033[0m" "$ASTRO_API_TOKEN"; touch {tmp_path}/said; sleep 600',
    ):
        with pytest.raises(AstroError) as caught:
            deploy(program=script(text), seconds=1.0)
        errors.append(repr(caught.value) + repr(caught.value.__cause__))
    for route in ("finalize_deploy", "upload"):
        api.fault(route, Fault(drop="before"), calls=None)
        with pytest.raises(AstroError) as caught:
            deploy()
        errors.append(str(caught.value))
    assert f'Error: Put "{api.url}/storage/deployment1": EOF' in errors[-1]
    printed = capfd.readouterr()
    written = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    everything = "\n".join([*errors, *written, caplog.text, printed.out, printed.err])
    assert (
        'Error: Put "https://storage.example.com/bundle": dial tcp: Authorization: Bearer ***' in everything
    )
    for secret in (token, "s1gnature", *(made.signature for made in api.deploys("deployment1"))):
        assert secret not in everything
