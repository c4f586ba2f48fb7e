"""The pages of the command lines, from what answers `--help`."""

import argparse
import re
from collections.abc import Iterator

import click
from databricks_local.cli import cli as databricks_local
from reference_markup import block, code, page, prose, table, text
from skyspark.cli.main import make_parser as skyspark_parser

from mshell_cut.cli import cli as mshell_cut


def pages() -> dict[str, str]:
    """Return the pages of all command lines by their places in docs/."""
    return {
        "reference/mshell-cut.md": page("mshell-cut", *_of_click(mshell_cut, "mshell-cut"), weight=10),
        "reference/skyspark-cli.md": page(
            "skyspark (command line)", *_of_argparse(skyspark_parser()), weight=12
        ),
        "reference/databricks-local.md": page(
            "databricks-local (command line)", *_of_click(databricks_local, "databricks-local"), weight=14
        ),
    }


def _of_click(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    if parent is not None:
        yield f"{'#' * _depth(context)} {context.command_path}"
    yield block(f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}", "console")
    yield from _described(command.help or "")
    options, arguments = [], []
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Argument):
            arguments.append((code(parameter.make_metavar(context)), _number(parameter)))
        elif record := parameter.get_help_record(context):
            options.append((code(record[0]), text(record[1])))
    yield table(("argument", ""), arguments)
    yield table(("option", ""), options)
    yield from _described(command.epilog or "")
    if isinstance(command, click.Group):
        inner = {verb: command.get_command(context, verb) for verb in command.list_commands(context)}
        for verb, one in inner.items():
            if one is not None and not one.hidden:
                yield from _of_click(one, verb, context)


def _number(argument: click.Argument) -> str:
    several = "one or more" if argument.nargs == -1 else ""
    return ", ".join(filter(None, (several, "" if argument.required else "may be left out")))


def _depth(context: click.Context) -> int:
    return 1 if context.parent is None else 1 + _depth(context.parent)


def _described(written: str) -> Iterator[str]:
    r"""Yield the paragraphs of a help text; after `\b` lines are kept as they are."""
    cleaned = "\n".join(line.rstrip() for line in _dedented(written).splitlines())
    for paragraph in re.split(r"\n\s*\n", cleaned.strip("\n")):
        verbatim = paragraph.startswith("\b")
        lines = paragraph.removeprefix("\b").strip("\n")
        title, _, rest = lines.partition("\n")
        if verbatim and title.endswith(":") and rest:
            yield f"**{text(title)}**"
            yield block(_dedented(rest), "console")
        elif verbatim:
            yield block(_dedented(lines))
        elif lines.strip():
            yield prose(lines)


def _dedented(written: str) -> str:
    lines = written.splitlines()
    indents = [len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip()]
    first = len(lines[0]) - len(lines[0].lstrip(" ")) if lines else 0
    if first or not indents:
        indents.append(first)
    least = min(indents, default=0)
    return "\n".join(line[least:] if line[:least].isspace() else line for line in lines)


def _of_argparse(parser: argparse.ArgumentParser, depth: int = 1) -> Iterator[str]:
    if depth > 1:
        yield f"{'#' * depth} {parser.prog}"
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    yield block(usage, "console")
    yield prose(parser.description or "")
    formatter = argparse.HelpFormatter(parser.prog)
    verbs = []
    for group in parser._action_groups:
        rows = []
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                verbs.append(action)
            elif action.help != argparse.SUPPRESS:
                rows.append((code(_invocation(formatter, action)), text(formatter._expand_help(action))))
        if rows and group.title not in ("options", "positional arguments"):
            yield f"**{text((group.title or '').capitalize())}**"
        yield table(("argument" if group.title == "positional arguments" else "option", ""), rows)
    yield from _epilog(parser.epilog or "")
    for action in verbs:
        for inner in action.choices.values():
            yield from _of_argparse(inner, depth + 1)


def _invocation(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    if not action.option_strings:
        return formatter._metavar_formatter(action, action.dest)(1)[0]
    value = "" if action.nargs == 0 else f" {formatter._format_args(action, action.dest.upper())}"
    return f"{', '.join(action.option_strings)}{value}"


def _epilog(written: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\n", written.strip("\n")):
        title, _, rest = paragraph.partition("\n")
        if title.endswith(":") and rest:
            yield f"**{text(title.capitalize())}**"
            yield block(_dedented("\n" + rest).strip("\n"), "console")
        elif paragraph.strip():
            yield prose(paragraph)
