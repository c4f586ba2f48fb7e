"""The wizard, at a real terminal."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pseudo_terminal
import pytest
from scaffold import git

UP, DOWN, ENTER, BACKSPACE, CTRL_C, CTRL_D, CTRL_U = "\x1b[A", "\x1b[B", "\r", "\x7f", "\x03", "\x04", "\x15"

Start = Callable[..., pexpect.spawn]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def start(template: Path, out: Path) -> Iterator[Start]:
    children: list[pexpect.spawn] = []

    def run(*arguments: str, columns: int = 200) -> pexpect.spawn:
        words = ["cut", "--template", str(template), "--output-dir", str(out), *arguments]
        child = pseudo_terminal.start(words, columns=columns)
        children.append(child)
        return child

    yield run
    for child in children:
        pseudo_terminal.end(child)


def finish(child: pexpect.spawn) -> tuple[int | None, str]:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", child.before)


def answer(child: pexpect.spawn, question: str, keys: str) -> None:
    child.expect(question)
    child.send(keys)


def answers_of(project: Path) -> dict:
    return json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]


def test_all_questions_then_the_summary_then_the_project(start: Start, out: Path) -> None:
    child = start()
    answer(child, "repo name", CTRL_U + "invoices" + ENTER)
    answer(child, "description", ENTER)
    answer(child, "kind", DOWN + ENTER)
    answer(child, "principal", "p-1" + ENTER)
    answer(child, "tested", "n")
    answer(child, "token", "hunter2" + ENTER)
    answer(child, "Cut the project", ENTER)
    code, screen = finish(child)
    assert code == 0
    assert "cd " in screen
    assert "make test" in screen
    assert answers_of(out / "invoices")["principal"] == "p-1"
    assert answers_of(out / "invoices")["tested"] is False
    assert git(out / "invoices", "status", "--porcelain") == ""


def test_a_question_that_does_not_apply_is_not_asked_nor_shown(start: Start) -> None:
    child = start("--set", "kind=docker", "--set", "token=", "--set", "tested=yes")
    answer(child, "repo name", ENTER)
    answer(child, "description", ENTER)
    child.expect("Cut the project")
    assert "principal" not in child.before


def test_what_is_typed_is_judged_while_it_is_typed(start: Start, out: Path) -> None:
    child = start("--set", "kind=docker", "--set", "token=", "--set", "tested=yes", "--set", "description=d")
    answer(child, "repo name", "X")
    child.expect("repo_name must be lower case")
    child.send(BACKSPACE + ENTER)
    answer(child, "Cut the project", ENTER)
    assert finish(child)[0] == 0
    assert (out / "orders").is_dir()


def test_a_refusal_is_shown_whole_on_a_narrow_terminal(start: Start) -> None:
    child = start("--set", "kind=docker", "--set", "token=", "--set", "tested=yes", columns=20)
    answer(child, "repo name", "X")
    child.expect("wer case")


def test_a_taken_name_is_refused_while_it_is_typed(start: Start, out: Path) -> None:
    (out / "orders").mkdir()
    child = start("--set", "kind=docker", "--set", "token=", "--set", "tested=yes", "--set", "description=d")
    answer(child, "repo name", "orders")
    child.expect("there is a folder of that name already")


def test_a_taken_name_that_was_given_is_refused_before_anything_is_asked(start: Start, out: Path) -> None:
    (out / "orders").mkdir()
    code, screen = finish(start("--set", "repo_name=orders"))
    assert code == 2
    assert "exists already" in screen
    assert "description" not in screen


def test_an_answer_can_be_changed_and_what_hangs_on_it_is_asked(start: Start, out: Path) -> None:
    child = start("--set", "token=", "--set", "tested=yes", "--set", "description=d")
    answer(child, "repo name", ENTER)
    answer(child, "kind", ENTER)
    answer(child, "Cut the project", DOWN + ENTER)
    answer(child, "Which answer", DOWN + DOWN + ENTER)
    # The menu of answers names the question, too, but not what else can be chosen.
    answer(child, "dab", DOWN + ENTER)
    answer(child, "principal", "p-2" + ENTER)
    answer(child, "Cut the project", ENTER)
    assert finish(child)[0] == 0
    assert answers_of(out / "orders")["principal"] == "p-2"


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("stage", ["repo name", "kind", "tested", "token", "Cut the project"])
def test_stopping_anywhere_leaves_nothing_and_exits_130(
    start: Start, out: Path, key: str, stage: str
) -> None:
    child = start()
    for question, keys in [
        ("repo name", ENTER),
        ("description", ENTER),
        ("kind", ENTER),
        ("tested", "y"),
        ("token", ENTER),
        ("Cut the project", ""),
    ]:
        child.expect(question)
        if question == stage:
            # Ctrl-D means end of input only in an empty line, as in a shell.
            child.send(CTRL_U + key)
            break
        child.send(keys)
    code, screen = finish(child)
    assert code == 130
    assert "nothing was written" in screen
    assert not list(out.iterdir())


def test_the_menu_of_templates_comes_first(out: Path) -> None:
    child = pseudo_terminal.start(["cut", "--output-dir", str(out)])
    child.expect("Which template")
    child.expect("skyspark")
    child.expect("astro-dag")
    child.send(CTRL_C)
    assert finish(child)[0] == 130
