"""The files that a bundle is made of, and its archive."""

import io
import os
import tarfile

import pytest
from astro_dag_deploy.errors import AstroError
from astro_dag_deploy.utils.dag_bundle import list_dags, write_bundle


@pytest.fixture
def project(tmp_path):
    dags = tmp_path / "project" / "dags"
    (dags / "orders").mkdir(parents=True)
    (dags / "orders" / "pipeline.py").write_text("A = 1\n")
    (dags / "orders" / ".airflowignore").write_text("*.sql\n")
    (dags / "z.sql").write_text("select 1")
    (dags / "nothing").mkdir()
    return dags.parent


def test_all_files_are_in_the_bundle_in_order(project):
    archive = io.BytesIO()
    write_bundle(list_dags(project, allow_empty=False), archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:gz") as bundle:
        entries = bundle.getmembers()
        contents = {entry.name: bundle.extractfile(entry).read() for entry in entries}
    assert list(contents) == ["orders/.airflowignore", "orders/pipeline.py", "z.sql"]
    assert contents["orders/pipeline.py"] == b"A = 1\n"
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in entries} == {
        (0, 0, 0, "", 0o644)
    }


def test_the_same_files_are_the_same_archive(project, monkeypatch):
    first, second = io.BytesIO(), io.BytesIO()
    write_bundle(list_dags(project, allow_empty=False), first)
    monkeypatch.setattr("time.time", lambda: 2e9)
    for path in project.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    write_bundle(dict(reversed(list_dags(project, allow_empty=False).items())), second)
    assert first.getvalue() == second.getvalue()


@pytest.mark.parametrize("target", ["/etc/hostname", "pipeline.py", "gone"])
def test_a_link_is_refused(project, target):
    (project / "dags" / "orders" / "link.py").symlink_to(target)
    with pytest.raises(AstroError, match=r"dags/orders/link\.py is neither a file nor a folder"):
        list_dags(project, allow_empty=False)


def test_a_linked_folder_is_refused(project, tmp_path):
    (project / "dags" / "outside").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(AstroError, match="dags/outside is neither"):
        list_dags(project, allow_empty=False)


def test_a_pipe_is_refused(project):
    os.mkfifo(project / "dags" / "pipe")
    with pytest.raises(AstroError, match="dags/pipe is neither"):
        list_dags(project, allow_empty=True)


def test_no_python_file_is_refused_unless_it_is_what_was_asked_for(project):
    (project / "dags" / "orders" / "pipeline.py").rename(project / "dags" / "happy.txt")
    with pytest.raises(AstroError, match="no Python file"):
        list_dags(project, allow_empty=False)
    assert "happy.txt" in list_dags(project, allow_empty=True)


def test_no_folder_is_refused_even_then(tmp_path):
    with pytest.raises(AstroError, match="no folder dags/"):
        list_dags(tmp_path, allow_empty=True)
