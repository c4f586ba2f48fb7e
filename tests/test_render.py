"""What a render spares gives what cookiecutter and Jinja would give."""

import json
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
from jinja2.ext import Extension
from scaffold import write_tree

from mshell_cut.errors import TemplateBrokenError
from mshell_cut.questions import Questionnaire
from mshell_cut.render import CompiledTemplates, Renderer
from mshell_cut.source import Source


class Capitals(Extension):
    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return source.replace("a", "A")


_TEXTS = (
    *("", "README.md", " a  b ", "{ a } % #", "a\n", "a\r\nb\rc", 'it\'s "<b>" & \\n é \ud7ff', "_verbatim"),
    *("{{ x }}y", "{# c #}y", "{% if x %}y{% endif %}", "# a", "## a", "<< x >>", "{{ '_verbatim' }}"),
)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"autoescape": True},
        {"keep_trailing_newline": True, "newline_sequence": "\r\n"},
        {"line_statement_prefix": "%%", "line_comment_prefix": "##"},
        {"line_comment_prefix": "#"},
        {"variable_start_string": "<<", "variable_end_string": ">>"},
        {"extensions": [Capitals]},
    ],
    ids=str,
)
@pytest.mark.parametrize("text", _TEXTS, ids=ascii)
def test_a_text_without_tags_is_what_jinja_makes_of_it(text: str, settings: dict[str, object]) -> None:
    plain = jinja2.Environment(**settings)  # type: ignore[arg-type]
    ours = jinja2.Environment(**settings)  # type: ignore[arg-type]
    ours.add_extension(CompiledTemplates)
    wanted = plain.from_string(text).render(x="<x>")
    assert ours.from_string(text).render(x="<x>") == wanted


def test_names_without_tags_are_not_compiled() -> None:
    environment = jinja2.Environment(extensions=[CompiledTemplates])
    environment.from_string("README.md").render()
    environment.compile = None  # type: ignore[assignment, method-assign]
    assert environment.from_string("src/apps/main.py").render() == "src/apps/main.py"
    with pytest.raises(TypeError):
        environment.from_string("{{ x }}")


def test_a_date_is_rendered_by_a_module_that_other_renders_do_not_load(tmp_path: Path) -> None:
    raw = {"slug": "s", "year": "{% now 'utc', '%Y' %}"}
    write_tree(tmp_path, {"cookiecutter.json": json.dumps(raw), "{{cookiecutter.slug}}/f": ""})
    code = f"""
import sys
from pathlib import Path
from mshell_cut.render import Renderer
from mshell_cut.questions import load
from mshell_cut.source import Source
folder = Path({str(tmp_path)!r})
renderer = Renderer(load(folder), Source(folder))
renderer.folder_name({{"slug": "s", "year": "1"}})
print("arrow" in sys.modules, renderer.default(renderer.questionnaire.raw["year"], {{}}))
import arrow
print(arrow.get("2020-01-02").year, "arrow.parser" in sys.modules, arrow is sys.modules["arrow"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    loaded, year = first.split()
    assert loaded == "False"
    assert len(year) == 4
    assert year.isdigit()
    assert second == "2020 True True"


def test_a_template_reads_the_extensions_it_names(tmp_path: Path) -> None:
    raw = {"slug": "s", "_extensions": [f"{Capitals.__module__}.{Capitals.__name__}"]}
    renderer = Renderer(Questionnaire(raw), Source(tmp_path))
    assert renderer.default("a b", {}) == "A b"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("{{cookiecutter.answer}}", "../x"),
        ("{{cookiecutter.answer}}", "a/../../x"),
        ("f{{cookiecutter.answer}}", "/../../x"),
        ("d{{cookiecutter.answer}}/f", "/../.."),
        ("{{cookiecutter.answer}}", ".git/config"),
        ("f{{cookiecutter.answer}}", "/../.GIT/hooks/post-commit"),
    ],
)
def test_no_answer_leads_out_of_the_project(tmp_path: Path, name: str, answer: str) -> None:
    write_tree(tmp_path / "template", {f"{{{{cookiecutter.name}}}}/{name}": "text\n"})
    renderer = Renderer(Questionnaire({"name": "orders", "answer": "x"}), Source(tmp_path / "template"))
    for render in (renderer.render, renderer.sketch):
        with pytest.raises(TemplateBrokenError, match="would lie at"):
            render({"name": "orders", "answer": answer}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_answer_is_an_absolute_path(tmp_path: Path) -> None:
    write_tree(tmp_path / "template", {"{{cookiecutter.name}}/{{cookiecutter.answer}}": "text\n"})
    renderer = Renderer(Questionnaire({"name": "orders", "answer": "x"}), Source(tmp_path / "template"))
    with pytest.raises(TemplateBrokenError, match="would lie at"):
        renderer.render({"name": "orders", "answer": f"{tmp_path}/absolute"}, tmp_path / "out")
    assert not (tmp_path / "absolute").exists()


@pytest.mark.parametrize("name", ["../x", "/x", "..", ".git", "a/b"])
def test_no_answer_makes_another_folder_of_the_project(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path / "template", {"{{cookiecutter.name}}/a": "", "cookiecutter.json": "{}"})
    renderer = Renderer(Questionnaire({"name": "orders"}), Source(tmp_path / "template"))
    for render in (renderer.render, renderer.sketch):
        with pytest.raises(TemplateBrokenError, match="is no name"):
            render({"name": name}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_answer_may_name_folders_in_the_project(tmp_path: Path) -> None:
    write_tree(tmp_path / "template", {"{{cookiecutter.name}}/{{cookiecutter.package}}/a.py": ""})
    renderer = Renderer(Questionnaire({"name": "orders", "package": "p"}), Source(tmp_path / "template"))
    project = renderer.render({"name": "orders", "package": "acme/orders"}, tmp_path)
    assert (project / "acme/orders/a.py").is_file()
