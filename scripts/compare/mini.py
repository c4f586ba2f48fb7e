"""One small template, about thirty files and four questions, in the dialect of each tool."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from compare.machine import commit_all, expect, write_tree

REFUSAL = "must be lower case, such as orders"
PATTERN = "[a-z][a-z0-9-]*"
PRINCIPAL = "Application id of the principal"

_JOB = """\
\"\"\"Job {number} of @repo_name@, kept by @squad@.\"\"\"

SQUAD = "@squad@"
LIMIT = {number}


def read(path):
    \"\"\"Return the lines of a file.\"\"\"
    with open(path) as lines:
        return list(lines)


def main():
    \"\"\"Print where the job runs.\"\"\"
    print("@repo_name@", SQUAD, LIMIT)
"""


def _files() -> dict[str, str]:
    files = {
        "README.md": "# @repo_name@\n\nKept by @squad@, deployed as @kind@.\n",
        "Makefile": "SQUAD := @squad@\n\ntest:\n\tpython -m pytest\n\nlint:\n\tpython -m ruff check\n",
        "pyproject.toml": '[project]\nname = "@repo_name@"\nversion = "0.1.0"\n',
        "docs/notes.md": "# Notes of @repo_name@\n\nFirst.\n\nSecond.\n\nThird.\n",
        "settings/base.yaml": "squad: @squad@\nkind: @kind@\n",
        "Dockerfile": "FROM scratch\nLABEL squad=@squad@\n",
        "bundle.yaml": "name: @repo_name@\nprincipal: @principal@\n",
    }
    for number in range(1, 13):
        files[f"src/jobs/job_{number:02}.py"] = _JOB.format(number=number)
        files[f"tests/test_job_{number:02}.py"] = f"def test_{number}():\n    assert {number}\n"
    return files


@dataclass(frozen=True)
class Mini:
    """The template: texts hold `@question@` where an answer goes.

    Attributes:
        files: text by path in the project.
        only: paths that one kind of project has.
        validated: whether a bad name is refused.
        outside: files of the template's repository that no project gets.
        private: more keys for a tool's own file of questions, by dialect.
        hooks: programs that cookiecutter runs, by file name.
        last: a text in the dialect of each tool, for one more file at the end.
    """

    files: Mapping[str, str] = field(default_factory=_files)
    only: Mapping[str, str] = field(default_factory=lambda: {"Dockerfile": "docker", "bundle.yaml": "dab"})
    validated: bool = False
    outside: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hooks: Mapping[str, str] = field(default_factory=dict)
    last: Mapping[str, str] = field(default_factory=dict)

    def edited(self, path: str, old: str, new: str) -> "Mini":
        """Return the template with one text changed."""
        expect(old in self.files[path], f"{old!r} is not in {path}")
        return replace(self, files={**self.files, path: self.files[path].replace(old, new)})

    def renamed(self, path: str, to: str) -> "Mini":
        """Return the template with one file under another name."""
        return replace(self, files={(to if name == path else name): t for name, t in self.files.items()})

    def written(self, dialect: str, folder: Path, tag: str | None = "v1.0.0") -> Path:
        """Write the template as a repository, in place of what was there, and tag it."""
        for path in folder.iterdir() if folder.exists() else ():
            if path.name != ".git":
                _remove(path)
        write_tree(folder, {**DIALECTS[dialect](self), **self.outside})
        commit_all(folder, "template", tag)
        return folder


NEWER = Mini().edited("Makefile", "SQUAD := ", "SQUAD ?= ")
"""A newer version, for rows to which it does not matter what has changed: one line of `Makefile`."""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _filled(text: str, form: str) -> str:
    for question in ("repo_name", "squad", "kind", "principal"):
        text = text.replace(f"@{question}@", form.format(question))
    return text


def _cookiecutter(mini: Mini) -> dict[str, str]:
    questions: dict[str, Any] = {
        "repo_name": "orders",
        "squad": "data",
        "kind": ["docker", "dab"],
        "principal": "",
        "__prompts__": {"principal": PRINCIPAL},
        # mshell-cut reads these; the other two pass over them.
        "_rules": {"principal": {"when": {"kind": "dab"}, "otherwise": ""}},
    }
    hooks = dict(mini.hooks)
    if mini.validated:
        questions["_rules"]["repo_name"] = {"pattern": PATTERN, "message": REFUSAL}
        hooks["pre_gen_project.py"] = (
            "import re, sys\n\n"
            f'if not re.fullmatch("{PATTERN}", "{{{{ cookiecutter.repo_name }}}}"):\n'
            f'    sys.exit("repo_name {REFUSAL}")\n'
        )
    questions.update(mini.private.get("cookiecutter", {}))
    found = {"cookiecutter.json": json.dumps(questions, indent=2)}
    for path, text in mini.files.items():
        if path in mini.only:
            path = f"{{% if cookiecutter.kind == '{mini.only[path]}' %}}{path}{{% endif %}}"
        found[f"{{{{cookiecutter.repo_name}}}}/{path}"] = _filled(text, "{{{{ cookiecutter.{} }}}}")
    if "cookiecutter" in mini.last:
        found["{{cookiecutter.repo_name}}/zz.txt"] = mini.last["cookiecutter"]
    return found | {f"hooks/{name}": text for name, text in hooks.items()}


def _copier(mini: Mini) -> dict[str, str]:
    questions: dict[str, Any] = {
        "_subdirectory": "template",
        "repo_name": {"type": "str", "default": "orders"},
        "squad": {"type": "str", "default": "data"},
        "kind": {"type": "str", "choices": ["docker", "dab"], "default": "docker"},
        "principal": {"type": "str", "default": "", "help": PRINCIPAL, "when": "{{ kind == 'dab' }}"},
        **mini.private.get("copier", {}),
    }
    if mini.validated:
        test = f"{{% if not (repo_name | regex_search('^{PATTERN}$')) %}}{REFUSAL}{{% endif %}}"
        questions["repo_name"]["validator"] = test
    found = {
        "copier.yml": yaml.safe_dump(questions, sort_keys=False),
        "template/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers|to_nice_yaml -}}\n",
    }
    for path, text in mini.files.items():
        name = f"{path}.jinja"
        if path in mini.only:
            name = f"{{% if kind == '{mini.only[path]}' %}}{path}{{% endif %}}.jinja"
        found[f"template/{name}"] = _filled(text, "{{{{ {} }}}}")
    if "copier" in mini.last:
        found["template/zz.txt.jinja"] = mini.last["copier"]
    return found


def _databricks(mini: Mini) -> dict[str, str]:
    properties: dict[str, Any] = {
        "repo_name": {"type": "string", "default": "orders", "description": "repo_name", "order": 1},
        "squad": {"type": "string", "default": "data", "description": "squad", "order": 2},
        "kind": {"type": "string", "enum": ["docker", "dab"], "default": "docker", "order": 3},
        "principal": {
            "type": "string",
            "default": "",
            "description": PRINCIPAL,
            "order": 4,
            "skip_prompt_if": {"properties": {"kind": {"const": "docker"}}},
        },
        **mini.private.get("databricks", {}),
    }
    properties["kind"]["description"] = "kind"
    if mini.validated:
        more = {"pattern": f"^{PATTERN}$", "pattern_match_failure_message": REFUSAL}
        properties["repo_name"].update(more)
    found = {"databricks_template_schema.json": json.dumps({"properties": properties}, indent=2)}
    for path, text in mini.files.items():
        text = _filled(text, "{{{{.{}}}}}")
        if path in mini.only:
            other = {"docker": "dab", "dab": "docker"}[mini.only[path]]
            text = f'{{{{if eq .kind "{other}"}}}}{{{{skip "{path}"}}}}{{{{end}}}}' + text
        found[f"template/{{{{.repo_name}}}}/{path}.tmpl"] = text
    if "databricks" in mini.last:
        found["template/{{.repo_name}}/zz.txt.tmpl"] = mini.last["databricks"]
    return found


DIALECTS = {"cookiecutter": _cookiecutter, "copier": _copier, "databricks": _databricks}
