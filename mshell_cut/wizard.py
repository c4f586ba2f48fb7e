"""Asks the questions at a terminal: the only module that uses questionary."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import questionary
from prompt_toolkit.filters import has_validation_error, to_filter
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.layout import ConditionalContainer, Container, Window, walk
from prompt_toolkit.validation import ValidationError, Validator

from mshell_cut import rules
from mshell_cut.answers import Answers
from mshell_cut.catalogue import Template
from mshell_cut.errors import InterruptedCutError
from mshell_cut.questions import Question, Questionnaire

Check = Callable[[str, Mapping[str, Any]], str | None]

_CUT, _STOP = "cut", "stop"


def choose_template(templates: list[Template]) -> Template:
    """Ask which template to cut.

    Raises:
        InterruptedCutError: Ctrl-C or Ctrl-D.
    """
    width = max(len(template.name) for template in templates)
    choices = [
        questionary.Choice(f"{template.name:<{width}}  {template.description}", template)
        for template in templates
    ]
    chosen: Template = _asked(questionary.select("Which template?", choices=choices))
    return chosen


def run(answers: Answers, check: Check, *, verb: str = "Cut") -> dict[str, Any]:
    """Ask all that is open, show a summary, and go back to any answer the user wants to change.

    Args:
        answers: what is known already.
        check: judges an answer beyond the template's rules: one sentence, or None.
        verb: what is done to the project with the answers.

    Returns:
        All answers, accepted by the user.

    Raises:
        InterruptedCutError: Ctrl-C, Ctrl-D, or the user chose to stop.
    """
    questionnaire = answers.questionnaire

    def ask(question: Question, proposal: Any, others: Mapping[str, Any]) -> Any:
        return _ask(questionnaire, question, proposal, others, check)

    while True:
        found = answers.resolve(ask)
        shown = [
            question for question in questionnaire.questions.values() if rules.applies(question.rule, found)
        ]
        wanted = _confirm(shown, found, verb)
        if wanted == _STOP:
            raise InterruptedCutError
        if wanted == _CUT:
            return found
        question = questionnaire.questions[wanted]
        answers.given.pop(wanted, None)
        answers.asked[wanted] = ask(question, found[wanted], found)


def _confirm(shown: list[Question], found: Mapping[str, Any], verb: str) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for question in shown:
        table.add_row(Text(question.name, style="bold"), Text(_display(question, found[question.name])))
    console = Console(highlight=False)
    console.print()
    console.print(table)
    console.print()
    what = _asked(
        questionary.select(
            f"{verb} the project with these answers?",
            choices=[
                questionary.Choice(f"Yes, {verb.lower()} it", _CUT),
                questionary.Choice("Change an answer", "change"),
                questionary.Choice("Stop, write nothing", _STOP),
            ],
        )
    )
    if what != "change":
        return str(what)
    choices = [
        questionary.Choice(f"{question.name}: {_display(question, found[question.name])}", question.name)
        for question in shown
    ]
    return str(_asked(questionary.select("Which answer?", choices=choices)))


def _ask(
    questionnaire: Questionnaire, question: Question, proposal: Any, others: Mapping[str, Any], check: Check
) -> Any:
    label = question.label if question.label.endswith(("?", ":")) else f"{question.label}:"
    if isinstance(question.default, bool):
        return _asked(questionary.confirm(label, default=bool(proposal)))
    if question.choices:
        choices = [questionary.Choice(_choice(question, value), value) for value in question.choices]
        default = proposal if proposal in question.choices else None
        return _asked(questionary.select(label, choices=choices, default=default))
    if isinstance(question.default, dict):
        text = _asked(questionary.text(label, default=json.dumps(proposal), validate=_JsonObject()))
        return json.loads(text)

    def judge(text: str) -> str | None:
        answers = {**others, question.name: text.strip()}
        return questionnaire.problem(question.name, answers) or check(question.name, answers)

    if question.secret:
        return _asked(questionary.password(label, validate=_Judged(judge)))
    # A proposal that breaks a rule (the empty one of a required question) would only have to be deleted.
    offered = "" if judge(str(proposal)) else str(proposal)
    asked = questionary.text(label, default=offered, validate=_Judged(judge), validate_while_typing=True)
    return str(_asked(asked)).strip()


class _Judged(Validator):
    def __init__(self, judge: Callable[[str], str | None]) -> None:
        self._judge = judge

    def validate(self, document: Any) -> None:
        sentence = self._judge(document.text)
        if sentence:
            raise ValidationError(message=sentence, cursor_position=len(document.text))


class _JsonObject(Validator):
    def validate(self, document: Any) -> None:
        try:
            fits = isinstance(json.loads(document.text), dict)
        except ValueError:
            fits = False
        if not fits:
            raise ValidationError(message="must be a JSON object", cursor_position=len(document.text))


def _choice(question: Question, value: str) -> str:
    return question.choice_labels.get(value, value)


def _display(question: Question, value: Any) -> str:
    if question.secret:
        return "••••" if value else ""
    return value if isinstance(value, str) else json.dumps(value)


def _asked(question: questionary.Question) -> Any:
    # questionary leaves Ctrl-D without a meaning in menus.
    bindings = KeyBindings()

    @bindings.add("c-d", eager=True)
    def _(event: Any) -> None:
        event.app.exit(exception=EOFError)

    application = question.application
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), bindings])
    _show_refusals_whole(application.layout.container)
    try:
        return question.unsafe_ask()
    except (KeyboardInterrupt, EOFError):
        raise InterruptedCutError from None


def _show_refusals_whole(screen: Container) -> None:
    # prompt_toolkit gives a refusal one line and cuts off what is longer.
    for part in walk(screen):
        if isinstance(part, ConditionalContainer) and part.filter is has_validation_error:
            for window in walk(part.content):
                if isinstance(window, Window):
                    window.height, window.wrap_lines = None, to_filter(True)
                    window.dont_extend_height = to_filter(True)
