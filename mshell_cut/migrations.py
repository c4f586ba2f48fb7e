"""Carries the answers and files of a project over what a template renamed.

A template's `cookiecutter.json` lists its migrations as data under the private key `_migrations`, oldest
first. Each is a mapping with a `release` (the tag it came with, which names it) and any of

`rename`: {old question: new question}
    The answer to the one becomes that of the other.
`choices`: {question: {old answer: new answer}}
    An answer that is no choice any more becomes one that is. The question's name is the one after `rename`.
`move`: {old path: new path}
    A file or folder of the project has another place. Git finds most renames by itself; this is for those
    that it cannot know: files that were rewritten on the way, and folders with files of the user's own.

A project has had the migrations that the template held at the commit the project remembers; an update carries
out those that are new since. No code of a template is run for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

_KEYS = {"release", "rename", "choices", "move"}


@dataclass(frozen=True)
class Carried:
    """Answers after a migration.

    Attributes:
        answers: by question, with the names and choices of the newer template.
        notes: one sentence for each change.
        moves: from old to new path, in the order they are to be made.
    """

    answers: Mapping[str, Any]
    notes: Sequence[str] = field(default_factory=tuple)
    moves: Sequence[tuple[str, str]] = field(default_factory=tuple)


def faults(listed: Any) -> Iterator[str]:
    """Yield what a template's author got wrong in `_migrations`."""
    if not isinstance(listed, list) or not all(isinstance(step, dict) for step in listed):
        yield "must be a list of mappings"
        return
    seen = set()
    for step in listed:
        name = step.get("release")
        if not isinstance(name, str) or not name:
            yield "a migration names no release"
            continue
        if name in seen:
            yield f"{name} is listed twice: each release has one migration"
        seen.add(name)
        for key in sorted(step.keys() - _KEYS):
            yield f"'{key}' of {name} is no key of a migration"
        if not _is_text_mapping(step.get("rename", {})):
            yield f"'rename' of {name} must map questions to questions"
        choices = step.get("choices", {})
        if not isinstance(choices, dict) or not all(map(_is_text_mapping, choices.values())):
            yield f"'choices' of {name} must map questions to mappings from answer to answer"
        moves = step.get("move", {})
        if not _is_text_mapping(moves):
            yield f"'move' of {name} must map paths to paths"
            continue
        for path in [*moves, *moves.values()]:
            parts = PurePosixPath(path).parts
            if not parts or parts[0] == "/" or ".." in parts or ".git" in parts:
                yield f"'{path}', which {name} moves, is not a path inside the project"


def carry(
    answers: Mapping[str, Any], before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Carried:
    """Carry answers from one state of a template to a newer one.

    Args:
        answers: by question, as the project remembers them.
        before: the migrations of the template that the project was rendered from.
        after: those of the newer one.
    """
    had = {step["release"] for step in before}
    carried, notes, moves = dict(answers), [], []
    for step in after:
        if step["release"] in had:
            continue
        for old, new in step.get("rename", {}).items():
            if old in carried:
                carried[new] = carried.pop(old)
                notes.append(f"{old} is named {new} since {step['release']}.")
        for question, choices in step.get("choices", {}).items():
            old_answer = carried.get(question)
            if isinstance(old_answer, str) and old_answer in choices:
                carried[question] = choices[old_answer]
                notes.append(
                    f"{question} was {old_answer} and is {choices[old_answer]}, since {step['release']}."
                )
        moves += list(step.get("move", {}).items())
    return Carried(carried, notes, moves)


def moved(path: str, moves: Sequence[tuple[str, str]]) -> str:
    """Return where a file lies after some moves."""
    for old, new in moves:
        if path == old or path.startswith(f"{old}/"):
            path = new + path.removeprefix(old)
    return path


def _is_text_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in [*value, *value.values()])
