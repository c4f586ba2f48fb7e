"""The page of the templates' questions, from each template's cookiecutter.json."""

from collections.abc import Iterator
from pathlib import Path

from reference_markup import code, page, table, text

from mshell_cut import questions, rules
from mshell_cut.questions import Question

ROOT = Path(__file__).resolve().parents[2]
_LEAD = """\
What `mshell-cut cut` asks, and what `--set`, an answers file, plain cookiecutter and cruft hold an answer
to, in the same words. A default may be made of other answers. [Templates](../templates.md) says what the
rules mean."""


def folders() -> dict[str, Path]:
    """Return the templates of this repository by their names in the catalogue."""
    found = {"skyspark": ROOT}
    found |= {folder.name: folder for folder in sorted((ROOT / "templates").iterdir()) if folder.is_dir()}
    return found


def pages() -> dict[str, str]:
    """Return the page by its place in docs/."""
    parts = [part for name, folder in folders().items() for part in _template(name, folder)]
    return {"reference/questions.md": page("Questions of the templates", _LEAD, *parts, weight=30)}


def _template(name: str, folder: Path) -> Iterator[str]:
    questionnaire = questions.load(folder)
    yield f"## {name}"
    for question in questionnaire.questions.values():
        yield f"### {question.name} {{#{name}-{question.name}}}"
        yield text(question.label)
        yield table(("", ""), _facts(question))


def _facts(question: Question) -> Iterator[tuple[str, str]]:
    rule = question.rule
    if question.choices:
        labels = [
            code(choice) + (f": {text(label)}" if (label := _label(question, choice)) else "")
            for choice in question.choices
        ]
        yield "choices", "<br>".join(labels)
        yield "default", code(question.choices[0])
    else:
        yield "default", code(str(question.default)) if question.default != "" else "empty"
    if "git_config" in rule:
        yield "default, if it is set", f"git's {code(rule['git_config'])}"
    if rule.get("when"):
        yield "asked when", code(rules.condition(rule))
    if "otherwise" in rule:
        yield "otherwise it is", code(rule["otherwise"]) if rule["otherwise"] else "empty"
    if rule.get("required"):
        yield "required", "an empty answer is refused"
    if "message" in rule:
        yield "rule", text(f"It {rule['message']}.")
    if "reserved_message" in rule:
        yield "reserved", text(f"It {rule['reserved_message']}: {len(rule['reserved'])} names.")
    if "differs_from" in rule:
        yield "differs from", code(rule["differs_from"])
    if "max_length" in rule:
        yield "at most", f"{rule['max_length']} characters"
    if rule.get("forbid"):
        yield "must not hold", code(rule["forbid"])
    if "pattern" in rule:
        yield "pattern", code(rule["pattern"])


def _label(question: Question, choice: str) -> str:
    label = question.choice_labels.get(choice, "")
    return label.removeprefix(f"{choice}: ") if label != choice else ""
