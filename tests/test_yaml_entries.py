"""Entries that are added to the files of a project: their text but for the new lines stays as it is."""

import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mshell_cut import python_entries, toml_entries, yaml_entries
from mshell_cut.errors import FileUnreadableError

ENTRY = """\
name: new
layer: silver
depends_on: [one]
expectations:
  - {type: unique, columns: [id], action: fail}
source:
  options: {mode: FAILFAST}
"""


def only_gained_lines(before: str, after: str) -> bool:
    """Tell whether the new text is the old one with one run of lines put in."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    kept = 0
    while kept < len(old) and old[kept] == new[kept]:
        kept += 1
    rest = old[kept:]
    return not rest or new[-len(rest) :] == rest


words = st.sampled_from(["posts", "users", "größe", "'quoted'", '"${path:-x}"', "12", "no", "~"])
values = st.one_of(
    words,
    st.sampled_from(["[a, b]", "{a: 1, b: [2]}", "[]"]),
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A file with a list of tables, in any of the ways that people write them."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    column = draw(st.sampled_from([0, 2, 4]))
    offset = draw(st.sampled_from([2, 4]))
    comment = st.sampled_from(["", "  # why", " #"])
    apart = draw(st.booleans())
    lines = draw(
        st.sampled_from([[], ["# A file"], ["---"], ["name: orders  # of it", "", "x: {a: [1, 2]}"]])
    )
    lines = [*lines, f"tables:{draw(comment)}"]
    for number in range(draw(st.integers(1, 4))):
        if apart and number:
            lines.append("")
        if draw(st.booleans()):
            lines.append(f"{' ' * column}# table {number}")
        inner = " " * (column + offset)
        lines.append(f"{' ' * column}-{' ' * (offset - 1)}name: t{number}{draw(comment)}")
        for key in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(["plain", "block", "list", "text", "kept"]))
            if kind == "plain":
                lines.append(f"{inner}k{key}: {draw(values)}{draw(comment)}")
            elif kind == "block":
                lines += [f"{inner}k{key}:", f"{inner}  a: {draw(values)}", f"{inner}  # {draw(words)}"]
            elif kind == "list":
                lines += [f"{inner}k{key}:", f"{inner}  - {draw(values)}", f"{inner}  - b: 1{draw(comment)}"]
            else:
                sign = draw(st.sampled_from(["|", ">-"])) if kind == "text" else "|+"
                lines += [f"{inner}k{key}: {sign}", f"{inner}  text # no comment", f"{inner}  more"]
                lines += [""] * draw(st.integers(0, 2))
    lines += draw(
        st.sampled_from([[], ["# the end"], ["", ""], ["", "# other", "other: [1]"], ["other:", "- 1"]])
    )
    # A block of text at the very end would gain a line end, which is part of it.
    end = newline if lines[-1] in ("", f"{inner}  more") else draw(st.sampled_from(["", newline]))
    start = draw(st.sampled_from(["", "", "", "\ufeff"]))
    return start + newline.join(lines) + end


@settings(max_examples=400)
@given(documents())
def test_a_file_gains_the_entry_and_nothing_else_of_it_changes(text: str) -> None:
    wanted = yaml.safe_load(text)
    wanted["tables"].append(yaml.safe_load(ENTRY))
    made = yaml_entries.add_item(text, "tables", ENTRY, "config.yml")
    assert yaml.safe_load(made) == wanted
    # The last line of a file may have no end: it gets one when the new lines come behind it.
    newline = "\r\n" if "\r\n" in text else "\n"
    assert only_gained_lines(text, made) or only_gained_lines(text + newline, made + newline)
    if "\r\n" in text:
        assert "\n" not in made.replace("\r\n", "")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("tables: [{name: a}]\n", "tables: [{name: a}, {name: new}]\n"),
        ("tables: [{name: a},]\n", "tables: [{name: a}, {name: new},]\n"),
        ("tables: [\n  {name: a},  # one\n]\n", "tables: [\n  {name: a}, {name: new},  # one\n]\n"),
        ("tables: []  # none\nx: 1\n", "tables:  # none\n  - name: new\nx: 1\n"),
        ("tables:\nx: 1\n", "tables:\n  - name: new\nx: 1\n"),
        ("tables:\n- name: a\nx: 1\n", "tables:\n- name: a\n- name: new\nx: 1\n"),
        ("tables:\n  -\n    name: a\n", "tables:\n  -\n    name: a\n  - name: new\n"),
        ("tables:\n  - name: a", "tables:\n  - name: a\n  - name: new"),
    ],
)
def test_where_an_entry_goes(text: str, made: str) -> None:
    assert yaml_entries.add_item(text, "tables", "name: new\n", "config.yml") == made


def test_comments_stay_with_what_they_are_about() -> None:
    text = "tables:\n  - name: a\n    # about a\n  # about the next\n# about x\nx: 1\n"
    made = yaml_entries.add_item(text, "tables", "name: new\n", "config.yml")
    assert made == "tables:\n  - name: a\n    # about a\n  - name: new\n  # about the next\n# about x\nx: 1\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: 1\n", "has no list 'tables'"),
        ("- 1\n", "has no list 'tables'"),
        ("", "has no list 'tables'"),
        ("tables: {a: 1}\n", "is no list"),
        ("tables: [\n", "line 2"),
        ("tables: !secret x\n", "line 1"),
        ("x: &a [1]\ntables: *a\n", "takes no more entries"),
    ],
)
def test_what_takes_no_entry_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FileUnreadableError, match=reason):
        yaml_entries.add_item(text, "tables", ENTRY, "config.yml")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a: 1\n# end\n", "a: 1\nb: 'x'\n# end\n"),
        ("a:\n  c: 1", "a:\n  c: 1\nb: 'x'"),
        ("a: |+\n  text\n\n", "a: |+\n  text\n\nb: 'x'\n"),
        ("", "b: 'x'\n"),
        ("# none yet\r\n", "# none yet\r\nb: 'x'\r\n"),
    ],
)
def test_a_key_goes_to_the_end_of_a_mapping(text: str, made: str) -> None:
    assert yaml_entries.add_key(text, "b: 'x'", "dev.yaml") == made


@pytest.mark.parametrize("text", ["b: 1\n", "{a: 1}\n", "- 1\n", "b\n"])
def test_a_key_that_is_there_or_has_no_place_is_refused(text: str) -> None:
    with pytest.raises(FileUnreadableError):
        yaml_entries.add_key(text, "b: 2", "dev.yaml")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[a]\nx = 1\n\n# next\n[b]\n", "[a]\nx = 1\nn = 2\n\n# next\n[b]\n"),
        ("[a]\n\n[b]\nx = 1\n", "[a]\nn = 2\n\n[b]\nx = 1\n"),
        ("[a] # here\nx = 1", "[a] # here\nx = 1\nn = 2"),
        ("[a]\r\nx = 1\r\n", "[a]\r\nx = 1\r\nn = 2\r\n"),
        ("[a]\nx = [\n  1,\n]\n[[b]]\n", "[a]\nx = [\n  1,\n]\nn = 2\n[[b]]\n"),
        ("[b.a]\n[a]", "[b.a]\n[a]\nn = 2"),
    ],
)
def test_a_key_goes_to_the_end_of_a_toml_table(text: str, made: str) -> None:
    assert toml_entries.add_key(text, "a", "n = 2", "pyproject.toml") == made
    assert tomllib.loads(made)["a"]["n"] == 2


@pytest.mark.parametrize("text", ["[b]\n", "[a]\nn = 1\n", "a = {x = 1}\n", "[a\n", "x = '''\n[a]\n'''\n"])
def test_a_toml_file_that_takes_no_key_is_refused(text: str) -> None:
    with pytest.raises(FileUnreadableError):
        toml_entries.add_key(text, "a", "n = 2", "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('"""Doc."""\n', '"""Doc."""\n\nfrom m import A, b\n\nX = 1\n'),
        ("", "from m import A, b\n\nX = 1\n"),
        ("from m import b\n\nY = 2\n", "from m import A, b\n\nY = 2\n\nX = 1\n"),
        ("from m import (\n    b,\n)\n", "from m import (\n    A,\n    b,\n)\n\nX = 1\n"),
        (
            "from a import z\nfrom z import a\n\nY = 2\n",
            "from a import z\nfrom m import A, b\nfrom z import a\n\nY = 2\n\nX = 1\n",
        ),
        (
            "from m import A, b, c\n\n\ndef f():\n    pass\n",
            "from m import A, b, c\n\n\ndef f():\n    pass\n\n\nX = 1\n",
        ),
    ],
)
def test_statements_go_to_the_end_of_a_module_with_what_they_import(text: str, made: str) -> None:
    assert python_entries.append(text, "X = 1", {"m": ["b", "A"]}, "tables.py") == made


@pytest.mark.parametrize("text", ["from m import b  # why\n", "from m import b as c\n", "def\n"])
def test_a_module_that_takes_no_import_is_refused(text: str) -> None:
    with pytest.raises(FileUnreadableError, match="line 1"):
        python_entries.append(text, "X = 1", {"m": ["A"]}, "tables.py")


def test_a_field_goes_behind_the_fields_of_its_class() -> None:
    text = 'class S(Settings):\n    """Doc."""\n\n    a: int = 1\n\n    def f(self): ...\n'
    made = python_entries.add_field(text, "Settings", "b: str", "settings.py")
    assert (
        made == 'class S(Settings):\n    """Doc."""\n\n    a: int = 1\n    b: str\n\n    def f(self): ...\n'
    )
    empty = 'class S(Settings):\n    """Doc."""\n'
    assert python_entries.add_field(empty, "Settings", "b: str", "settings.py") == f"{empty}\n    b: str\n"


def contract(**given: Any) -> dict[str, python_entries.Contract]:
    text = "\n".join(f"{name} = {value}" for name, value in given.items())
    return python_entries.contracts(text, "tables.py")


def test_contracts_are_read_where_their_columns_stand() -> None:
    found = contract(
        A='TableContract(name="a", keys=("x",), schema=StructType([StructField("x", ArrayType(X()))]))',
        B='schema.TableContract("b", T.StructType([T.StructField("y", T.LongType(), True)]))',
        C='TableContract(name="c", schema=A.schema)',
        D="TableContract(name=NAME, schema=StructType([]))",
        E="1",
    )
    assert found == {
        "a": python_entries.Contract("A", "a", [("x", "ArrayType(X())")], ("x",)),
        "b": python_entries.Contract("B", "b", [("y", "T.LongType()")], ()),
    }
