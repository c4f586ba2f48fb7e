"""What a valid answer looks like.

A template's `cookiecutter.json` carries its rules as data under the private key `_rules`: a mapping from a
question to a rule, whose keys are all optional:

`when`: {question: value or [values]}
    The question is asked only when each of these answers is one of these values.
`otherwise`: value
    The only answer that is accepted when the question does not apply.
`required`: true
    An empty answer is refused.
`pattern`, `message`
    A regular expression that the whole answer must match, and how the sentence goes on when it does not.
`format`, `message`
    `cron`: five fields in crontab(5)'s order, with weekdays as names and not both a day of the month and a
    weekday, so that the schedule can be written as a Quartz expression too.
`reserved`, `reserved_message`
    Answers that are refused, compared as Python distribution names are (PEP 503).
`max_length`
    The greatest length, in characters.
`forbid`
    Characters that are refused.
`differs_from`: question
    The answers to the two questions must not be equal, whatever their case.

Every text answer is refused when it holds a control or invisible character, opens a Jinja tag of the template
(answers are rendered again on every upgrade) or begins or ends in white space.

This module needs the standard library only and knows nothing of the tool around it: its text is also the
body of the templates' pre-generation hook, so that plain cookiecutter and cruft refuse an answer in the same
words.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


# Least and greatest value of minute, hour, day of the month and month.
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12))
_CRON_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def is_cron(value: str) -> bool:
    """Tell whether a text is a schedule of the format `cron`."""
    fields = value.split(" ")
    if len(fields) != 5:
        return False
    *numbers, weekdays = fields
    if weekdays != "*" and numbers[2] != "*":
        return False
    return all(map(_is_cron_field, numbers, _CRON_RANGES)) and (
        weekdays == "*" or all(map(_is_weekday_range, weekdays.split(",")))
    )


def _is_cron_field(field: str, limits: tuple[int, int]) -> bool:
    least, greatest = limits
    for term in field.split(","):
        found = re.fullmatch(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([1-9][0-9]?))?", term)
        if not found:
            return False
        first, last, step = (int(part) if part else None for part in found.groups())
        if first is not None and not least <= first <= (first if last is None else last) <= greatest:
            return False
        if step is not None and (step > greatest or (first is not None and last is None)):
            return False
    return True


def _is_weekday_range(term: str) -> bool:
    days = term.split("-")
    if len(days) > 2 or not set(days) <= set(_CRON_WEEKDAYS):
        return False
    return len(days) == 1 or _CRON_WEEKDAYS.index(days[0]) < _CRON_WEEKDAYS.index(days[1])


FORMATS = {"cron": is_cron}


def applies(rule: Mapping[str, Any], answers: Mapping[str, Any]) -> bool:
    """Tell whether a question with this rule is asked, given the other answers."""
    for question, wanted in rule.get("when", {}).items():
        if answers.get(question) not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def condition(rule: Mapping[str, Any]) -> str:
    """Say when a question is asked: `type_of_task is dab`."""
    return " and ".join(
        f"{question} is {' or '.join(wanted) if isinstance(wanted, list) else wanted}"
        for question, wanted in rule.get("when", {}).items()
    )


def problem(
    question: str,
    rule: Mapping[str, Any],
    answers: Mapping[str, Any],
    openers: Iterable[str],
) -> str | None:
    """Judge the answer to one question.

    Args:
        question: its name.
        rule: its rule, empty where it has none.
        answers: all answers so far, this one included.
        openers: the strings that open a Jinja tag in the template.

    Returns:
        One sentence that says what is wrong, without the answer itself; None for a good answer.
    """
    value = answers.get(question)
    if not isinstance(value, str):
        return None
    if not applies(rule, answers):
        if "otherwise" in rule and value != rule["otherwise"]:
            wanted = f"'{rule['otherwise']}'" if rule["otherwise"] else "empty"
            return f"{question} must be {wanted} unless {condition(rule)}."
        return None
    if not value:
        return f"{question} is required{_because(rule)}." if rule.get("required") else None
    complaint = _unprintable(value) or _markup(value, openers) or _against(rule, value)
    if complaint:
        return f"{question} {complaint}."
    other = rule.get("differs_from")
    if other and value.casefold() == str(answers.get(other, "")).casefold():
        return f"{question} must differ from {other}."
    return None


def problems(
    rules: Mapping[str, Mapping[str, Any]],
    answers: Mapping[str, Any],
    openers: Iterable[str],
) -> list[str]:
    """Judge all answers: one sentence for each that is refused, in the order of the questions."""
    openers = tuple(openers)
    found = (
        problem(question, rules.get(question, {}), answers, openers)
        for question in answers
        if not question.startswith("_")
    )
    return [sentence for sentence in found if sentence]


def _because(rule: Mapping[str, Any]) -> str:
    return f" when {condition(rule)}" if rule.get("when") else ""


def _unprintable(value: str) -> str | None:
    for character in value:
        code = ord(character)
        noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
        if noncharacter or unicodedata.category(character) in _INVISIBLE:
            return f"must not contain the control or invisible character U+{code:04X}"
    if value != value.strip():
        return "must not begin or end with white space"
    return None


def _markup(value: str, openers: Iterable[str]) -> str | None:
    for opener in openers:
        if opener in value:
            return f"must not contain '{opener}', which opens a tag of the template language"
    return None


def _against(rule: Mapping[str, Any], value: str) -> str | None:
    limit = rule.get("max_length")
    if limit is not None and len(value) > limit:
        return f"must be at most {limit} characters long and has {len(value)}"
    for character in rule.get("forbid", ""):
        if character in value:
            return f"must not contain {character}"
    if "format" in rule and not FORMATS[rule["format"]](value):
        return str(rule.get("message", f"must have the format {rule['format']}"))
    pattern = rule.get("pattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return str(rule.get("message", f"must match {pattern}"))
    if _normalised(value) in {_normalised(name) for name in rule.get("reserved", [])}:
        return str(rule.get("reserved_message", "is a reserved name: choose another"))
    return None


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


if __name__ == "__main__":
    import json
    import sys

    context = json.loads(<< cookiecutter | jsonify | jsonify >>)
    delimiters = context["_jinja2_env_vars"]
    openers = [delimiters[f"{tag}_start_string"] for tag in ("variable", "block", "comment")]
    refused = problems(context.get("_rules", {}), context, openers)
    for sentence in refused:
        print(f"error: {sentence}", file=sys.stderr)
    sys.exit(1 if refused else 0)
