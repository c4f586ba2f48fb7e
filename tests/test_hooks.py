"""The hooks in the templates are our modules, and speak the same words under plain cookiecutter."""

import json
import subprocess
from pathlib import Path

import pytest
from scaffold import BIN, REPOSITORY, MakeTemplate

from mshell_cut import catalogue, hooks, questions


@pytest.mark.parametrize("directory", [template.directory or "" for template in catalogue.BUILT_IN])
def test_the_hooks_of_this_repository_are_generated(directory: str) -> None:
    folder = Path(directory, "hooks")
    assert hooks.are_ours(REPOSITORY / directory), f"run: python -m mshell_cut.hooks {folder}"


def test_a_changed_or_further_hook_is_not_ours(template: Path) -> None:
    assert hooks.are_ours(template)
    (template / "hooks" / "post_gen_project.py").write_text("print('mine')\n")
    assert not hooks.are_ours(template)


def test_hooks_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    words = [BIN / "python", "-m", "mshell_cut.hooks"]
    written = subprocess.run([*words, tmp_path / "own/hooks"], capture_output=True, text=True, check=False)
    assert written.returncode == 0, written.stderr
    assert hooks.are_ours(tmp_path / "own")

    (tmp_path / "file").touch()
    in_the_way = subprocess.run([*words, tmp_path / "file"], capture_output=True, text=True, check=False)
    assert in_the_way.stderr.startswith(f"error: {tmp_path / 'file'} cannot be written")
    unnamed = subprocess.run(words, capture_output=True, text=True, check=False)
    assert unnamed.stderr.startswith("usage:")


def cookiecutter(template: Path, into: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "cookiecutter", template, "--no-input", "-o", into, *(f"{k}={v}" for k, v in answers.items())],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "answers",
    [
        {"kind": "dab"},
        {"kind": "docker", "principal": "p"},
        {"repo_name": "Orders"},
        {"description": "a\u200bb"},
        {"description": "tab\tbed"},
    ],
)
def test_plain_cookiecutter_refuses_in_the_same_words(template: Path, tmp_path: Path, answers: dict) -> None:
    done = cookiecutter(template, tmp_path / "out", **answers)
    everything = {"repo_name": "orders", "description": "", "kind": "docker", "principal": "", **answers}
    expected = questions.load(template).problems({"tested": True, "token": "", **everything})
    assert done.returncode != 0
    assert expected
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        f"error: {sentence}" for sentence in expected
    ]
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("text", ["it's", 'say "hi"', "back\\slash", "'''\"\"\"", "🚀 é {{ x }} %s ${y}"])
def test_any_accepted_answer_passes_through_the_hooks(
    make_template: MakeTemplate, tmp_path: Path, text: str
) -> None:
    template = make_template(
        {"repo_name": "orders", "description": text}, {"d.json": "<< cookiecutter.description | jsonify >>"}
    )
    done = cookiecutter(template, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out/orders/d.json").read_text()) == text
