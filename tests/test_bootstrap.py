"""From a machine with little on it: what is missing or too old is one sentence that says what to install."""

import shutil
import subprocess
from pathlib import Path

import pytest
from scaffold import REPOSITORY

TOOLS = ["sh", "sed", "cut", "head", "dirname", "awk", "rm", "mkdir", "touch", "cat"]
PYTHON = '#!/bin/sh\n[ "$1" = -V ] && echo Python {version} && exit\nexit {code}\n'


@pytest.fixture
def machine_with(tmp_path: Path):
    """A PATH with the usual small tools and the given programs, and a checkout to start in."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    (tmp_path / "checkout/scripts").mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts/bootstrap.sh", tmp_path / "checkout/scripts")

    def bootstrap(kind: str, **programs: str) -> subprocess.CompletedProcess[str]:
        for name, script in programs.items():
            path = tmp_path / "bin" / name
            path.write_text(script)
            path.chmod(0o755)
        return subprocess.run(
            [tmp_path / "checkout/scripts/bootstrap.sh", kind],
            env={"PATH": str(tmp_path / "bin")},
            capture_output=True,
            text=True,
            check=False,
        )

    return bootstrap


GOOD_PYTHON = PYTHON.format(version="3.12.1", code=0)
GOOD_GIT = "#!/bin/sh\necho git version 2.39.5\n"


@pytest.mark.parametrize(
    ("kind", "programs", "sentence"),
    [
        ("tool", {}, "Python 3.11 or newer is needed and 'python3' is not on PATH"),
        (
            "tool",
            {"python3": PYTHON.format(version="3.9.2", code=1)},
            "'python3' is 3.9.2: install a newer one",
        ),
        ("tool", {"python3": GOOD_PYTHON}, "git 2.38 or newer is needed and 'git' is not on PATH"),
        ("tool", {"python3": GOOD_PYTHON, "git": "#!/bin/sh\necho git version 2.30.1\n"}, "this is 2.30"),
        (
            "dev",
            {"python3": GOOD_PYTHON, "git": GOOD_GIT},
            "Java 17 or newer is needed by Spark and 'java' is not there",
        ),
        (
            "dev",
            {
                "python3": GOOD_PYTHON,
                "git": GOOD_GIT,
                "java": "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n",
            },
            "'java' is 11: install a newer one",
        ),
        (
            "tool",
            {
                "python3": GOOD_PYTHON.replace("exit 0", '[ "$1" = -c ]'),
                "git": GOOD_GIT,
            },
            "cannot make virtual environments: install its venv module (Debian: python3-venv).",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(
    machine_with, kind: str, programs: dict[str, str], sentence: str
) -> None:
    done = machine_with(kind, **programs)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
