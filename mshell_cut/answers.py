"""Gathers the answers: prompt > --set > answers file > user's config > git config > template's default."""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mshell_cut import config, git, rules
from mshell_cut.errors import AnswersRefusedError, FileUnreadableError
from mshell_cut.questions import GIT_CONFIG, Question, Questionnaire

_TRUE = {"true", "yes", "y", "on", "1"}
_FALSE = {"false", "no", "n", "off", "0"}

RenderDefault = Callable[[Any, Mapping[str, Any]], Any]
Ask = Callable[[Question, Any, Mapping[str, Any]], Any]


@dataclass
class Answers:
    """The answers to a questionnaire, as far as they are known.

    Attributes:
        questionnaire: what is asked.
        render: makes a default of its template text and the answers so far.
        given: from `--set` and the answers file: these are not asked.
        asked: from prompts.
    """

    questionnaire: Questionnaire
    render: RenderDefault
    given: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the user's own defaults, and refuse those that do not fit."""
        questions = self.questionnaire.questions
        mine = {name: value for name, value in config.default_answers().items() if name in questions}
        self._preferred = _coerced(questions, mine, f"{config.folder() / 'config.yaml'}: ")

    def proposal(self, question: Question, answers: Mapping[str, Any]) -> Any:
        """Return what to offer for a question: from the user's config, git's, or the template."""
        if question.name in self._preferred:
            return self._preferred[question.name]
        key = question.rule.get(GIT_CONFIG)
        found = git.ask("config", "--get", key) if key else None
        if found and not self.questionnaire.problem(question.name, {**answers, question.name: found}):
            return found
        return self.render(question.default, answers)

    def resolve(self, ask: Ask | None = None) -> dict[str, Any]:
        """Go through the questions in order.

        Args:
            ask: asks one that applies and is open; None takes the proposal in its place.

        Returns:
            All answers, those to questions that do not apply being the template's defaults.
        """
        answers: dict[str, Any] = {}
        for name, question in self.questionnaire.questions.items():
            if name in self.given:
                answers[name] = self.given[name]
            elif not rules.applies(question.rule, answers):
                answers[name] = self.render(question.default, answers)
            elif name in self.asked:
                answers[name] = self.asked[name]
            elif ask is None:
                answers[name] = self.proposal(question, answers)
            else:
                answers[name] = self.asked[name] = ask(question, self.proposal(question, answers), answers)
        return answers

    def check_given(self) -> None:
        """Refuse given answers that break a rule, as far as it can be told before the others are known.

        Raises:
            AnswersRefusedError: with a sentence for each.
        """
        rules_of = self.questionnaire.rules
        known = [
            name for name in self.given if self.given.keys() >= rules_of.get(name, {}).get("when", {}).keys()
        ]
        sentences = [self.questionnaire.problem(name, self.given) for name in known]
        if any(sentences):
            raise AnswersRefusedError(filter(None, sentences))

    def checked(self, answers: Mapping[str, Any]) -> None:
        """Refuse answers that break the rules.

        Raises:
            AnswersRefusedError: with a sentence for each.
        """
        sentences = self.questionnaire.problems(answers)
        if sentences:
            raise AnswersRefusedError(sentences)


def given(questionnaire: Questionnaire, assignments: tuple[str, ...], file: Path | None) -> dict[str, Any]:
    """Read the answers of a command line: `--set key=value` over those of an answers file.

    Raises:
        AnswersRefusedError: unknown questions, or values of the wrong kind; all of them at once.
        FileUnreadableError: the file cannot be read.
    """
    sentences = []
    set_here: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if separator:
            set_here[name.strip()] = value
        else:
            sentences.append(f"--set {assignment} has no '=': write --set question=answer.")
    from_file = _from_file(file) if file else {}
    questions = questionnaire.questions
    found: dict[str, Any] = {}
    for values, where in [(from_file, f"{file}: "), (set_here, "")]:
        sentences += [f"{where}{_unknown(name, questions)}" for name in values if name not in questions]
        known = {name: value for name, value in values.items() if name in questions}
        try:
            found |= _coerced(questions, known, where)
        except AnswersRefusedError as error:
            sentences += error.sentences
    if sentences:
        raise AnswersRefusedError(sentences)
    return found


def _from_file(file: Path) -> dict[str, Any]:
    found = config.read_mapping(file)
    # A project's own .cruft.json can be given as it is: the same answers once more.
    context = found.get("context")
    if isinstance(context, dict) and isinstance(context.get("cookiecutter"), dict):
        return {name: value for name, value in context["cookiecutter"].items() if not name.startswith("_")}
    if any(name.startswith("_") for name in found):
        raise FileUnreadableError(file, "a name that begins with '_' is no question")
    return found


def _unknown(name: str, questions: Mapping[str, Question]) -> str:
    close = difflib.get_close_matches(name, questions, n=1)
    if close:
        return f"'{name}' is no question of this template: did you mean {close[0]}?"
    return f"'{name}' is no question of this template; there are {', '.join(questions)}."


def _coerced(questions: Mapping[str, Question], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    found, sentences = {}, []
    for name, value in values.items():
        try:
            found[name] = _as_kind(questions[name], value)
        except ValueError as error:
            sentences.append(f"{where}{name} {error}.")
    if sentences:
        raise AnswersRefusedError(sentences)
    return found


def _as_kind(question: Question, value: Any) -> Any:
    if isinstance(question.default, bool):
        if isinstance(value, bool):
            return value
        word = str(value).casefold()
        if word not in _TRUE | _FALSE:
            raise ValueError("must be true or false")
        return word in _TRUE
    if isinstance(question.default, dict):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except json.JSONDecodeError:
                raise ValueError("must be a JSON object") from None
        if not isinstance(value, dict):
            raise ValueError("must be a JSON object")  # noqa: TRY004 - a wrong answer, not a wrong call
        return value
    # YAML reads 17.3 as a number; a bare `no` or `on`, though, has lost what was typed.
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        shown = json.dumps(value, default=str)
        raise ValueError(f"must be text and is {shown}: put it in quotes")  # noqa: TRY004 - a wrong answer
    if question.choices and value not in question.choices:
        close = difflib.get_close_matches(value, question.choices, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"must be one of {', '.join(question.choices)}{hint}")
    return value
