"""Fetching the Delta jars, by Spark's own resolver."""

import os
import subprocess
import sys

import pytest
from skyspark.cli import main
from skyspark.errors import JarsFetchError, JarsNotFoundError, JavaNotFoundError
from skyspark.jars import fetch_jars, find_jars, verify
from skyspark.java import find_java
from skyspark.session import get_spark
from skyspark.versions import installed_spark

LINE = installed_spark()


def test_missing_jars_are_one_sentence(own_cache):
    with pytest.raises(JarsNotFoundError, match="run 'skyspark jars fetch' once"):
        find_jars(LINE)
    done = subprocess.run(
        [sys.executable, "-c", "from skyspark import get_spark; get_spark()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1].endswith("run 'skyspark jars fetch' once.")


def test_what_is_there_is_not_fetched_again(clean_env, capsys):
    main(["jars", "fetch"])
    first = {path: path.stat().st_mtime_ns for path in find_jars(LINE)}
    main(["jars", "fetch"])
    assert "already" in capsys.readouterr().out
    assert first == {path: path.stat().st_mtime_ns for path in find_jars(LINE)}
    assert all(verify(path, jar) for path, jar in zip(find_jars(LINE), LINE.jars, strict=True))


def test_the_paths_are_listed_one_a_line(clean_env, capsys):
    main(["jars", "list"])
    assert capsys.readouterr().out.splitlines() == [str(path) for path in find_jars(LINE)]


def test_jars_that_are_missing_are_not_listed(own_cache, capsys):
    with pytest.raises(SystemExit) as exited:
        main(["jars", "list"])
    said = capsys.readouterr()
    assert exited.value.code == 2
    assert not said.out
    assert said.err.startswith("error: the Delta jars for Spark ")
    assert said.err.endswith("run 'skyspark jars fetch' once.\n")


def test_no_repository_is_one_sentence(own_cache, clean_env, tmp_path, capsys):
    nowhere = tmp_path / "empty-repository"
    nowhere.mkdir()
    (tmp_path / "ivy.xml").write_text(
        "<ivysettings><settings defaultResolver='here'/><resolvers><filesystem name='here'>"
        f"<artifact pattern='{nowhere}/[artifact]-[revision].[ext]'/></filesystem></resolvers></ivysettings>"
    )
    (tmp_path / "spark-defaults.conf").write_text(f"spark.jars.ivySettings {tmp_path / 'ivy.xml'}\n")
    clean_env.setenv("SPARK_CONF_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as exited:
        main(["jars", "fetch"])
    said = capsys.readouterr().err
    assert exited.value.code == 1
    assert "because no repository with it was reached, or none that lets it be read: go online once" in said
    assert len(said.splitlines()) == 2
    assert not list(own_cache.rglob("*.jar"))


def mirror(folder, clean_env, contents):
    """Make a Maven mirror in a folder, and tell Spark of it as users do."""
    repository = folder / "mirror"
    for jar, content in zip(LINE.jars, contents, strict=True):
        home = repository / "io" / "delta" / jar.artifact / jar.version
        home.mkdir(parents=True)
        (home / jar.file_name).write_bytes(content)
        storage = LINE.jars[1]
        needs = (
            f"<dependencies><dependency><groupId>{storage.group}</groupId><artifactId>{storage.artifact}"
            f"</artifactId><version>{storage.version}</version></dependency></dependencies>"
        )
        (home / jar.file_name.replace(".jar", ".pom")).write_text(
            f"<project><modelVersion>4.0.0</modelVersion><groupId>{jar.group}</groupId>"
            f"<artifactId>{jar.artifact}</artifactId><version>{jar.version}</version>"
            f"{needs if jar is LINE.jars[0] else ''}</project>"
        )
    clean_env.setenv("DEFAULT_ARTIFACT_REPOSITORY", f"{repository.as_uri()}/")


def test_a_mirror_is_honoured_and_other_jars_are_refused(clean_env, tmp_path):
    genuine = [path.read_bytes() for path in find_jars(LINE)]
    clean_env.setenv("SKYSPARK_CACHE_DIR", str(tmp_path / "cache"))
    mirror(tmp_path / "bad", clean_env, [genuine[0], b"PK no storage"])
    with pytest.raises(JarsFetchError, match=r"delta-storage:\S+ is not the pinned jar"):
        fetch_jars(LINE)
    mirror(tmp_path / "good", clean_env, genuine)
    paths, fetched = fetch_jars(LINE)
    assert fetched
    assert paths == find_jars(LINE)
    assert not list((tmp_path / "cache" / "jars").glob(".fetch-*"))


def test_a_cache_that_cannot_be_written_is_one_sentence(clean_env, tmp_path):
    (tmp_path / "file").touch()
    clean_env.setenv("SKYSPARK_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(JarsFetchError, match=r"cannot be written .*: set SKYSPARK_CACHE_DIR"):
        fetch_jars(LINE)


def java(folder, program):
    home = folder / "jdk"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text(program)
    (home / "bin" / "java").chmod(0o755)
    return home


def test_no_java_is_one_sentence(clean_env, tmp_path):
    clean_env.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaNotFoundError, match=r"JAVA_HOME names .*, which has no bin/java: install"):
        get_spark()
    clean_env.delenv("JAVA_HOME")
    clean_env.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaNotFoundError, match="there is no 'java' on PATH"):
        find_java()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2", "is 11.0.2: install a JDK 17"),
        ("#!/bin/sh\necho 'java version \"1.8.0_292\"' >&2", "is 8.0: install a JDK 17"),
        ("#!/bin/sh\nexit 1", "does not say its version"),
        ("not a program", "does not run"),
    ],
)
def test_a_java_of_no_use_is_one_sentence(clean_env, tmp_path, program, words):
    clean_env.setenv("JAVA_HOME", str(java(tmp_path, program)))
    with pytest.raises(JavaNotFoundError, match=words):
        find_java()


def test_the_release_file_spares_a_start(clean_env, tmp_path):
    home = java(tmp_path, "#!/bin/sh\nexit 1")
    (home / "release").write_text('IMPLEMENTOR="X"\nJAVA_VERSION="21.0.2"\n')
    clean_env.setenv("JAVA_HOME", str(home))
    assert (find_java().major, find_java().build.split()) == (21, ["X", "21.0.2"])


def test_importing_skyspark_is_light():
    program = (
        "import sys, skyspark, skyspark.testing, skyspark.testing.plugin, skyspark.cli\n"
        "heavy = {'pyspark', 'pydantic', 'yaml', 'delta', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
