"""The class data archive: made once, used when it fits, and never a reason to fail."""

import json
import os
import subprocess
import sys

import pytest
from skyspark.archive import class_archive, use_options
from skyspark.cli import main
from skyspark.doctor import examine
from skyspark.errors import WarmError
from skyspark.jars import find_jars
from skyspark.java import Java, find_java
from skyspark.versions import installed_spark, spark_home
from skyspark.warm import _remove_orphans, warm


@pytest.fixture
def linked_cache(clean_env, tmp_path):
    """An own cache that has the jars already."""
    jars = find_jars(installed_spark())
    clean_env.setenv("SKYSPARK_CACHE_DIR", str(tmp_path / "cache"))
    home = tmp_path / "cache" / "jars" / jars[0].parent.name
    home.mkdir(parents=True)
    for jar in jars:
        (home / jar.name).symlink_to(jar)
    return tmp_path / "cache"


def archive():
    return class_archive(find_java(), spark_home(), find_jars(installed_spark()))


def test_the_key_is_java_and_spark_and_jars(linked_cache):
    java, home, jars = find_java(), spark_home(), find_jars(installed_spark())
    other_java = Java(java.executable, "17.0.99", "another build")
    paths = {
        class_archive(java, home, jars).path,
        class_archive(other_java, home, jars).path,
        class_archive(java, home / "other", jars).path,
        class_archive(java, home, jars[:1]).path,
    }
    assert len(paths) == 4
    assert class_archive(java, home, jars) == archive()


def test_an_archive_for_another_java_is_not_used(linked_cache):
    mine = archive()
    mine.path.parent.mkdir(parents=True)
    mine.path.write_bytes(b"x")
    assert str(mine.path) in use_options(mine)
    other = class_archive(Java(find_java().executable, "17.0.99", "another"), spark_home(), ())
    assert use_options(other) == ""


def test_a_session_starts_with_a_broken_archive(linked_cache, tmp_path):
    mine = archive()
    mine.path.parent.mkdir(parents=True)
    mine.path.write_bytes(os.urandom(100_000))
    program = "from skyspark import get_spark; print('rows', get_spark().range(3).count())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert (done.returncode, done.stdout) == (0, "rows 3\n"), done.stderr
    assert "archive" not in done.stderr.lower()


def test_a_cache_that_cannot_be_read_counts_as_empty(linked_cache):
    linked_cache.joinpath("archives").write_text("a file where a folder should be")
    assert not archive().is_made()
    assert use_options(archive()) == ""
    with pytest.raises(WarmError, match=r"cannot be written .* sessions work without"):
        warm()


def test_archives_of_spark_installations_that_are_gone_are_removed(linked_cache, tmp_path):
    folder = linked_cache / "archives"
    folder.mkdir()
    for name, home in (("gone", tmp_path / "gone"), ("here", tmp_path)):
        (folder / f"{name}.jsa").touch()
        (folder / f"{name}.json").write_text(json.dumps({"spark_home": str(home)}))
    (folder / "odd.json").write_text("{")
    _remove_orphans(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["here.jsa", "here.json", "odd.json"]


def test_doctor_finds_a_healthy_machine(clean_env, capsys, spark):
    # One session a process: the write is tried in one of its own.
    done = subprocess.run(
        [sys.executable, "-m", "skyspark", "doctor", "--json"], capture_output=True, text=True, check=False
    )
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert all(check["ok"] for check in checks.values()), checks
    assert done.returncode == 0
    assert checks["write to Delta"]["detail"] == "3 rows written and read"


def test_doctor_says_what_is_wrong(own_cache, clean_env, tmp_path, capsys):
    clean_env.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as exited:
        main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert exited.value.code == 1
    assert len(lines) == 6
    assert lines[0].startswith("FAIL  Java: Java is needed by Spark and JAVA_HOME names")
    assert lines[3].endswith("run 'skyspark jars fetch' once.")
    assert lines[5] == "FAIL  write to Delta: not tried, because of the above"


def test_doctor_sees_a_changed_jar_and_a_foreign_spark_home(linked_cache, clean_env, tmp_path):
    jar = find_jars(installed_spark())[1]
    jar.unlink()
    jar.write_bytes(b"PK")
    clean_env.setenv("SPARK_HOME", str(tmp_path))
    found = {check.name: check for check in examine()}
    assert "is not the pinned jar" in found["Delta jars"].detail
    assert "unset SPARK_HOME" in found["Spark"].detail


@pytest.mark.parametrize("verb", [[], ["jars"], ["jars", "fetch"], ["warm"], ["doctor"], ["wheels"]])
def test_help_has_examples(verb, capsys):
    with pytest.raises(SystemExit) as exited:
        main([*verb, "--help"])
    assert exited.value.code == 0
    if verb != ["jars"]:
        assert "examples:" in capsys.readouterr().out
