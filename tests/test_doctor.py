"""`mshell-cut doctor`: each check in each of its states, on real programs, files and repositories."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import unhurried_doctor
from scaffold import BIN, MakeTemplate, change_template, commit_all, git, write_tree
from waiting import has_ended, until

from mshell_cut import cli, source
from mshell_cut.diagnosis.programs import Programs

Run = Callable[..., subprocess.CompletedProcess[str]]
Checks = dict[str, dict[str, Any]]


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no check fail for the time that it takes."""
    unhurried_doctor.wait_long(monkeypatch.setattr)


@pytest.fixture
def examine(unhurried: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., Checks]:
    """Run the command in this process; each check by its id."""

    def run(*arguments: str | Path, offline: bool = True) -> Checks:
        words = ["doctor", "--json", *(["--offline"] if offline else []), *map(str, arguments)]
        code = cli.run(words)
        found = json.loads(capsys.readouterr().out)
        statuses = [check["status"] for check in found["checks"]]
        assert code == (1 if "error" in statuses else 0)
        assert found["ok"] is ("error" not in statuses)
        assert all(bool(check["remedy"]) is (check["status"] != "ok") for check in found["checks"])
        checks = {check["id"]: check for check in found["checks"]}
        assert len(checks) == len(statuses)
        return checks

    return run


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Have PATH hold scripts of the given texts, and of the real programs only those that are named."""
    place = tmp_path / "programs"
    place.mkdir()
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def put(*real: str, **scripts: str) -> Path:
        for name in real:
            found = subprocess.run(["which", name], capture_output=True, text=True, check=True)
            (place / name).symlink_to(found.stdout.strip())
        for name, text in scripts.items():
            (place / name).write_text(f"#!/bin/sh\n{text}\n")
            (place / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(place))
        return place

    return put


@pytest.fixture
def project(make_template: MakeTemplate, mshell_cut: Run, tmp_path: Path) -> Path:
    """A project of the kind `docker`, healthy in all that is checked."""
    template = make_template(
        {"repo_name": "orders", "kind": ["docker", "dab"], "mail": "a@example.com"},
        {
            "README.md": "# << cookiecutter.repo_name >>\nMail << cookiecutter.mail >>\n",
            "Dockerfile": "FROM scratch\n",
            "bundle/databricks.yaml": "bundle:\n",
            "Makefile": "all:\n\nbuild-dev: .venv/.installed\n",
            "requirements.txt": "# ours\nOne.Thing==1.2\n",
            "requirements.lock": "six==1.17.0\npyspark==4.0.1\n",
            ".gitignore": ".venv/\n",
        },
        rules={"mail": {"required": True, "pattern": ".+@.+", "message": "must be an address"}},
        prune={"kind": {"dab": ["Dockerfile"], "docker": ["bundle"]}},
    )
    done = mshell_cut(
        "cut", "--template", template, "--no-input", "--set", "mail=b@example.com", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    made = tmp_path / "orders"
    wheel(made / "vendor" / "one_thing-1.2-py3-none-any.whl")
    write_tree(made, {".venv/pyvenv.cfg": "", ".venv/.installed": ""})
    (made / ".venv" / "bin").mkdir()
    (made / ".venv" / "bin" / "python").symlink_to(BIN / "python")
    commit_all(made)
    return made


def wheel(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("one_thing/__init__.py", "")


def edit_state(project: Path, **changes: Any) -> None:
    path = project / ".cruft.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_answers(project: Path, **changes: Any) -> None:
    found = json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]
    kept = {name: value for name, value in {**found, **changes}.items() if value is not None}
    edit_state(project, context={"cookiecutter": kept})


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections, and that nobody else can get meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        yield port


class Index(BaseHTTPRequestHandler):
    """A package index that knows `pip` and `six` only."""

    def do_GET(self) -> None:
        name = self.path.strip("/").split("/")[-1]
        if name.endswith(".metadata"):
            body = f"Metadata-Version: 2.1\nName: {name.split('-')[0]}\nVersion: 1.0\n"
        elif name in ("pip", "six"):
            body = f'<a href="{name}-1.0-py3-none-any.whl" data-core-metadata="true">{name}</a>'
            body = body.replace("<a", "<!DOCTYPE html><html><body><a") + "</body></html>"
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


@pytest.fixture
def installer_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine's own for pip and uv."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")


# --- this machine


def test_a_machine_with_everything_is_fine(examine: Callable[..., Checks], tmp_path: Path) -> None:
    checks = examine("--project", tmp_path)
    assert {check["status"] for check in checks.values()} == {"ok"}
    assert list(checks) == [
        "python", "git", "git-identity", "java", "make", "installer", "cache", "template"
    ]  # fmt: skip
    assert checks["git-identity"]["message"] == "Ada <ada@example.com>"


def test_without_any_program_it_still_tells_of_each(
    examine: Callable[..., Checks], programs: Callable[..., Path], tmp_path: Path
) -> None:
    programs()
    checks = examine("--project", tmp_path, offline=False)
    assert {name for name, check in checks.items() if check["status"] == "error"} == {
        *("python", "git", "java", "make", "installer", "index"),
        # In a checkout, the template's commit is asked of git.
        "template",
    }
    assert "no 'java' on PATH" in checks["java"]["message"]
    assert "JAVA_HOME" in checks["java"]["remedy"]


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("echo 3.11.0", "ok", "3.11.0 at"),
        ("echo 3.10.9", "error", "is Python 3.10.9, 3.11 or newer"),
        ("echo nonsense", "error", "does not say its version"),
    ],
)
def test_python(
    examine: Callable[..., Checks],
    programs: Callable[..., Path],
    tmp_path: Path,
    script: str,
    status: str,
    message: str,
) -> None:
    programs("git", python3=script)
    found = examine("--project", tmp_path)["python"]
    assert (found["status"], message in found["message"]) == (status, True), found


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("echo git version 2.38.0", "ok", "2.38.0 at"),
        ("echo 'git version 2.50.1 (Apple Git-155)'", "ok", "2.50.1 at"),
        ("echo git version 2.37.9", "error", "is git 2.37.9, 2.38 or newer"),
        ("exit 3", "error", "does not say its version"),
    ],
)
def test_git(
    examine: Callable[..., Checks],
    programs: Callable[..., Path],
    tmp_path: Path,
    script: str,
    status: str,
    message: str,
) -> None:
    programs(git=script)
    found = examine("--project", tmp_path)["git"]
    assert (found["status"], message in found["message"]) == (status, True), found


def test_git_identity(
    examine: Callable[..., Checks], machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / ".gitconfig").write_text("[user]\n\tname = Ada\n")
    found = examine("--project", tmp_path)["git-identity"]
    assert found["status"] == "warning"
    assert found["message"] == "git knows no user.email"
    assert "git config --global user.email" in found["remedy"]
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "eve@example.com")
    assert examine("--project", tmp_path)["git-identity"]["message"] == "Ada <eve@example.com>"


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("""echo 'openjdk version "17.0.15" 2025' >&2""", "ok", "17.0.15 at"),
        ("""echo 'openjdk version "21" 2023' >&2""", "ok", "21 at"),
        ("""echo 'java version "1.8.0_402"' >&2""", "error", "is Java 8"),
        ("exit 1", "error", "does not say its version"),
    ],
)
def test_java_on_path(
    examine: Callable[..., Checks],
    programs: Callable[..., Path],
    tmp_path: Path,
    script: str,
    status: str,
    message: str,
) -> None:
    programs("git", java=script)
    found = examine("--project", tmp_path)["java"]
    assert (found["status"], message in found["message"]) == (status, True), found


def test_java_of_java_home_comes_before_path_and_need_not_be_started(
    examine: Callable[..., Checks],
    programs: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs("git", java="""echo 'openjdk version "17.0.15"' >&2""")
    home = tmp_path / "jdk"
    write_tree(home, {"release": 'JAVA_VERSION="11.0.2"\n', "bin/java": "#!/bin/sh\nexit 9\n"})
    monkeypatch.setenv("JAVA_HOME", str(home))
    found = examine("--project", tmp_path)["java"]
    assert found["status"] == "error"
    assert f"{home}/bin/java is Java 11.0.2" in found["message"]
    (home / "release").write_text('JAVA_VERSION="21.0.1"\n')
    assert examine("--project", tmp_path)["java"]["message"] == f"21.0.1 at {home}/bin/java"
    (home / "release").unlink()
    found = examine("--project", tmp_path)["java"]
    assert f"{home}/bin/java does not run (Permission denied)" in found["message"]
    (home / "bin" / "java").unlink()
    assert "has no bin/java" in examine("--project", tmp_path)["java"]["message"]


@pytest.mark.parametrize(
    ("scripts", "status", "message"),
    [
        ({"uv": "echo 'uv 0.13.8 (abc)'"}, "ok", "uv 0.13.8 at"),
        ({"uv": "exit 1"}, "error", "does not run"),
        ({"python3": "exit 0"}, "ok", "pip, with"),
        ({"python3": "exit 1"}, "error", "no Python that can make environments"),
    ],
)
def test_installer(
    examine: Callable[..., Checks],
    programs: Callable[..., Path],
    tmp_path: Path,
    scripts: dict[str, str],
    status: str,
    message: str,
) -> None:
    programs("git", **scripts)
    found = examine("--project", tmp_path)["installer"]
    assert (found["status"], message in found["message"]) == (status, True), found


@pytest.mark.parametrize("name", ["uv", "pip"])
def test_the_index_is_asked_by_the_installer_with_its_own_settings(
    examine: Callable[..., Checks],
    programs: Callable[..., Path],
    installer_settings: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    closed_port: int,
    name: str,
) -> None:
    place = programs("git")
    (place / "python3").symlink_to(BIN / "python")
    if name == "uv":
        (place / "uv").symlink_to(BIN / "uv")
    variable = {"uv": "UV_INDEX_URL", "pip": "PIP_INDEX_URL"}[name]
    with index() as address:
        monkeypatch.setenv(variable, address)
        found = examine("--project", tmp_path, offline=False)["index"]
        assert (found["status"], found["message"]) == ("ok", f"{name} reaches it")
        # In a project it is asked for what the project needs.
        write_tree(tmp_path, {".cruft.json": "", "requirements.lock": "# first\nunheard-of==1.0 \\\n"})
        found = examine("--project", tmp_path, offline=False)["index"]
        assert found["message"] == f"{name} finds no 'unheard-of' on the package index"
    monkeypatch.setenv(variable, f"http://me:hidden@127.0.0.1:{closed_port}/simple")
    found = examine("--project", tmp_path, offline=False)["index"]
    assert found["status"] == "error"
    assert variable in found["remedy"]
    assert "hidden" not in str(found)


def test_the_cache(examine: Callable[..., Checks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "absent"))
    assert examine("--project", tmp_path)["cache"]["status"] == "ok"
    assert not (tmp_path / "absent").exists()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found = examine("--project", tmp_path)["cache"]
    assert found["status"] == "error"
    assert "XDG_CACHE_HOME" in found["remedy"]


# --- a project


def test_a_healthy_project(examine: Callable[..., Checks], project: Path) -> None:
    (project / "deep").mkdir()
    checks = examine("--project", project / "deep")
    assert {name: check for name, check in checks.items() if check["status"] != "ok"} == {}
    assert list(checks)[7:] == [
        *("state", "repository", "conflicts", "rejects", "vendor", "environment"),
        *("template", "commit", "answers", "pruned"),
    ]


def test_java_is_for_projects_with_spark(
    examine: Callable[..., Checks], programs: Callable[..., Path], project: Path
) -> None:
    programs("git")
    assert examine("--project", project)["java"]["status"] == "error"
    (project / "requirements.lock").write_text("six==1.17.0\nalchemy-airflow-operators==0.1.0\n")
    found = examine("--project", project)
    assert "java" not in found
    assert not [check for check in found.values() if "Spark" in f"{check['message']} {check['remedy']}"]
    (project / "requirements.txt").write_text("skyspark==0.2.0\n")
    assert "java" in examine("--project", project)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1"),
        ("<<<<<<< yours\n", "has conflict markers"),
        ('{"template": "x"}', "names no 'commit'"),
        ('{"template": "x", "commit": "y"}', "holds no answers"),
    ],
)
def test_a_damaged_memory(examine: Callable[..., Checks], project: Path, content: str, message: str) -> None:
    (project / ".cruft.json").write_text(content)
    checks = examine("--project", project)
    assert checks["state"]["status"] == "error"
    assert message in checks["state"]["message"]
    assert "template" not in checks
    assert checks["vendor"]["status"] == "ok"


def test_a_template_that_is_not_there(examine: Callable[..., Checks], project: Path, tmp_path: Path) -> None:
    (tmp_path / "template").rename(tmp_path / "moved")
    found = examine("--project", project)["template"]
    assert found["status"] == "error"
    assert "--template" in found["remedy"]


def test_a_remote_template(
    examine: Callable[..., Checks], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"file://{tmp_path}/template"
    edit_state(project, template=address)
    checks = examine("--project", project)
    # Offline and never cloned: nothing can be said.
    assert not {"template", "commit", "answers", "pruned"} & set(checks)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    checks = examine("--project", project, offline=False)
    assert (checks["template"]["status"], checks["template"]["message"]) == ("ok", address)
    assert checks["answers"]["status"] == "ok"
    assert source.mirror_folder(address).is_dir()
    (tmp_path / "template").rename(tmp_path / "moved")
    checks = examine("--project", project, offline=False)
    assert checks["template"]["status"] == "warning"
    assert "its last copy on this machine is used" in checks["template"]["message"]
    assert checks["answers"]["status"] == "ok"
    assert examine("--project", project)["answers"]["status"] == "ok"


def test_an_unreachable_template_says_so_without_its_password(
    examine: Callable[..., Checks], project: Path, installer_settings: None, closed_port: int
) -> None:
    edit_state(project, template=f"http://me:hidden@127.0.0.1:{closed_port}/template.git")
    checks = examine("--project", project, offline=False)
    assert checks["template"]["status"] == "error"
    assert "does not answer" in checks["template"]["message"]
    assert "hidden" not in str(checks)


def test_a_commit_that_the_template_does_not_know(examine: Callable[..., Checks], project: Path) -> None:
    edit_state(project, commit="0" * 40)
    found = examine("--project", project)["commit"]
    assert found["status"] == "error"
    assert "mshell-cut adopt" in found["remedy"]


def test_a_template_that_is_broken_at_the_commit(
    examine: Callable[..., Checks], project: Path, tmp_path: Path
) -> None:
    broken = change_template(tmp_path / "template", {}, _rules={"unasked": {}})
    edit_state(project, commit=broken)
    found = examine("--project", project)["commit"]
    assert found["status"] == "error"
    assert "'unasked' is no question" in found["message"]


def test_answers(examine: Callable[..., Checks], project: Path) -> None:
    edit_answers(project, mail="nobody")
    found = examine("--project", project)["answers"]
    assert (found["status"], found["message"]) == ("error", "mail must be an address")
    edit_answers(project, mail=None)
    found = examine("--project", project)["answers"]
    assert found["status"] == "warning"
    assert "holds no answer to mail" in found["message"]
    edit_answers(project, mail="a@example.com", colour="red")
    found = examine("--project", project)["answers"]
    assert found["status"] == "warning"
    assert "colour" in found["message"]


def test_files_of_the_path_not_taken(examine: Callable[..., Checks], project: Path) -> None:
    write_tree(project, {"bundle/databricks.yaml": "bundle:\n"})
    found = examine("--project", project)["pruned"]
    assert found["status"] == "warning"
    assert "bundle (ruled out by kind=docker)" in found["message"]


def test_conflict_markers(examine: Callable[..., Checks], project: Path) -> None:
    write_tree(project, {"README.md": "Heading\n=======\n<<<<<<< see above\n"})
    assert examine("--project", project)["conflicts"]["status"] == "ok"
    write_tree(project, {"README.md": "<<<<<<< yours\na\n=======\nb\n>>>>>>> template-v0.2.0\n"})
    found = examine("--project", project)["conflicts"]
    assert found["status"] == "error"
    assert found["message"] == "conflict markers are left in README.md"


def test_rejected_changes(examine: Callable[..., Checks], project: Path) -> None:
    write_tree(project, {"README.md.rej": "@@ -1 +1 @@\n"})
    found = examine("--project", project)["rejects"]
    assert found["status"] == "warning"
    assert "README.md.rej" in found["message"]


def test_a_project_that_is_not_under_git(examine: Callable[..., Checks], project: Path) -> None:
    (project / ".git").rename(project.parent / "elsewhere")
    checks = examine("--project", project)
    assert checks["repository"]["status"] == "warning"
    assert "git init" in checks["repository"]["remedy"]
    assert not {"conflicts", "rejects"} & set(checks)


def test_a_project_that_its_repository_does_not_know(examine: Callable[..., Checks], project: Path) -> None:
    shutil.rmtree(project / ".git")
    write_tree(project.parent, {"README.md": "# All projects\n"})
    git(project.parent, "init", "--quiet")
    git(project.parent, "add", "README.md")
    git(project.parent, "commit", "--quiet", "--message", "first")
    found = examine("--project", project)["repository"]
    assert found["status"] == "warning"
    assert "run 'git add --all" in found["remedy"]


def test_an_update_that_is_not_finished(
    examine: Callable[..., Checks], project: Path, mshell_cut: Run, tmp_path: Path
) -> None:
    change_template(tmp_path / "template", {"README.md": "# << cookiecutter.repo_name >>, theirs\n"})
    write_tree(project, {"README.md": "# orders, ours\n"})
    commit_all(project)
    done = mshell_cut("update", "--project", project)
    assert done.returncode == 1, done.stderr
    checks = examine("--project", project)
    assert checks["conflicts"]["status"] == "error"
    assert checks["repository"]["status"] == "warning"
    assert checks["repository"]["message"] == "an update is not finished: it had 1 conflict"
    assert mshell_cut("update", "--project", project, "--abort").returncode == 0
    assert examine("--project", project)["repository"]["status"] == "ok"


@pytest.mark.parametrize(
    ("requirements", "files", "status", "message"),
    [
        ("one-thing==1.3\n", [], "error", "pins one-thing==1.3 and vendor/ holds one_thing-1.2"),
        ("other==1\n", [], "warning", "which no requirements*.txt pins"),
        ("One.Thing == 1.2 # why\n", ["one_thing-1.1-py3-none-any.whl"], "error", "two wheels of one-thing"),
        ("one_thing==1.2 \\\n", [], "ok", "one_thing-1.2"),
    ],
)
def test_vendored_wheels(
    examine: Callable[..., Checks],
    project: Path,
    requirements: str,
    files: list[str],
    status: str,
    message: str,
) -> None:
    (project / "requirements.txt").write_text(requirements)
    for name in files:
        wheel(project / "vendor" / name)
        (project / "requirements.txt").write_text(requirements.replace("1.2", "1.1"))
    found = examine("--project", project)["vendor"]
    assert (found["status"], message in found["message"]) == (status, True), found


def test_a_wheel_for_another_environment(examine: Callable[..., Checks], project: Path) -> None:
    other = project / "vendor" / "other-2-py3-none-any.whl"
    wheel(other)
    os.utime(other, (time.time() + 60,) * 2)
    (project / "requirements-dags.txt").write_text("other==1\n")
    assert "requirements-dags.txt pins other==1" in examine("--project", project)["vendor"]["message"]
    (project / "requirements-dags.txt").write_text("other==2\n")
    checks = examine("--project", project)
    assert (checks["vendor"]["status"], checks["environment"]["status"]) == ("ok", "ok")
    (project / "requirements.txt").write_text("One.Thing==1.2\nother==2\n")
    assert (
        examine("--project", project)["environment"]["message"] == f".venv is older than vendor/{other.name}"
    )


def test_vendored_wheels_that_are_damaged_or_gone(examine: Callable[..., Checks], project: Path) -> None:
    path = project / "vendor" / "one_thing-1.2-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:20])
    found = examine("--project", project)["vendor"]
    assert (found["status"], "is damaged" in found["message"]) == ("error", True)
    path.unlink()
    found = examine("--project", project)["vendor"]
    assert (found["status"], found["message"]) == ("warning", "vendor/ holds no wheel")


def test_the_environment(examine: Callable[..., Checks], project: Path) -> None:
    later = time.time() + 60
    os.utime(project / "requirements.lock", (later, later))
    found = examine("--project", project)["environment"]
    assert (found["status"], found["message"]) == ("warning", ".venv is older than requirements.lock")
    assert found["remedy"] == "run 'make build-dev'"
    (project / ".venv" / "bin" / "python").unlink()
    (project / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    assert examine("--project", project)["environment"]["status"] == "error"
    (project / ".venv").rename(project / ".gone")
    found = examine("--project", project)["environment"]
    assert (found["status"], found["message"]) == ("warning", "there is no .venv")
    (project / "requirements.lock").unlink()
    assert "environment" not in examine("--project", project)


# --- how it runs


def test_one_line_for_each_check_and_the_remedy_on_it(
    unhurried: None, project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tree(project, {"README.md.rej": "", "requirements.txt": "one-thing==1.3\n"})
    monkeypatch.chdir(project)
    assert cli.run(["doctor", "--offline"]) == 1
    printed, said = capfd.readouterr()
    lines = printed.splitlines()
    assert len(lines) == 17
    assert [line.split()[:2] for line in lines if not line.startswith("ok")] == [
        ["warning", "rejects"],
        ["error", "vendor"],
    ]
    assert "'mshell-cut diff' shows" in printed
    assert said == "17 checks: 1 error, 1 warning.\n"


def test_a_program_that_never_answers_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child"
    wait = subprocess.Popen.wait

    def begun(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        # The time counts from when there is a child to kill.
        until(lambda: is_told(child), "the program did not start its child")
        return wait(self, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", begun)
    with Programs() as programs:
        answer = programs.run("/bin/sh", "-c", f"sleep 3600 & echo $! > {child}; wait", limit=0.5)
    assert answer.text == "gave no answer within 0.5 seconds"
    until(lambda: has_ended(int(child.read_text())), "the child still runs")


def test_interrupting_ends_what_was_started(programs: Callable[..., Path], tmp_path: Path) -> None:
    child = tmp_path / "child"
    programs("git", "sleep", java=f"echo $$ > {child}; sleep 3600")
    doctor = subprocess.Popen(
        [sys.executable, "-c", UNHURRIED, "doctor", "--offline"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: is_told(child), "the doctor did not look at Java")
    doctor.send_signal(signal.SIGINT)
    _, said = doctor.communicate(timeout=600)
    assert doctor.returncode == 130
    assert "Traceback" not in said
    until(lambda: has_ended(int(child.read_text())), "the program still runs")


UNHURRIED = f"""
import sys
sys.path.append({str(Path(__file__).parent)!r})
import unhurried_doctor
from mshell_cut.cli import main

unhurried_doctor.wait_long(setattr)
main()
"""


def is_told(number: Path) -> bool:
    return number.exists() and number.read_text().endswith("\n")
