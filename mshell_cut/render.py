"""Renders a template, through cookiecutter: the only module that calls it."""

import copy
import functools
import hashlib
import importlib
import json
import logging
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import CodeType, ModuleType
from typing import Any, ClassVar

import jinja2
from cookiecutter import exceptions as cookiecutter_errors
from cookiecutter.find import find_template
from cookiecutter.generate import generate_files
from cookiecutter.prompt import prompt_for_config, render_variable
from cookiecutter.utils import create_env_with_context
from jinja2.ext import Extension

from mshell_cut import config, hooks
from mshell_cut.errors import HookFailedError, MshellCutError, TemplateBrokenError
from mshell_cut.prune import PruneError, prune
from mshell_cut.questions import Questionnaire
from mshell_cut.source import Source


def _spare_import(name: str, *, of: str) -> None:
    """Import a module so that what it imports in turn loads on first use, for this one importer.

    `importlib.util.LazyLoader` does not spare it: an `import` statement looks at the `__spec__` of a module
    that is there already, and that look loads it.
    """
    if name in sys.modules or of in sys.modules:
        return
    stand_in = ModuleType(name)

    def step_aside() -> None:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]

    def look_up(attribute: str) -> Any:
        step_aside()
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = look_up  # type: ignore[method-assign]
    sys.modules[name] = stand_in
    try:
        importlib.import_module(of)
    finally:
        # Whoever else imports it gets the module itself.
        step_aside()


# Cookiecutter imports it for the `now` tag, which few templates have: a tenth of a cut's time.
_spare_import("arrow", of="cookiecutter.extensions")


@functools.cache
def _verbatim() -> CodeType:
    """Return the compiled template that renders to its global `_verbatim`, whatever tags look like."""
    return jinja2.Environment().compile("{{ _verbatim }}")  # noqa: S701 - no HTML, and nothing to escape


class CompiledTemplates(Extension):
    """Has Jinja compile less, as that is most of the work of a render.

    Compiled templates are kept in the user's cache; texts without tags, as most answers and names of files,
    are not compiled at all. Cookiecutter makes its own environment and takes extensions by name, so this is
    how to reach it.
    """

    folder: Path | None = None
    _nameless: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self._spare_texts_without_tags(environment)
        if not self.folder:
            return
        environment.bytecode_cache = jinja2.FileSystemBytecodeCache(str(self.folder))
        compile_anew, place = environment.compile, str(self.folder)

        def compile_once(source: Any, name: str | None = None, *arguments: Any, **settings: Any) -> Any:
            # The names of files are templates too, which no cache of Jinja's keeps.
            if name is not None or arguments or settings or not isinstance(source, str):
                return compile_anew(source, name, *arguments, **settings)
            if (place, source) not in self._nameless:
                self._nameless[place, source] = compile_anew(source)
            return self._nameless[place, source]

        environment.compile = compile_once  # type: ignore[method-assign]

    def _spare_texts_without_tags(self, environment: jinja2.Environment) -> None:
        compile_anew = environment.from_string
        # Jinja normalises the ends of lines.
        special = {
            *("\n", "\r", environment.block_start_string, environment.variable_start_string),
            *(environment.comment_start_string, environment.line_statement_prefix or "\n"),
            environment.line_comment_prefix or "\n",
        }

        def from_string(source: Any, *arguments: Any, **settings: Any) -> jinja2.Template:
            if (
                arguments
                or settings
                or not isinstance(source, str)
                or any(mark in source for mark in special)
                or any(map(_rewrites_text, environment.extensions.values()))
            ):
                return compile_anew(source, *arguments, **settings)
            return environment.template_class.from_code(environment, _verbatim(), {"_verbatim": source})

        environment.from_string = from_string  # type: ignore[method-assign]


def _rewrites_text(extension: Extension) -> bool:
    """Tell whether a template's own extension may change texts that hold no tags."""
    kind = type(extension)
    return kind.preprocess is not Extension.preprocess or kind.filter_stream is not Extension.filter_stream


class Renderer:
    """One template, ready to render.

    Args:
        questionnaire: its questions.
        source: where it lies.

    Raises:
        TemplateBrokenError: a Jinja extension that it names is not installed.
    """

    def __init__(self, questionnaire: Questionnaire, source: Source) -> None:
        self.questionnaire = questionnaire
        self.source = source
        # Cookiecutter warns through logging about what we report ourselves.
        logging.getLogger("cookiecutter").setLevel(logging.CRITICAL)
        with _translated(source.path):
            raw = {**copy.deepcopy(dict(questionnaire.raw)), "_extensions": self._extensions()}
            self._environment = create_env_with_context({"cookiecutter": raw})

    @property
    def is_predictable(self) -> bool:
        """Whether a render depends on the template and the answers alone: it runs no code but ours."""
        folder = self.source.path / "hooks"
        extensions = self.questionnaire.raw.get("_extensions")
        return not extensions and (not folder.is_dir() or hooks.are_ours(self.source.path))

    def default(self, raw: Any, answers: Mapping[str, Any]) -> Any:
        """Render a question's default with the answers so far."""
        with _translated(self.source.path):
            return render_variable(self._environment, raw, dict(answers))

    def names_folder(self, question: str) -> bool:
        """Tell whether the name of the project's folder is made of the answer to a question."""
        with _translated(self.source.path):
            return f"cookiecutter.{question}" in find_template(self.source.path, self._environment).name

    def folder_name(self, answers: Mapping[str, Any]) -> str:
        """Return the name that the project's folder will have.

        Raises:
            TemplateBrokenError: the template has no folder to render, or one whose name leads elsewhere.
        """
        with _translated(self.source.path):
            raw = find_template(self.source.path, self._environment).name
            context = self._context(answers, self.source.path)
            name: str = self._environment.from_string(raw).render(**context)
        if name.lower() in ("", ".", "..", ".git") or "/" in name or "\\" in name:
            raise TemplateBrokenError(
                f"{self.source.path} names the project's folder '{name}', which is no name."
            )
        return name

    def text(self, raw: str, answers: Mapping[str, Any], **others: Any) -> str:
        """Render one text of the template.

        Args:
            raw: what may hold Jinja tags.
            answers: all answers.
            others: what the text may name beside `cookiecutter`.

        Raises:
            TemplateBrokenError: the text's own fault: syntax, undefined variables.
        """
        with _translated(self.source.path):
            context = self._context(answers, self.source.path)
            rendered: str = self._environment.from_string(raw).render(**context, **others)
        return rendered

    def render(self, answers: Mapping[str, Any], into: Path) -> Path:
        """Render the project as a new folder.

        Args:
            answers: all answers.
            into: the folder to make the project's folder in.

        Returns:
            The project's folder.

        Raises:
            TemplateBrokenError: the template's own fault: syntax, undefined variables, a wrong `_prune`.
            HookFailedError: one of its hooks refused.
        """
        ours = hooks.are_ours(self.source.path)
        # Our own hooks would only check again what is checked, in two more processes.
        project = self._generate(answers, into, accept_hooks=not ours)
        if ours:
            try:
                prune(project, self.questionnaire.prune, answers)
            except PruneError as error:
                raise TemplateBrokenError(str(error)) from None
        return project

    def sketch(self, answers: Mapping[str, Any], into: Path) -> Path:
        """Render the project to be looked at: no hook runs, so that answers may be what no rule would accept.

        What `_prune` lists is deleted, as far as it is there.

        Args:
            answers: all answers.
            into: the folder to make the project's folder in.

        Returns:
            The project's folder.

        Raises:
            TemplateBrokenError: the template cannot be rendered with these answers.
        """
        project = self._generate(answers, into, accept_hooks=False)
        with suppress(PruneError):
            prune(project, self.questionnaire.prune, answers)
        return project

    def _generate(self, answers: Mapping[str, Any], into: Path, *, accept_hooks: bool) -> Path:
        self.folder_name(answers)
        with _translated(self.source.path):
            context = self._context(answers, into)
            self._refuse_to_leave(context)
            with _compiled(self._fingerprint()):
                return Path(generate_files(self.source.path, context, str(into), accept_hooks=accept_hooks))

    def _refuse_to_leave(self, context: Mapping[str, Any]) -> None:
        """Refuse answers that would have a file lie outside of the project, or be one of git's own in it."""
        environment = self._environment
        tags = (environment.variable_start_string, environment.block_start_string)
        top = find_template(self.source.path, environment)
        for folder, folders, files in os.walk(top):
            for name in (*folders, *files):
                if not any(tag in name for tag in tags):
                    continue
                raw = str(Path(folder, name).relative_to(top))
                # What cannot be rendered is copied as it is, or the render says so.
                with suppress(
                    jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError
                ):
                    rendered = environment.from_string(raw).render(**context)
                    place = PurePosixPath(os.path.normpath(PurePosixPath("/project", rendered)))
                    if place.is_relative_to("/project") and ".git" not in map(str.lower, place.parts):
                        continue
                    raise TemplateBrokenError(
                        f"With these answers '{raw}' of {self.source.path} would lie at '{rendered}', "
                        "which is no place in the project: give other answers."
                    )

    def _context(self, answers: Mapping[str, Any], into: Path) -> dict[str, Any]:
        raw = copy.deepcopy(dict(self.questionnaire.raw))
        for name, value in answers.items():
            choices = self.questionnaire.questions[name].choices
            # Cookiecutter takes the first choice when it does not ask.
            raw[name] = [value, *(choice for choice in choices if choice != value)] if choices else value
        # What cookiecutter's own main adds for templates to read.
        raw |= {
            "_template": self.source.address or str(self.source.path),
            "_output_dir": str(into),
            "_repo_dir": str(self.source.path),
            "_checkout": self.source.checkout,
            "_extensions": self._extensions(),
        }
        return {"cookiecutter": prompt_for_config({"cookiecutter": raw}, no_input=True)}

    def _extensions(self) -> list[str]:
        return [*self.questionnaire.raw.get("_extensions", []), f"{__name__}.{CompiledTemplates.__name__}"]

    def _fingerprint(self) -> str:
        # Jinja's cache knows a template by its path and text only; these decide what it compiles to as well.
        where = (self.source.address, self.source.directory) if self.source.checkout else self.source.path
        about = [
            self.source.content or str(where),
            self.questionnaire.raw.get("_jinja2_env_vars"),
            self.questionnaire.raw.get("_extensions"),
            jinja2.__version__,
            platform.python_version(),
        ]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:20]


@contextmanager
def _compiled(fingerprint: str) -> Iterator[None]:
    folder = config.cache_folder() / "compiled" / fingerprint
    # Compiled templates are code: nobody else may write them. Without a place for them it only takes longer.
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    CompiledTemplates.folder = folder if os.access(folder, os.W_OK) else None
    try:
        yield
    finally:
        CompiledTemplates.folder = None


@contextmanager
def _translated(template: Path) -> Iterator[None]:
    """Turn what cookiecutter and Jinja raise into one sentence each."""
    try:
        yield
    except cookiecutter_errors.FailedHookException as error:
        hook = "pre_gen_project" if "pre_gen" in str(error) else "post_gen_project"
        raise HookFailedError(hook) from None
    except cookiecutter_errors.UndefinedVariableInTemplate as error:
        raise TemplateBrokenError(f"{template}: {error.message}: {error.error.message}.") from None
    except cookiecutter_errors.NonTemplatedInputDirException:
        raise TemplateBrokenError(
            f"{template} has no folder named after a cookiecutter variable: there is nothing to render."
        ) from None
    except cookiecutter_errors.CookiecutterException as error:
        raise TemplateBrokenError(f"{template}: {error}.") from None
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or error.name or template}, line {error.lineno}"
        raise TemplateBrokenError(f"{where}: {error.message}.") from None
    except jinja2.TemplateError as error:
        raise TemplateBrokenError(f"{template}: {error.message}.") from None
    except UnicodeDecodeError as error:
        raise TemplateBrokenError(
            f"{template} holds a text file that is not UTF-8 ({error.reason} at byte {error.start}): "
            "convert it, or list it in _copy_without_render."
        ) from None
    except OSError as error:
        raise MshellCutError(f"{error.filename or template}: {error.strerror}.") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What an expression in a template can raise while it is rendered.
        raise TemplateBrokenError(f"{template}: {type(error).__name__}: {error}.") from None
