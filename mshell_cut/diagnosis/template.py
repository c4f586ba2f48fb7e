"""Checks of the template: that it can be reached, and that a project fits it."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mshell_cut import catalogue, questions, source
from mshell_cut.credentials import without_credentials
from mshell_cut.diagnosis.outcome import Outcome, error, ok, warning
from mshell_cut.diagnosis.programs import Programs
from mshell_cut.errors import MshellCutError, TemplateNotFoundError
from mshell_cut.questions import Questionnaire
from mshell_cut.state import FILE, State

if TYPE_CHECKING:
    from mshell_cut.upstream import Upstream

_NETWORK = "check the network and your access to it, with 'git ls-remote {}'"


def bundled() -> Outcome:
    """Check the templates that come with mshell-cut."""
    names = [template.name for template in catalogue.built_in()]
    try:
        for name in names:
            with catalogue.opened(name) as found:
                questions.load(found.path)
    except (MshellCutError, OSError) as fault:
        return error("template", str(fault).rstrip("."), "install mshell-cut anew")
    return ok("template", f"{' and '.join(names)}, which come with mshell-cut")


def of_project(programs: Programs, project: Path, state: State, *, offline: bool) -> Iterator[Outcome]:
    """Check the template of a project, and the project's answers and files against it.

    Args:
        programs: runs what may take long.
        project: its folder.
        state: what it remembers.
        offline: use what is on this machine only.
    """
    from mshell_cut import upstream
    from mshell_cut.upstream import Upstream

    address = source.expand(state.template)
    shown = without_credentials(address)
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as folder:
        temporary = Path(folder).resolve()
        if source.is_remote(state.template):
            copy = source.mirror_folder(address)
            trouble = "was not asked" if offline else _silence(programs, address)
            if trouble and not copy.is_dir():
                if not offline:
                    yield error("template", f"{shown} {trouble}", _NETWORK.format(shown))
                return
            if trouble:
                found = Upstream(copy, address, state.directory, temporary)
                if not offline:
                    said = f"{shown} {trouble}: its last copy on this machine is used"
                    yield warning("template", said, _NETWORK.format(shown))
            else:
                found = upstream.located(address, state.directory, temporary)
                yield ok("template", shown)
        else:
            try:
                found = upstream.located(state.template, state.directory, temporary)
            except TemplateNotFoundError:
                yield error(
                    "template",
                    f"there is no git repository with a commit at {state.template}",
                    "name where the template is now, as in 'mshell-cut update --template PATH'",
                )
                return
            yield ok("template", state.template)
        yield from _against(found, project, state)


def _silence(programs: Programs, address: str) -> str:
    """Return why a repository cannot be reached, nothing where it can."""
    answer = programs.run(
        *("git", "ls-remote", "--quiet", "--", address, "HEAD"),
        limit=10,
        env={"GIT_TERMINAL_PROMPT": "0"},
    )
    if answer.worked:
        return ""
    return "does not answer" if answer.finished else answer.text


def _against(found: "Upstream", project: Path, state: State) -> Iterator[Outcome]:
    from mshell_cut.renders import Renders
    from mshell_cut.renewal import remembered
    from mshell_cut.upstream import Version

    adopt = f"if its history was rewritten, move {FILE} away and run 'mshell-cut adopt'"
    if not found.commit(state.commit):
        yield error("commit", f"the template has no commit {state.commit[:10]}, which {FILE} names", adopt)
        return
    try:
        version = Version(state.commit, found.name(state.commit), state.checkout)
        renders = Renders(found)
        questionnaire = renders.questionnaire(version)
        answers = remembered(questionnaire, renders.default(version), state.answers)
    except MshellCutError as fault:
        yield error(
            "commit", f"the template cannot be used at {state.commit[:10]}: {fault}".rstrip("."), adopt
        )
        return
    yield ok("commit", f"the project is at {version.name}")
    yield _answers(questionnaire, state, answers)
    yield _pruned(questionnaire, project, answers)


def _answers(questionnaire: Questionnaire, state: State, answers: Mapping[str, Any]) -> Outcome:
    sentences = questionnaire.problems(answers)
    if sentences:
        said = " ".join(sentences).rstrip(".")
        return error("answers", said, f"give another with 'mshell-cut update --set', or mend {FILE}")
    asked = {name for name, question in questionnaire.questions.items() if not question.secret}
    missing = sorted(asked - state.answers.keys())
    if missing:
        return warning(
            "answers",
            f"{FILE} holds no answer to {', '.join(missing)}: the template's defaults are taken",
            f"write the answers into {FILE}",
        )
    unknown = sorted(state.answers.keys() - questionnaire.questions.keys())
    if unknown:
        return warning(
            "answers",
            f"{FILE} holds answers to what the template does not ask: {', '.join(unknown)}",
            "delete them there",
        )
    return ok("answers", f"{len(asked)} answers, valid under the template's rules")


def _pruned(questionnaire: Questionnaire, project: Path, answers: Mapping[str, Any]) -> Outcome:
    stray = {}
    for question, by_value in questionnaire.prune.items():
        for path in by_value.get(str(answers.get(question)), []):
            if (project / path).exists():
                stray[path] = f"{question}={answers[question]}"
    if stray:
        listed = ", ".join(f"{path} (ruled out by {answer})" for path, answer in sorted(stray.items()))
        return warning(
            "pruned",
            f"files of the path not taken: {listed}",
            "delete them, or change the answer with 'mshell-cut update --set'",
        )
    return ok("pruned", "no files of the path not taken")
