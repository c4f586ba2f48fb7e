"""The astro-dag template under test, and its answers."""

import json

from template.projects import ROOT

TEMPLATE = ROOT / "templates" / "astro-dag"
PROJECT = TEMPLATE / "<<cookiecutter.repo_name>>"
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
PUBLIC = [name for name in QUESTIONS if not name.startswith("_")]


def answers(**given: str) -> dict[str, str]:
    """Complete some answers with the template's defaults."""
    return {name: QUESTIONS[name] for name in PUBLIC} | given
