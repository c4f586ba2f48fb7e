"""Whatever the rules of the skyspark template refuse leaves nothing on disk, whichever way it comes in."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaffold import BIN, REPOSITORY

from mshell_cut import cli, questions

TEMPLATE = questions.load(REPOSITORY)
DEFAULTS = {name: question.default for name, question in TEMPLATE.questions.items()}
PRINCIPALS = {
    "service_principal_application_id_dev": "1b2c3d4e-0000-4000-8000-0123456789ab",
    "service_principal_application_id_prod": "1b2c3d4e-0000-4000-8000-0123456789ac",
}
AWKWARD = [
    "",
    " x",
    "<< 1 >>",
    "<% x",
    "a\tb",
    "a\x00b",
    "-x",
    "x/../y",
    "../x",
    "$(id)",
    "`id`",
    "é",
    "x" * 300,
    "numpy",
]


@st.composite
def refused(draw: st.DrawFn) -> dict[str, str]:
    """Answers of which at least one breaks a rule."""
    kind = draw(st.sampled_from(["docker", "dab"]))
    good = {**DEFAULTS, "type_of_task": kind, **(PRINCIPALS if kind == "dab" else {})}
    name = draw(st.sampled_from(sorted(DEFAULTS)))
    bad = draw(
        st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
    )
    return {**good, name: bad}


ANSWERS = refused().filter(TEMPLATE.problems)


def left_over(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


@settings(max_examples=60)
@given(answers=ANSWERS)
def test_an_answers_file_with_a_refused_answer_writes_nothing(answers: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as out, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(answers, file)
        file.flush()
        assert cli.run(["cut", "skyspark", "--no-input", "--answers", file.name, "--output-dir", out]) == 2
        assert left_over(out) == []


def reaches_the_hook(answers: dict[str, str]) -> bool:
    # Cookiecutter has made `<< 1 >>` a harmless `1` before its hooks see an answer, takes a folder's name for
    # what it is, and no program can be given a NUL.
    text = "".join(answers.values())
    return answers["repo_name"] not in ("", ".", "..") and not any(
        mark in text for mark in ("\0", "<<", "<%", "<#")
    )


@settings(max_examples=8)
@given(answers=ANSWERS.filter(reaches_the_hook))
def test_plain_cookiecutter_writes_nothing_either(answers: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as out:
        words = [f"{name}={value}" for name, value in answers.items()]
        command = [BIN / "cookiecutter", REPOSITORY, "--no-input", "--default-config", "-o", out, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        # It leaves the folders that it made on the way to a name with a slash.
        assert not [path for path in Path(out).rglob("*") if path.is_file()]
        assert "/" in answers["repo_name"] or left_over(out) == []


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_every_default_is_accepted(name: str) -> None:
    assert TEMPLATE.problem(name, DEFAULTS) is None
