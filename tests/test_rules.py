"""The rules that answers are held to."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mshell_cut import rules

OPENERS = ["<<", "<%", "<#"]


def judge(value: object, rule: dict | None = None, **others: object) -> str | None:
    return rules.problem("answer", rule or {}, {**others, "answer": value}, OPENERS)


@pytest.mark.parametrize(
    ("value", "rule", "sentence"),
    [
        ("", {"required": True}, "answer is required."),
        ("", {}, None),
        ("x", {"pattern": "[a-z]", "message": "must be a letter"}, None),
        ("xy", {"pattern": "[a-z]", "message": "must be a letter"}, "answer must be a letter."),
        ("x\n", {"pattern": "[a-z]"}, "answer must not contain the control or invisible character U+000A."),
        ("My.Repo", {"reserved": ["my_repo"]}, "answer is a reserved name: choose another."),
        ("abcd", {"max_length": 3}, "answer must be at most 3 characters long and has 4."),
        ("a'b", {"forbid": "'`"}, "answer must not contain '."),
        ("a << b", {}, "answer must not contain '<<', which opens a tag of the template language."),
        (" a", {}, "answer must not begin or end with white space."),
        ("a\u202eb", {}, "answer must not contain the control or invisible character U+202E."),
        ("a\ufffeb", {}, "answer must not contain the control or invisible character U+FFFE."),
        ("a\u2028b", {}, "answer must not contain the control or invisible character U+2028."),
        ("é ü 語 🚀 \"'`$#:\\{{ }}", {}, None),
        (True, {"required": True}, None),
    ],
)
def test_one_sentence_says_what_is_wrong(value: object, rule: dict, sentence: str | None) -> None:
    assert judge(value, rule) == sentence


def test_a_question_that_does_not_apply_is_not_required() -> None:
    rule = {"when": {"kind": ["dab", "both"]}, "required": True, "otherwise": ""}
    assert judge("", rule, kind="docker") is None
    assert judge("", rule, kind="dab") == "answer is required when kind is dab or both."
    assert judge("x", rule, kind="both") is None
    assert judge("x", rule, kind="docker") == "answer must be empty unless kind is dab or both."


def test_two_answers_that_must_differ_do_so_in_more_than_case() -> None:
    assert judge("ABC", {"differs_from": "other"}, other="abc") == "answer must differ from other."
    assert judge("abd", {"differs_from": "other"}, other="abc") is None


def test_all_problems_are_told_at_once_and_private_keys_are_not_judged() -> None:
    found = rules.problems({"b": {"required": True}}, {"a": "<<", "b": "", "_private": "<<"}, OPENERS)
    assert [sentence.split()[0] for sentence in found] == ["a", "b"]


@pytest.mark.parametrize(
    "schedule",
    [
        "0 2 * * *",
        "*/5 * * * *",
        "0,30 8-18/2 * 1,6-12 *",
        "5 4 1,15 * *",
        "30 6 * * MON-FRI",
        "0 0 * * SUN,WED",
    ],
)
def test_a_schedule(schedule: str) -> None:
    assert rules.is_cron(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "0 2 * *", "0 2 * * * *", "60 2 * * *", "0 24 * * *", "0 2 0 * *", "0 2 * 13 *", "0  2 * * *"),
        *("0 2 * * 1", "0 2 * * mon", "0 2 1 * MON", "0 2 * * FRI-MON", "0 2 * * MON-WED-FRI", "a 2 * * *"),
        *(
            "9-5 2 * * *",
            "*/0 2 * * *",
            "5/2 2 * * *",
            "*/60 2 * * *",
            "0 2 , * *",
            "0 2 -1 * *",
            "٣ 2 * * *",
        ),
    ],
)
def test_no_schedule(schedule: str) -> None:
    assert not rules.is_cron(schedule)


@given(st.text(max_size=20))
def test_an_accepted_answer_is_one_printable_line_that_opens_no_tag(text: str) -> None:
    if judge(text) is None:
        assert text == text.strip()
        assert len(text.splitlines()) <= 1
        assert not any(opener in text for opener in OPENERS)
        text.encode("utf-8")


@given(
    st.text(alphabet=string.ascii_letters + string.digits + string.punctuation.replace("<", ""), min_size=1)
)
def test_ordinary_characters_are_never_refused(text: str) -> None:
    assert judge(text) is None
