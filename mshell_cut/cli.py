"""The command line: names the verbs, imports the one that is called, and prints what went wrong."""

import importlib
import sys
from collections.abc import Sequence

import click

from mshell_cut import __version__, console
from mshell_cut.errors import InterruptedCutError, MshellCutError

_VERBS = {
    "cut": "Cut a new project from a template.",
    "check": "Tell whether a project is current.",
    "diff": "Show a project against its template.",
    "update": "Bring a project up to the newest template.",
    "add": "Add a table, an app, a DAG or a schema to a project.",
    "adopt": "Link an existing repository to a template.",
    "fleet": "Check and update many projects.",
    "templates": "List, add and remove templates.",
    "doctor": "Find what is missing on this machine or wrong in a project.",
}


class _Verbs(click.Group):
    """Loads a verb only when it is called: `--help` must not pay for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(f"mshell_cut.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.command(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  mshell-cut cut                       ask, then cut
  mshell-cut cut skyspark --no-input   take the defaults
  mshell-cut check                     in a project: is it current?
  mshell-cut update --dry-run          what a newer template would change

Exit codes: 0 done, 1 it could not be done, 2 the request is wrong, 130 stopped.""",
)
@click.version_option(__version__, prog_name="mshell-cut")
def cli() -> None:
    """Cut production-ready Databricks, Spark and Airflow projects from templates."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: the words after the program's name, by default those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(args=words, prog_name="mshell-cut", standalone_mode=False)
    except MshellCutError as error:
        return _report(error, as_json="--json" in words)
    except (click.Abort, KeyboardInterrupt):
        return _report(InterruptedCutError(), as_json="--json" in words)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        sys.stderr.close()
        return 1
    # What a verb passes to `Context.exit` comes back as the result.
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the command line and end the process."""
    sys.exit(run())


def _report(error: MshellCutError, *, as_json: bool) -> int:
    if as_json:
        kind = type(error).__name__.removesuffix("Error")
        console.emit({"error": {"kind": kind, "message": str(error), "exit_code": error.exit_code}})
    else:
        console.fail(str(error))
    return error.exit_code
