"""`mshell-cut templates`: the catalogue."""

from pathlib import Path

import click

from mshell_cut import console


@click.group(
    "templates",
    invoke_without_command=True,
    epilog="""\b
Examples:
  mshell-cut templates
  mshell-cut templates add ours gh:acme/spark-template --description "Our own"
  mshell-cut templates remove ours""",
)
@click.pass_context
def command(context: click.Context) -> None:
    """List, add and remove templates."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the templates that can be cut by name."""
    from dataclasses import asdict, replace

    from mshell_cut import catalogue
    from mshell_cut.credentials import without_credentials

    templates = [
        replace(template, address=template.address and without_credentials(template.address))
        for template in catalogue.templates()
    ]
    if as_json:
        console.emit({"templates": [asdict(template) for template in templates]})
        return
    width = max(len(template.name) for template in templates)
    for template in templates:
        where = f"  ({template.address})" if template.address else ""
        console.say(f"{template.name:<{width}}  {template.description}{where}")


@command.command(
    epilog="""\b
Examples:
  mshell-cut templates add ours ../spark-template
  mshell-cut templates add ours gh:acme/templates --directory spark --checkout v2.0.0"""
)
@click.argument("name")
@click.argument("address")
@click.option("--description", default="", help="One line to show in the menu.")
@click.option("--checkout", metavar="REF", help="Branch, tag or commit to use.")
@click.option("--directory", metavar="DIR", help="The template's folder in there.")
def add(name: str, address: str, description: str, checkout: str | None, directory: str | None) -> None:
    """Add the template at ADDRESS, a folder or git address, under NAME."""
    from mshell_cut import catalogue, questions, source

    if not source.is_remote(address):
        address = str(Path(address).expanduser().resolve())
    with (
        console.working(f"Reading {address} …"),
        source.opened(address, checkout=checkout, directory=directory) as found,
    ):
        questions.load(found.path)
    catalogue.add(catalogue.Template(name, description, address, checkout, directory))
    console.say(f"Added: mshell-cut cut {name}")


@command.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the template NAME from the catalogue. Its files stay."""
    from mshell_cut import catalogue

    catalogue.remove(name)
    console.say(f"Removed {name}.")
