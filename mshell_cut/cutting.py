"""Makes a project: render, remember the template, commit, and move into place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mshell_cut import console, git
from mshell_cut.errors import TargetExistsError
from mshell_cut.render import Renderer
from mshell_cut.staging import move_into_place, staging
from mshell_cut.state import FILE, State


@dataclass(frozen=True)
class Made:
    """What a cut made, or would make.

    Attributes:
        project: the project's folder.
        files: all files in it, relative, sorted, without git's own.
        repository: whether the folder is a git repository of its own.
    """

    project: Path
    files: list[str]
    repository: bool


def cut(renderer: Renderer, answers: Mapping[str, Any], output_dir: Path, *, repository: bool | None) -> Made:
    """Make the project as a folder of the output folder: whole, or not at all.

    Args:
        renderer: of the template.
        answers: all answers, checked.
        output_dir: need not exist.
        repository: whether to make a git repository; None makes one unless the folder lies in one already.

    Raises:
        TargetExistsError: there is something in its place, which stays as it is.
        MshellCutError: see `Renderer.render`, `git` and `staging`.
    """
    refuse_existing(renderer, answers, output_dir)
    with staging(output_dir) as folder:
        with console.working("Rendering the project …"), console.output_to_stderr():
            built = renderer.render(answers, folder)
        target = output_dir / built.name
        _remember(renderer, answers, built)
        files = _files(built)
        if repository is None:
            repository = not _inside_repository(folder.parent, target)
            if not repository:
                console.warn(
                    "The project lies in another git repository, so it is none of its own: commit it there."
                )
        if repository:
            with console.working("Committing …"):
                _commit(renderer, built)
        move_into_place(built, target)
    return Made(target, files, repository)


def preview(renderer: Renderer, answers: Mapping[str, Any], output_dir: Path) -> Made:
    """Tell what `cut` would make, writing nothing but a temporary folder."""
    import tempfile

    refuse_existing(renderer, answers, output_dir)
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as folder:
        with console.working("Rendering the project …"), console.output_to_stderr():
            built = renderer.render(answers, Path(folder))
        _remember(renderer, answers, built)
        return Made(output_dir / built.name, _files(built), repository=False)


def refuse_existing(renderer: Renderer, answers: Mapping[str, Any], output_dir: Path) -> None:
    """Raise TargetExistsError where the project would go over something."""
    target = output_dir / renderer.folder_name(answers)
    if target.exists() or target.is_symlink():
        raise TargetExistsError(target)


def _remember(renderer: Renderer, answers: Mapping[str, Any], built: Path) -> None:
    source, questionnaire = renderer.source, renderer.questionnaire
    if not source.address or not source.commit:
        console.warn(f"{source.path} is not under git: there is no commit to record, and no upgrade later.")
        return
    if source.changed:
        console.warn(
            f"{source.path} has uncommitted changes: the project has them, {FILE} names {source.commit[:10]}."
        )
    public = {name: value for name, value in answers.items() if not questionnaire.questions[name].secret}
    State(
        source.address, source.commit, source.checkout, source.directory, public, questionnaire.samples
    ).write(built)


def _commit(renderer: Renderer, built: Path) -> None:
    source = renderer.source
    name = Path(source.directory).name if source.directory else Path(source.address or source.path).stem
    message = f"Cut from {name} with mshell-cut"
    if not git.first_commit(built, message):
        console.warn(
            "git knows no name and e-mail address of yours: the first commit is by "
            f"{git.FALLBACK_IDENTITY[0]}. Set user.name and user.email with 'git config --global'."
        )


def _inside_repository(parent: Path, target: Path) -> bool:
    top = git.ask("rev-parse", "--show-toplevel", cwd=parent)
    return top is not None and git.ask("check-ignore", "--quiet", str(target.absolute()), cwd=parent) is None


def _files(project: Path) -> list[str]:
    return sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if not path.is_dir())
