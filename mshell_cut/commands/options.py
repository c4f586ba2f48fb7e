"""The options of all verbs that work in a project."""

from pathlib import Path

import click

# `folder: Path`, a folder in the project.
project = click.option(
    "--project",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="A folder in the project. Default: this one.",
)
# `address: str | None`, where to look for the template.
template = click.option(
    "--template",
    "address",
    metavar="PATH|URL",
    help="Where the template's repository is now, in place of what the project remembers.",
)
