"""A YAML file as plain values, with the place in the file of each of them.

Values are made from YAML's nodes here, so that nothing but plain types can come out, and so that a key given
twice, over which YAML's own constructors pass in silence, is found.
"""

from collections.abc import Collection, Iterator
from pathlib import Path as FilePath
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from skyspark.errors import suggest
from skyspark.pipeline.problems import Path, Problem, key_of
from skyspark.pipeline.yaml_nodes import compose_file

_TAG = "tag:yaml.org,2002:"
_CONSTRUCTOR = SafeConstructor()
_MAX_COMPARED = 200_000


class Whole(int):
    """A whole number that knows how it was written: where text is wanted, ``0100`` is not ``64``.

    Attributes:
        text: As in the file.
    """

    text: str


class Fraction(float):
    """A number that knows how it was written: where text is wanted, ``1.10`` is not ``1.1``.

    Attributes:
        text: As in the file.
    """

    text: str


class Document:
    """The values of one YAML file, and where they stand.

    Attributes:
        file: The file as the user named it.
        values: Mappings, lists, texts, numbers, booleans and ``None``; dates stay texts.
        has_variables: Whether there can be variables in its texts: there is a dollar sign.
        problems: What is wrong so far.
    """

    def __init__(self, file: FilePath) -> None:
        """Read a file.

        Args:
            file: YAML in UTF-8.

        Raises:
            PipelineError: It cannot be read, or is no YAML: no value can be told.
        """
        self.file = str(file)
        self.problems: list[Problem] = []
        # Places whose value could not be read: nothing more can be said of them.
        self._refused: set[Path] = set()
        self._compared = 0
        self._entries: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}
        composed = compose_file(file)
        self._root, self._lines = composed.root, composed.lines
        self.has_variables = "$" in composed.text
        self._made: dict[int, Any] = {}
        self.values = self._value(self._root, ()) if self._root is not None else None

    def add(self, path: Path, sentence: str) -> None:
        """Note a problem.

        Args:
            path: The place it is about; where that is not in the file, what it would stand in is pointed at.
            sentence: What is wrong and what to do.
        """
        path = self._as_given(path)
        if path in self._refused:
            return
        line, column = self._place(path)
        self.problems.append(Problem(self.file, line, column, key_of(path), sentence))

    def near(self, name: str, known: Collection[str]) -> str:
        """Return `` (did you mean 'x'?)`` for a near miss, else nothing, and nothing once that took long.

        Args:
            name: What the user wrote.
            known: What would have been right; each time it is compared with all of it.
        """
        self._compared += len(known)
        return suggest(name, known) if self._compared <= _MAX_COMPARED else ""

    def line_of(self, path: Path) -> int:
        """Return the line of a place, or of the closest around it.

        Args:
            path: The place.
        """
        return self._place(path)[0]

    def written(self, path: Path) -> str | None:
        """Return a scalar as it is written in the file, with its variables unreplaced.

        Args:
            path: Its place.
        """
        node = self._node(path)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def has(self, path: Path) -> bool:
        """Say whether there is anything at a place.

        Args:
            path: The place.
        """
        return self._node(self._as_given(path)) is not None

    def _node(self, path: Path) -> yaml.Node | None:
        node = self._root
        for step in path:
            node = self._step(node, step)[1]
        return node

    def _as_given(self, path: Path) -> Path:
        """Return a place as it is in the file, where a text may stand for a list of one."""
        alone = path and isinstance(path[-1], int) and isinstance(self._node(path[:-1]), yaml.ScalarNode)
        return path[:-1] if alone else path

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._made:
            return self._made[id(node)]
        made: Any
        if isinstance(node, yaml.SequenceNode):
            made = [self._value(child, (*path, i)) for i, child in enumerate(node.value)]
        else:
            self._check_keys(node, path)
            made = {
                key: self._value(value, (*path, key)) for key, (_, value) in self._of_mapping(node).items()
            }
        self._made[id(node)] = made
        return made

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind in ("str", "timestamp", "value"):
            return node.value
        try:
            if kind == "int":
                whole = Whole(_CONSTRUCTOR.construct_yaml_int(node))
                whole.text = node.value
                return whole
            if kind == "float":
                fraction = Fraction(_CONSTRUCTOR.construct_yaml_float(node))
                fraction.text = node.value
                return fraction
            if kind == "bool":
                return _CONSTRUCTOR.construct_yaml_bool(node)
        except (ValueError, KeyError):
            self._refuse(path, "this is no number that can be read: put it in quotes if it is text.")
            return node.value
        if kind == "null":
            return None
        self._refuse(path, f"the tag {node.tag.replace(_TAG, '!!')} is not known here: leave it out.")
        return node.value

    def _refuse(self, path: Path, sentence: str) -> None:
        self.add(path, sentence)
        self._refused.add(path)

    def _check_keys(self, node: yaml.Node, path: Path) -> None:
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                if not all(isinstance(part, yaml.MappingNode) for part in _merged(value)):
                    self.add((*path, "<<"), "'<<' takes over the keys of mappings: give it an alias of one.")
                continue
            if not _is_key(key):
                self._note(key, path, "a key is a text: this is none.")
                continue
            if key.value in seen:
                first = self._line(seen[key.value].start_mark)
                sentence = f"the key is given twice: the first is in line {first}."
                self._note(key, (*path, str(key.value)), sentence)
            seen.setdefault(key.value, key)

    def _note(self, node: yaml.Node, path: Path, sentence: str) -> None:
        """Note a problem of a node that no path leads to."""
        mark = node.start_mark
        self.problems.append(Problem(self.file, self._line(mark), mark.column + 1, key_of(path), sentence))

    def _line(self, mark: yaml.Mark) -> int:
        return int(min(mark.line + 1, self._lines))

    def _of_mapping(self, node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the entries of a mapping with those it merges; of two equal keys, the first."""
        found = self._entries.get(id(node))
        if found is None:
            found = {}
            for key, value in _entries(node):
                found.setdefault(key.value, (key, value))
            self._entries[id(node)] = found
        return found

    def _step(self, node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
        """Return what a step leads to: what marks its place, and the value."""
        if isinstance(node, yaml.MappingNode) and isinstance(step, str):
            return self._of_mapping(node).get(step, (None, None))
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step]
        return None, None

    def _place(self, path: Path) -> tuple[int, int]:
        """Return line and column of a place, or of the closest around it."""
        mark = self._root.start_mark if self._root is not None else None
        node = self._root
        for step in path:
            marked, node = self._step(node, step)
            if marked is None:
                break
            mark = marked.start_mark
        return (self._line(mark), mark.column + 1) if mark is not None else (1, 1)


def _merged(value: yaml.Node) -> list[yaml.Node]:
    return list(value.value) if isinstance(value, yaml.SequenceNode) else [value]


def _is_key(node: yaml.Node) -> bool:
    # What YAML takes for a boolean or a number is a name here: `on` is a key of joins.
    return isinstance(node, yaml.ScalarNode) and node.tag != f"{_TAG}null"


def _entries(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield the entries of a mapping whose keys are texts: its own before those it merges."""
    merges = []
    for key, value in node.value:
        if key.tag == f"{_TAG}merge":
            merges += [part for part in _merged(value) if isinstance(part, yaml.MappingNode)]
        elif _is_key(key):
            yield key, value
    for part in merges:
        yield from _entries(part)
