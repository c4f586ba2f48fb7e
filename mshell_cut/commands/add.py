"""`mshell-cut add`: a table, an app, a DAG or a schema in a project that is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mshell_cut import console
from mshell_cut.commands import options

if TYPE_CHECKING:
    from mshell_cut.additions import Plan
    from mshell_cut.project import Project
    from mshell_cut.render import Renderer
    from mshell_cut.upstream import Upstream

# What templates add, with examples. A template may know fewer and others: those work, too.
_KINDS = {
    "table": (
        "A table: its transformation, contract, test and entry in config.yml.",
        [
            "bronze_orders",
            "silver_orders --depends-on bronze_orders --tags daily",
            "revenue --layer gold --depends-on silver_orders,silver_users",
        ],
    ),
    "app": (
        "An app: its module, test and entry point; in a bundle its job.",
        ["report --tags report", "row_counts --depends-on silver_users"],
    ),
    "dag": (
        "An Airflow DAG that runs apps, or jobs of a bundle, one after the other.",
        ["report", "nightly --depends-on medallion --schedule '0 3 * * *'"],
    ),
    "schema": ("The contract of a table, with its test.", ["orders"]),
}
_NOTHING, _BY_HAND = "The project's template adds nothing to its projects", "write what you need by hand."


class _Kinds(click.Group):
    """A command for each kind; which ones there are is the template's to say."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_KINDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        about, examples = _KINDS.get(
            cmd_name, (f"What the project's template adds as '{cmd_name}'.", ["orders"])
        )
        lines = "\n".join(f"  mshell-cut add {cmd_name} {example}" for example in examples)
        return click.Command(
            cmd_name,
            callback=_add,
            params=[*_parameters()],
            help=f"{about}\n\nAll of it is written, or nothing. What is there already is never replaced.",
            short_help=about,
            epilog=f"\b\nExamples:\n{lines}",
        )


def _parameters() -> list[click.Parameter]:
    return [
        click.Argument(["name"]),
        click.Option(
            ["--layer"], metavar="LAYER", help="bronze, silver or gold. Default: what the name begins with."
        ),
        click.Option(
            ["--depends-on"],
            metavar="NAME,…",
            multiple=True,
            help="The tables it reads; for a dag the apps or jobs it runs. Repeatable.",
        ),
        click.Option(
            ["--tags"],
            metavar="TAG,…",
            multiple=True,
            help="Tags of a table, or of the tables that an app makes. Repeatable.",
        ),
        click.Option(["--schedule"], metavar="CRON", help="When to run, in UTC, such as '0 2 * * *'."),
        click.Option(
            ["--project", "folder"],
            metavar="DIR",
            type=click.Path(path_type=Path),
            default=Path(),
            help="A folder in the project. Default: this one.",
        ),
        click.Option(
            ["--template", "address"],
            metavar="PATH|URL",
            help="Where the template's repository is now, in place of what the project remembers.",
        ),
        click.Option(["--dry-run"], is_flag=True, help="Print what would be written and write nothing."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON, and ask nothing."),
    ]


@click.command(
    "add",
    cls=_Kinds,
    invoke_without_command=True,
    epilog="""\b
Examples:
  mshell-cut add table silver_orders --depends-on bronze_orders
  mshell-cut add app report --tags report
  mshell-cut add table --help
  mshell-cut add --list""",
)
@click.option("--list", "listing", is_flag=True, help="List what can be added to the project here.")
@options.project
@options.template
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def command(context: click.Context, listing: bool, folder: Path, address: str | None, as_json: bool) -> None:
    """Add a table, an app, a DAG or a schema to a project, with its test.

    Where the template comes from and at which version says the project's .cruft.json. Templates differ in
    what they add, and some add nothing: --list tells.
    """
    if context.invoked_subcommand:
        if listing or address or as_json or folder != Path():
            from mshell_cut.errors import RequestError

            raise RequestError("Name what to add first, its options after it: add table NAME --json.")
        return
    if listing:
        _list(folder, address, as_json=as_json)
        return
    for kind, (about, examples) in _KINDS.items():
        console.say(f"{kind:8}{about}")
        console.say(f"{'':8}mshell-cut add {kind} {examples[0]}")


def _list(folder: Path, address: str | None, *, as_json: bool) -> None:
    from mshell_cut import additions
    from mshell_cut.project import Project

    project = Project.find(folder)
    with _renderer(project, address, interactive=console.is_interactive() and not as_json) as found:
        known = {} if isinstance(found, str) else additions.kinds(found.source.path)
    if as_json:
        console.emit({"project": str(project.folder), "kinds": known})
    elif isinstance(found, str):
        console.say(found)
    else:
        for kind, about in known.items():
            console.say(f"{kind:8}{about}")


@contextmanager
def _renderer(project: "Project", address: str | None, *, interactive: bool) -> "Iterator[Renderer | str]":
    """Have the renderer of the project's template at hand, or a sentence on why that adds nothing."""
    from mshell_cut import additions, catalogue, questions
    from mshell_cut.render import Renderer
    from mshell_cut.renders import Renders
    from mshell_cut.upstream import Version, opened

    state = project.state
    carried = None if address else catalogue.carried(state)
    if carried:
        adds = (carried.path / additions.FOLDER).is_dir()
        yield Renderer(questions.load(carried.path), carried) if adds else f"{_NOTHING}: {_BY_HAND}"
        return
    with opened(state, template=address, interactive=interactive) as upstream:
        if upstream.has_additions(state.commit):
            version = Version(state.commit, upstream.name(state.commit), state.checkout)
            yield Renders(upstream).renderer(version)
        else:
            yield _without_additions(upstream, project)


def _without_additions(upstream: "Upstream", project: "Project") -> str:
    if upstream.has_additions(upstream.newest(project.state).commit):
        return (
            f"{_NOTHING} at the version the project is at: bring it to a newer one with 'mshell-cut update'."
        )
    return f"{_NOTHING}: {_BY_HAND}"


def _add(
    name: str,
    layer: str | None,
    depends_on: tuple[str, ...],
    tags: tuple[str, ...],
    schedule: str | None,
    folder: Path,
    address: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from mshell_cut.errors import RequestError
    from mshell_cut.project import Project

    kind = str(click.get_current_context().info_name)
    project = Project.find(folder)
    with _renderer(project, address, interactive=console.is_interactive() and not as_json) as found:
        if isinstance(found, str):
            raise RequestError(found)
        from mshell_cut import additions, file_changes

        with console.working(f"Adding {name} …"):
            request = additions.Request(kind, name, layer, _words(depends_on), _words(tags), schedule)
            plan = additions.plan(project.folder, found, project.state.answers, request)
            if not dry_run:
                file_changes.write(project.folder, plan.created, plan.changed)
    if as_json:
        console.emit(
            {
                "project": str(project.folder),
                "kind": kind,
                "name": name,
                "written": not dry_run,
                "created": list(plan.created),
                "changed": list(plan.changed),
                "kept": plan.kept,
                "next_steps": plan.next_steps,
            }
        )
    else:
        _present(project, plan, dry_run=dry_run)


def _words(given: tuple[str, ...]) -> list[str]:
    return [word.strip() for text in given for word in text.split(",") if word.strip()]


def _present(project: "Project", plan: "Plan", *, dry_run: bool) -> None:
    for path in plan.created:
        console.say(f"new      {path}")
    for path in plan.changed:
        console.say(f"changed  {path}")
    for path in plan.kept:
        console.note(f"{path} is there already and stays as it is.")
    if dry_run:
        _show_lines(project, plan)
        console.note("Nothing was written.")
        return
    if plan.next_steps:
        console.say()
        console.say("Next:")
        console.say()
        for step in plan.next_steps:
            console.say(f"    {step}")


def _show_lines(project: "Project", plan: "Plan") -> None:
    import difflib

    for path, after in {**plan.created, **plan.changed}.items():
        before = (project.folder / path).read_bytes().decode() if path in plan.changed else ""
        console.say()
        start = path if before else "/dev/null"
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), start, path, lineterm=""):
            console.say(line)
