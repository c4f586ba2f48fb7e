"""The command line as a whole."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from scaffold import BIN

from mshell_cut import __version__

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("arguments", [["--help"], ["cut", "--help"], ["templates", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from mshell_cut.cli import run; code = run(sys.argv[1:]);"
        "heavy = {'cookiecutter', 'questionary', 'jinja2', 'yaml', 'rich'} & set(sys.modules);"
        "print(heavy, file=sys.stderr) if heavy else None; sys.exit(code)"
    )
    done = subprocess.run(
        [BIN / "python", "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_verb_has_help_with_an_example(mshell_cut: Run) -> None:
    assert "\n    mshell-cut cut --template" in mshell_cut("cut", "--help").stdout
    assert "\n    mshell-cut templates add" in mshell_cut("templates", "--help").stdout
    assert __version__ in mshell_cut("--version").stdout


@pytest.mark.parametrize(
    "arguments", [["cutt"], ["cut", "--bogus"], ["cut", "a", "b"], ["cut", "a", "--template", "b"]]
)
def test_a_wrong_request_is_exit_code_2_without_a_traceback(mshell_cut: Run, arguments: list[str]) -> None:
    done = mshell_cut(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_template_or_a_terminal_it_says_which_there_are(mshell_cut: Run) -> None:
    done = mshell_cut("cut")
    assert done.returncode == 2
    assert "mshell-cut cut skyspark" in done.stderr


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    done = subprocess.run(
        f"{BIN}/mshell-cut templates | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mshell_cut", "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
