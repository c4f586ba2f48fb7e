"""`mshell-cut doctor`: what is missing on this machine, or wrong in a project?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mshell_cut import console
from mshell_cut.commands import options

if TYPE_CHECKING:
    from mshell_cut.diagnosis.outcome import Outcome

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command(
    "doctor",
    epilog="""\b
Examples:
  mshell-cut doctor
  mshell-cut doctor --offline
  mshell-cut doctor --project ~/projects/orders --json

Exit codes: 0 no errors, 1 there are some.""",
)
@options.project
@click.option("--offline", is_flag=True, help="Leave out what needs a network.")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(context: click.Context, folder: Path, offline: bool, as_json: bool) -> None:
    """Check this machine, and the project that the folder lies in.

    Looks at Python, git, Java, make, the installer and its package index, the template and the cache; in a
    project also at what it remembers, its answers, and what updates and changed answers may have left behind.
    """
    from mshell_cut.diagnosis.examination import examine
    from mshell_cut.diagnosis.outcome import Status

    outcomes = []
    for outcome in examine(folder, offline=offline, waiting=console.working):
        outcomes.append(outcome)
        if not as_json:
            _present(outcome)
    errors = sum(outcome.status is Status.ERROR for outcome in outcomes)
    warnings = sum(outcome.status is Status.WARNING for outcome in outcomes)
    if as_json:
        checks = [
            {
                "id": outcome.id,
                "status": str(outcome.status),
                "message": outcome.message,
                "remedy": outcome.remedy or None,
            }
            for outcome in outcomes
        ]
        console.emit({"ok": not errors, "checks": checks})
    else:
        console.note(f"{len(outcomes)} checks: {_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    context.exit(1 if errors else 0)


def _present(outcome: "Outcome") -> None:
    status = click.style(f"{outcome.status:<7}", fg=_COLOURS[outcome.status], bold=True)
    remedy = f": {outcome.remedy}." if outcome.remedy else ""
    console.say(f"{status}  {outcome.id:<12}  {outcome.message}{remedy}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
