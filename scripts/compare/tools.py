"""The tools that cut projects, each by its own command line."""

# `Cutter` says what each command line is, and gives each what any of them needs.
# ruff: noqa: ARG002, D102

import abc
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compare.environments import executable, version_of
from compare.machine import Done, Machine, commit_all

Answers = Mapping[str, str]
Words = list[str | Path]


@dataclass
class Tool:
    """A program, or a package that has none.

    Attributes:
        name: how the command line and the results call it.
        title: how the page calls it.
        variables: what it is to find in its environment.
    """

    name: str
    title: str
    variables: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def program(self) -> Path:
        """The executable."""
        return executable(self.name)

    @property
    def version(self) -> str:
        """The version that runs."""
        return version_of(self.name)


@dataclass
class Cutter(Tool, abc.ABC):
    """A program that cuts a project from a template.

    Attributes:
        dialect: which form of the mini template it takes.
        updates: whether it has a command that brings a project up to date.
        dry: its option that writes nothing.
        link: the file in which a project remembers its template.
    """

    dialect: str
    updates: bool = False
    dry: str | None = None
    link: str | None = None

    @abc.abstractmethod
    def cut_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        """Return the command line of a cut into a folder, without questions."""

    @abc.abstractmethod
    def ask_words(self, template: Path, out: Path) -> Words:
        """Return the command line of a cut that asks."""

    @abc.abstractmethod
    def file_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        """Return the command line of a cut with a file of answers."""

    def update_words(self, answers: Answers) -> Words:
        """Return the command line of an update in a project, without questions.

        Raises:
            NotImplementedError: it has none.
        """
        raise NotImplementedError(f"{self.name} updates nothing.")

    def cut(self, machine: Machine, template: str | Path, out: str = "out", **answers: str) -> Done:
        """Cut a project named orders, or as answered, into a folder of the machine."""
        folder = machine.place / out
        folder.mkdir(exist_ok=True)
        words = self.cut_words(template, folder, answers, machine.place)
        return machine.run(*words, env=self.variables)

    def project(self, machine: Machine, template: Path, out: str = "out", **answers: str) -> Path:
        """Cut a project and commit it where the tool does not.

        Raises:
            RuntimeError: the tool failed.
        """
        done = self.cut(machine, template, out, **answers)
        found = machine.place / out / answers.get("repo_name", "orders")
        if done.code or not found.is_dir():
            raise RuntimeError(f"{self.name} cut nothing: {done.said}")
        if not (found / ".git").exists():
            commit_all(found, "cut")
        return found

    def update(self, machine: Machine, project: Path, **answers: str) -> Done:
        """Bring a project up to date, or give it other answers."""
        return machine.run(*self.update_words(answers), cwd=project, env=self.variables)


class Cookiecutter(Cutter):
    """`cookiecutter`."""

    def cut_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        pairs = [f"{key}={value}" for key, value in answers.items()]
        return [self.program, template, "--no-input", "--default-config", "-o", out, *pairs]

    def ask_words(self, template: Path, out: Path) -> Words:
        return [self.program, template, "--default-config", "-o", out]

    def file_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _written(place / "answers.yaml", {"default_context": dict(answers)})
        return [self.program, template, "--no-input", "--config-file", given, "-o", out]


class Cruft(Cutter):
    """`cruft`."""

    def cut_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = ["--extra-context", json.dumps(dict(answers))] if answers else []
        return [
            self.program,
            "create",
            template,
            "--no-input",
            "--default-config",
            "--output-dir",
            out,
            *given,
        ]

    def ask_words(self, template: Path, out: Path) -> Words:
        return [self.program, "create", template, "--default-config", "--output-dir", out]

    def file_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _written(place / "answers.yaml", {"default_context": dict(answers)})
        return [self.program, "create", template, "--no-input", "--config-file", given, "--output-dir", out]

    def update_words(self, answers: Answers) -> Words:
        given = ["--variables-to-update", json.dumps(dict(answers))] if answers else []
        return [self.program, "update", "--skip-apply-ask", *given]


class Copier(Cutter):
    """`copier`."""

    def cut_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _pairs("--data", answers)
        target = out / answers.get("repo_name", "orders")
        return [self.program, "copy", "--trust", "--defaults", *given, template, target]

    def ask_words(self, template: Path, out: Path) -> Words:
        return [self.program, "copy", "--trust", template, out / "orders"]

    def file_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _written(place / "answers.yaml", answers)
        target = out / answers.get("repo_name", "orders")
        return [self.program, "copy", "--trust", "--defaults", "--data-file", given, template, target]

    def update_words(self, answers: Answers) -> Words:
        given = _pairs("--data", answers)
        return [self.program, "update", "--trust", "--defaults", *given]


class Databricks(Cutter):
    """`databricks bundle init`."""

    def cut_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        return self.file_words(template, out, answers, place)

    def ask_words(self, template: Path, out: Path) -> Words:
        return [self.program, "bundle", "init", template, "--output-dir", out]

    def file_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _written(place / "answers.json", answers)
        return [self.program, "bundle", "init", template, "--output-dir", out, "--config-file", given]


class MshellCut(Cutter):
    """`mshell-cut`."""

    def cut_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _pairs("--set", answers)
        return [self.program, "cut", "--template", template, "--no-input", "--output-dir", out, *given]

    def ask_words(self, template: Path, out: Path) -> Words:
        return [self.program, "cut", "--template", template, "--output-dir", out]

    def file_words(self, template: str | Path, out: Path, answers: Answers, place: Path) -> Words:
        given = _written(place / "answers.yaml", answers)
        words: Words = [self.program, "cut", "--template", template, "--no-input"]
        return [*words, "--output-dir", out, "--answers", given]

    def update_words(self, answers: Answers) -> Words:
        given = _pairs("--set", answers)
        return [self.program, "update", *given]


def _written(file: Path, content: Mapping[str, object]) -> Path:
    """Write a file of answers as JSON, which is YAML, too."""
    file.write_text(json.dumps(dict(content)), encoding="utf-8")
    return file


def _pairs(option: str, answers: Answers) -> Words:
    return [word for key, value in answers.items() for word in (option, f"{key}={value}")]


CUTTING: tuple[Cutter, ...] = (
    Cookiecutter("cookiecutter", "cookiecutter", "cookiecutter"),
    Cruft("cruft", "cruft", "cookiecutter", updates=True, link=".cruft.json"),
    Copier("copier", "copier", "copier", updates=True, dry="--pretend", link=".copier-answers.yml"),
    Databricks("databricks", "databricks bundle init", "databricks"),
    MshellCut("mshell-cut", "mshell-cut", "cookiecutter", updates=True, dry="--dry-run", link=".cruft.json"),
)


def emptied(folder: Path) -> Path:
    """Return a folder that is there and holds nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
