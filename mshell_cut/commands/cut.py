"""`mshell-cut cut`: from a template and answers to a project under git."""

import importlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mshell_cut import console

if TYPE_CHECKING:
    from mshell_cut.cutting import Made
    from mshell_cut.render import Renderer


@click.command(
    "cut",
    epilog="""\b
Examples:
  mshell-cut cut
  mshell-cut cut skyspark --output-dir ~/projects
  mshell-cut cut skyspark --no-input --set repo_name=orders --set type_of_task=docker
  mshell-cut cut skyspark --answers orders.yaml --dry-run
  mshell-cut cut astro-dag --no-input --set repo_name=orders-dags
  mshell-cut cut --template gh:acme/spark-template --checkout v2.0.0""",
)
@click.argument("template", required=False)
@click.option(
    "--template", "address", metavar="PATH|URL", help="Any cookiecutter template: a folder or git address."
)
@click.option("--checkout", metavar="REF", help="Branch, tag or commit of the template to use.")
@click.option("--directory", metavar="DIR", help="The template's folder in its repository.")
@click.option(
    "--set", "assignments", metavar="QUESTION=ANSWER", multiple=True, help="Answer a question. Repeatable."
)
@click.option(
    "--answers",
    "answers_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Answers, as YAML or JSON. A project's .cruft.json will do.",
)
@click.option(
    "--output-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Where to make the project's folder. Default: here.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing: defaults for all that is not answered.")
@click.option("--dry-run", is_flag=True, help="Print the tree and write nothing.")
@click.option(
    "--git/--no-git",
    "repository",
    default=None,
    help="Make a repository with one commit. Default: yes, unless already inside one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and ask nothing.")
def command(
    template: str | None,
    address: str | None,
    checkout: str | None,
    directory: str | None,
    assignments: tuple[str, ...],
    answers_file: Path | None,
    output_dir: Path,
    no_input: bool,
    dry_run: bool,
    repository: bool | None,
    as_json: bool,
) -> None:
    """Cut a new project from TEMPLATE, a name of the catalogue.

    Asks at a terminal what --set and --answers leave open. The project appears whole or not at all.
    """
    # Cookiecutter takes as long to import as git takes to describe the template: both at once.
    threading.Thread(target=importlib.import_module, args=("mshell_cut.render",), daemon=True).start()
    from mshell_cut import catalogue, questions
    from mshell_cut.errors import RequestError

    if template and address:
        raise RequestError("Name a template of the catalogue or give --template, not both.")
    interactive = console.is_interactive() and not no_input and not as_json
    reference = address or template
    if not reference:
        if not interactive:
            raise RequestError(
                "Which template? Name one, as in 'mshell-cut cut skyspark': 'mshell-cut templates' lists all."
            )
        from mshell_cut import wizard

        reference = wizard.choose_template(catalogue.templates()).name
    with catalogue.opened(
        reference, checkout=checkout, directory=directory, interactive=interactive
    ) as source:
        from mshell_cut.render import Renderer

        renderer = Renderer(questions.load(source.path), source)
        answers = _answers(renderer, assignments, answers_file, output_dir, interactive=interactive)
        from mshell_cut import cutting

        if dry_run:
            made = cutting.preview(renderer, answers, output_dir)
        else:
            made = cutting.cut(renderer, answers, output_dir, repository=repository)
    if as_json:
        _emit(renderer, answers, made, dry_run=dry_run)
    else:
        _present(renderer, made, dry_run=dry_run)


def _answers(
    renderer: "Renderer",
    assignments: tuple[str, ...],
    answers_file: Path | None,
    output_dir: Path,
    *,
    interactive: bool,
) -> Mapping[str, Any]:
    from mshell_cut import cutting
    from mshell_cut.answers import Answers, given
    from mshell_cut.errors import TargetExistsError

    questionnaire = renderer.questionnaire
    answers = Answers(questionnaire, renderer.default, given(questionnaire, assignments, answers_file))
    if not interactive:
        found = answers.resolve()
        answers.checked(found)
        return found

    from mshell_cut import wizard

    def occupied(name: str, others: Mapping[str, Any]) -> str | None:
        if not renderer.names_folder(name):
            return None
        try:
            cutting.refuse_existing(renderer, {**answers.resolve(), **others}, output_dir)
        except TargetExistsError:
            return f"{name}: there is a folder of that name already."
        return None

    answers.check_given()
    if any(map(renderer.names_folder, answers.given)):
        cutting.refuse_existing(renderer, answers.resolve(), output_dir)
    found = wizard.run(answers, occupied)
    answers.checked(found)
    return found


def _emit(renderer: "Renderer", answers: Mapping[str, Any], made: "Made", *, dry_run: bool) -> None:
    questionnaire, source = renderer.questionnaire, renderer.source
    console.emit(
        {
            "project": str(made.project.absolute()),
            "written": not dry_run,
            "repository": made.repository,
            "template": source.address or str(source.path),
            "directory": source.directory,
            "commit": source.commit,
            "answers": {
                name: None if questionnaire.questions[name].secret else value
                for name, value in answers.items()
            },
            "files": made.files,
            "next_steps": questionnaire.next_steps,
        }
    )


def _present(renderer: "Renderer", made: "Made", *, dry_run: bool) -> None:
    console.tree(made.project.name, made.files)
    if dry_run:
        console.note(f"{len(made.files)} files would be written to {made.project}.")
        return
    console.say()
    console.say(
        f"{made.project} is ready: {len(made.files)} files{', one commit' if made.repository else ''}. Next:"
    )
    console.say()
    for step in [f"cd {_quoted(made.project)}", *renderer.questionnaire.next_steps]:
        console.say(f"    {step}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(os.path.relpath(path))
