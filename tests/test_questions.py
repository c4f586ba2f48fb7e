"""Reading a template's questions, and telling its author what is wrong with them."""

from pathlib import Path

import pytest
from scaffold import MakeTemplate, write_tree

from mshell_cut import questions
from mshell_cut.errors import TemplateBrokenError, TemplateNotFoundError


def test_labels_and_choices_come_from_the_prompts(make_template: MakeTemplate) -> None:
    template = make_template(
        {"name": "x", "kind": ["a", "b"], "__prompts__": {"kind": {"__prompt__": "Which?", "a": "the first"}}}
    )
    found = questions.load(template).questions
    assert (found["name"].label, found["kind"].label) == ("name", "Which?")
    assert found["kind"].choices == ("a", "b")
    assert found["kind"].choice_labels == {"a": "the first"}


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"nme": {}}, "'nme' is no question"),
        ({"name": {"patern": "x"}}, "'patern' of name is no key of a rule"),
        ({"name": {"when": {"knd": "a"}}}, "name hangs on 'knd', which is no question"),
        ({"name": {"differs_from": "other"}}, "name hangs on 'other', which is no question"),
        ({"name": {"format": "crontab"}}, "'crontab' of name is no format; there is cron"),
        ({"name": {"pattern": "("}}, "the pattern of name is no regular expression"),
    ],
)
def test_a_rule_that_nothing_reads_is_told(make_template: MakeTemplate, rules: dict, fault: str) -> None:
    with pytest.raises(TemplateBrokenError, match=fault):
        questions.load(make_template({"name": "x"}, rules=rules))


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        ("{", TemplateBrokenError, "line 1: "),
        ("[]", TemplateBrokenError, "must hold a mapping"),
        ('{"templates": {"a": {"path": "./a"}}}', TemplateNotFoundError, r"--directory \(\./a\)"),
    ],
)
def test_what_is_no_questionnaire_is_one_sentence(
    tmp_path: Path, content: str, error: type[Exception], sentence: str
) -> None:
    write_tree(tmp_path, {"cookiecutter.json": content})
    with pytest.raises(error, match=sentence):
        questions.load(tmp_path)
