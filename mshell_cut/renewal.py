"""The answers of a project under another state of its template."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mshell_cut import rules
from mshell_cut.answers import RenderDefault
from mshell_cut.errors import AnswersRefusedError
from mshell_cut.questions import Questionnaire

# Takes what is settled and gives all answers.
AskOpen = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Renewed:
    """All answers to a template's questions.

    Attributes:
        answers: by question.
        defaulted: those to questions that are new to the project and that nobody was asked.
    """

    answers: Mapping[str, Any]
    defaulted: Mapping[str, Any] = field(default_factory=dict)


def remembered(
    questionnaire: Questionnaire, render: RenderDefault, stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all answers that a project was rendered with.

    Secret answers are not stored: the template's default stands for them, so that what the project holds in
    their place counts as the user's own edit.

    Args:
        questionnaire: of the template that it was rendered from.
        render: makes a default of its template text and the answers so far.
        stored: what the project remembers.
    """
    answers: dict[str, Any] = {}
    for name, question in questionnaire.questions.items():
        answers[name] = stored[name] if name in stored else render(question.default, answers)
    return answers


def renewed(
    questionnaire: Questionnaire,
    render: RenderDefault,
    carried: Mapping[str, Any],
    given: Mapping[str, Any],
    ask: AskOpen | None = None,
) -> Renewed:
    """Answer the questions of a newer template.

    The user's own configuration has no say: an update changes what the user was asked for, and nothing else.

    Args:
        questionnaire: of the newer template.
        render: makes a default of its template text and the answers so far.
        carried: the project's answers, carried over by `migrations.carry`.
        given: answers that are to change.
        ask: asks what is open; without it, new questions take their defaults.

    Raises:
        AnswersRefusedError: an answer breaks the newer template's rules, or is no choice of it any more.
    """
    answers: dict[str, Any] = {}
    defaulted: dict[str, Any] = {}
    settled: dict[str, Any] = {}
    for name, question in questionnaire.questions.items():
        applies = rules.applies(question.rule, answers)
        if name in given:
            answers[name] = settled[name] = given[name]
        elif name in carried:
            answers[name] = carried[name]
            if not applies and "otherwise" in question.rule:
                answers[name] = question.rule["otherwise"]
            if not questionnaire.problem(name, answers):
                settled[name] = answers[name]
        else:
            answers[name] = render(question.default, answers)
            if applies and not question.secret:
                defaulted[name] = answers[name]
    if ask:
        return Renewed(ask(settled))
    sentences = questionnaire.problems(answers)
    if sentences:
        raise AnswersRefusedError([*sentences, "Answer with --set QUESTION=ANSWER, or with --ask."])
    return Renewed(answers, defaulted)
