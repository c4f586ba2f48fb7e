"""A file as YAML's node graph, or the one reason why it is none.

Every node has its mark. What a hostile file could do to the process is refused here: nesting without end, and
aliases that stand for themselves or for a billion values.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from skyspark.errors import PipelineError
from skyspark.pipeline.problems import Problem

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_EXPANSION = 1_000_000
_MAX_DEPTH = 100
_LINE_BREAK = re.compile(r"\r\n|[\r\n]")


@dataclass(frozen=True)
class ComposedFile:
    """A file of YAML.

    Attributes:
        root: Its only node that is part of no other; ``None`` if it holds nothing.
        lines: How many lines it has.
        text: What it holds.
    """

    root: yaml.Node | None
    lines: int
    text: str


def compose_file(file: Path) -> ComposedFile:
    """Read a file.

    Args:
        file: YAML in UTF-8.

    Raises:
        PipelineError: It cannot be read, is no YAML, or stands for more than anybody writes.
    """
    text = _text(file)
    # YAML breaks lines at more signs than editors do: no line may be named that the file has not.
    lines = len(_LINE_BREAK.split(text))
    try:
        _refuse_depth(text)
        root: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
        if root is not None:
            _refuse_expansion(root)
    except yaml.reader.ReaderError as error:
        raise _stop(file, text[: error.position], "it holds a character that YAML does not allow.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (min(mark.line + 1, lines), mark.column + 1) if mark else (1, 1)
        sentence = _syntax_sentence(error, text, line)
        raise PipelineError([Problem(str(file), line, column, "", sentence)]) from None
    return ComposedFile(root, lines, text)


def children(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield the nodes that a node holds: keys and values alike.

    Args:
        node: Any node.
    """
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


class _TooMuchError(yaml.MarkedYAMLError):
    """What is YAML and still not read; the problem is a whole sentence."""

    def __init__(self, mark: Any, sentence: str) -> None:
        super().__init__(problem=sentence, problem_mark=mark)


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise PipelineError([Problem(str(file), 0, 0, "", "there is no such file.")]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is none"
        raise PipelineError([Problem(str(file), 0, 0, "", f"it cannot be read: {reason}.")]) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        raise _stop(file, before, "the file is not in UTF-8: save it as UTF-8.") from None


def _stop(file: Path, before: str, sentence: str) -> PipelineError:
    lines = _LINE_BREAK.split(before)
    return PipelineError([Problem(str(file), len(lines), len(lines[-1]) + 1, "", sentence)])


def _refuse_depth(text: str) -> None:
    """Refuse nesting so deep that composing it would end the process: libyaml's binding recurses in C."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise _TooMuchError(event.start_mark, f"more than {_MAX_DEPTH} levels are nested.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refuse_expansion(root: yaml.Node) -> None:
    """Refuse aliases that stand for themselves, or that make more values or levels than anybody writes."""
    sizes: dict[int, int] = {}
    depths: dict[int, int] = {}
    waiting: list[tuple[yaml.Node, bool]] = [(root, False)]
    unfinished: set[int] = set()
    while waiting:
        node, done = waiting.pop()
        if done:
            unfinished.discard(id(node))
            held = [id(child) for child in children(node)]
            sizes[id(node)] = 1 + sum(sizes[child] for child in held)
            depths[id(node)] = 1 + max((depths[child] for child in held), default=0)
            if sizes[id(node)] > len(sizes) + _MAX_EXPANSION:
                raise _TooMuchError(node.start_mark, "its aliases stand for far too many values.")
            if depths[id(node)] > _MAX_DEPTH + 1:
                raise _TooMuchError(node.start_mark, f"more than {_MAX_DEPTH} levels are nested.")
        elif id(node) in unfinished:
            raise _TooMuchError(node.start_mark, "an alias stands for what it is part of.")
        elif isinstance(node, yaml.ScalarNode):
            sizes[id(node)], depths[id(node)] = 1, 1
        elif id(node) not in sizes:
            unfinished.add(id(node))
            waiting.append((node, True))
            waiting.extend((child, False) for child in children(node))


def _syntax_sentence(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    if isinstance(error, _TooMuchError):
        return str(error.problem)
    here = _LINE_BREAK.split(text)[line - 1]
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return "this is no valid YAML: the line is indented with a tab; use spaces."
    reasons = [reason for reason in (error.context, error.problem) if reason]
    return f"this is no valid YAML: {', '.join(reasons)}."
