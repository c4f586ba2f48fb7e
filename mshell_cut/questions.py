"""The questions of a template, read from its `cookiecutter.json`.

Any cookiecutter template has them; one with our private keys (`_rules`, see `rules.py`; `_prune`, see
`prune.py`; `_migrations`, see `migrations.py`; `_samples`, `_next_steps`) has rules to them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mshell_cut import migrations, rules
from mshell_cut.errors import TemplateBrokenError, TemplateNotFoundError

# A rule may hold these beside what `rules.py` knows: they are about asking, not about the answer.
SECRET = "secret"  # noqa: S105 - the name of a key
GIT_CONFIG = "git_config"


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: the variable.
        default: as the template has it: text that may hold Jinja tags, a bool, a mapping, the first choice.
        choices: the answers to choose from, in order; empty where the answer is free.
        label: what to ask.
        choice_labels: how to show a choice, by its value.
        rule: what `rules.py` holds the answer to.
    """

    name: str
    default: Any
    choices: tuple[str, ...] = ()
    label: str = ""
    choice_labels: Mapping[str, str] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)

    @property
    def secret(self) -> bool:
        """Whether the answer is masked and never stored."""
        return bool(self.rule.get(SECRET))


@dataclass(frozen=True)
class Questionnaire:
    """All that a template's `cookiecutter.json` says."""

    raw: Mapping[str, Any]

    @cached_property
    def questions(self) -> dict[str, Question]:
        """The public questions by name, in the template's order."""
        prompts = self.raw.get("__prompts__") or {}
        return {
            name: _question(name, default, prompts.get(name), self.rules.get(name, {}))
            for name, default in self.raw.items()
            if not name.startswith("_")
        }

    @property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        """The rules by question; empty for a template that has none."""
        return self.raw.get("_rules") or {}

    @property
    def prune(self) -> Mapping[str, Mapping[str, list[str]]]:
        """What answers rule out, see `prune.py`."""
        return self.raw.get("_prune") or {}

    @property
    def samples(self) -> list[str]:
        """Globs of the files that are the user's own from the first day on."""
        return list(self.raw.get("_samples") or [])

    @property
    def migrations(self) -> list[Mapping[str, Any]]:
        """What a project has to be carried over, see `migrations.py`."""
        return list(self.raw.get("_migrations") or [])

    @property
    def next_steps(self) -> list[str]:
        """The commands to type in a new project."""
        return list(self.raw.get("_next_steps") or [])

    @property
    def openers(self) -> list[str]:
        """The strings that open a Jinja tag in this template."""
        delimiters = self.raw.get("_jinja2_env_vars") or {}
        usual = {"variable_start_string": "{{", "block_start_string": "{%", "comment_start_string": "{#"}
        return [delimiters.get(key, opener) for key, opener in usual.items()]

    def problem(self, name: str, answers: Mapping[str, Any]) -> str | None:
        """Judge one answer by the template's rules and choices: one sentence, or None."""
        question = self.questions[name]
        value = answers.get(name)
        if question.choices and value not in question.choices:
            return f"{name} must be one of {', '.join(question.choices)}."
        return rules.problem(name, question.rule, answers, self.openers)

    def problems(self, answers: Mapping[str, Any]) -> list[str]:
        """Judge all answers: one sentence for each that is refused."""
        found = (self.problem(name, answers) for name in self.questions)
        return [sentence for sentence in found if sentence]


def load(template: Path) -> Questionnaire:
    """Read the questions of the template in a folder.

    Raises:
        TemplateNotFoundError: there is no `cookiecutter.json`.
        TemplateBrokenError: it does not parse, is no mapping, or only points at nested templates.
    """
    path = template / "cookiecutter.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TemplateNotFoundError(
            f"{template} holds no cookiecutter.json: it is no template (or --directory is missing)."
        ) from None
    except UnicodeDecodeError:
        raise TemplateBrokenError(f"{path} is not UTF-8 text.") from None
    return read(text, path)


def read(text: str, path: object) -> Questionnaire:
    """Read the questions of a template out of its `cookiecutter.json`.

    Args:
        text: what the file holds.
        path: how to call it in an error.

    Raises:
        TemplateNotFoundError: it only points at nested templates.
        TemplateBrokenError: it does not parse, or is no mapping.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise TemplateBrokenError(f"{path}, line {error.lineno}: {error.msg}.") from None
    if not isinstance(raw, dict):
        raise TemplateBrokenError(f"{path} must hold a mapping from question to default.")
    if isinstance(raw.get("templates"), dict):
        nested = ", ".join(str(entry.get("path", name)) for name, entry in raw["templates"].items())
        raise TemplateNotFoundError(
            f"{path} names several templates: choose one with --directory ({nested})."
        )
    questionnaire = Questionnaire(raw)
    for fault in _faults(questionnaire):
        raise TemplateBrokenError(f"{path}: _rules: {fault}.")
    for fault in migrations.faults(raw.get("_migrations") or []):
        raise TemplateBrokenError(f"{path}: _migrations: {fault}.")
    return questionnaire


# What `rules.py` knows, and what is about asking.
_RULE_KEYS = {
    *("when", "otherwise", "required", "pattern", "format", "message", "reserved", "reserved_message"),
    *("max_length", "forbid", "differs_from", SECRET, GIT_CONFIG),
}


def _faults(questionnaire: Questionnaire) -> Iterator[str]:
    """Yield what a template's author got wrong: a rule that nothing reads protects nobody."""
    questions = questionnaire.questions
    for name, rule in questionnaire.rules.items():
        if name not in questions:
            yield f"'{name}' is no question"
            continue
        for key in rule.keys() - _RULE_KEYS:
            yield f"'{key}' of {name} is no key of a rule"
        for other in [*rule.get("when", {}), *filter(None, [rule.get("differs_from")])]:
            if other not in questions:
                yield f"{name} hangs on '{other}', which is no question"
        if rule.get("format", "cron") not in rules.FORMATS:
            yield f"'{rule['format']}' of {name} is no format; there is {', '.join(rules.FORMATS)}"
        try:
            re.compile(rule.get("pattern", ""))
        except re.error as error:
            yield f"the pattern of {name} is no regular expression: {error}"


def _question(name: str, default: Any, prompt: Any, rule: Mapping[str, Any]) -> Question:
    label, choice_labels = name.replace("_", " "), {}
    if isinstance(prompt, str):
        label = prompt
    elif isinstance(prompt, dict):
        label = str(prompt.get("__prompt__", label))
        choice_labels = {str(key): str(value) for key, value in prompt.items() if key != "__prompt__"}
    if isinstance(default, list):
        choices = tuple(str(choice) for choice in default)
        return Question(name, choices[0] if choices else "", choices, label, choice_labels, rule)
    return Question(name, default, (), label, choice_labels, rule)
