"""What a template can add to a project it has made: a table, an app, and whatever else it knows.

The pieces are the template's, in `additions/<kind>/` beside its `cookiecutter.json`. `addition.yaml` there
says what is to be done; the texts it names lie beside it. Paths and texts are Jinja in the template's own
delimiters and see the project's answers as `cookiecutter.*` and what is added as `addition.*`: `name`,
`title` (in words), `camel`, `constant`, `layer`, `tags`, `schedule`, `inputs` (what it depends on, in order,
each with `name`, `value`, `contract` and `counted`, a name for a column that the first one's contract has
not), `standalone` (it depends on nothing), `counts` (on more than one).
Keys of `addition.yaml`:

`description`
    One line.
`name`: {max_length, reserved, unique: [source]}
    What a name must not be; a source names what is taken.
`options`: {layer: {choices}, depends_on: {what, names: [source], contracts, required, same_name}, tags, …}
    The options of the command line that it takes, `schedule` too. `names` is what it can depend on;
    `contracts` the module that holds the contracts of its inputs; `required` is true or a `when`; with
    `same_name` a thing depends on the one that is called like it, where nothing else is said.
`finds`: {key: {file, base}}
    More keys of `addition`: the class in a module that derives from another, None where there is no one such.
`files`: [{path, text, if_absent}]
    What to write. A file that is there stops everything, one with `if_absent` then stays as it is.
`edits`: [{file, except, optional, …}]
    What to put into the files that match a glob (with `optional` there may be none): `item`, a file with an
    entry of the YAML list `list`; `key`, a line of a YAML mapping; `toml`, a line of the TOML table `table`;
    `statements`, a file with the end of a Python module, and its `imports`; or `field`, a line of the Python
    class that derives from `base`. `addition.stem` is the name of the file, without what follows the dot.
`next_steps`
    What to do then.

Files, edits, options and sources may have a `when`, as in `rules.py`, over answers and `addition.*` (options:
over answers). A source is `{file, list, key}` (a key of each entry of a YAML list), `{file, mapping}` (the
keys of a YAML mapping), `{file, table}` (of a TOML table) or `{file, contracts: true}` (the tables with a
contract in a Python module).
"""

import builtins
import difflib
import itertools
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mshell_cut import python_entries, rules, toml_entries, yaml_entries
from mshell_cut.errors import FileUnreadableError, RequestError, TemplateBrokenError
from mshell_cut.render import Renderer

FOLDER = "additions"
_DECLARATION = "addition.yaml"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_TAG = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
# What YAML 1.1 takes for something else than text.
_NO_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


@dataclass(frozen=True)
class Request:
    """What is to be added.

    Attributes:
        kind: the folder in `additions/`.
        name: of the new thing.
        layer: of a table.
        depends_on: what it reads or runs, in order.
        tags: of a table, or of the tables that an app makes.
        schedule: cron in UTC.
    """

    kind: str
    name: str
    layer: str | None = None
    depends_on: Sequence[str] = ()
    tags: Sequence[str] = ()
    schedule: str | None = None


@dataclass
class Plan:
    """What an addition would do to a project.

    Attributes:
        created: texts of new files, by relative path.
        changed: new texts of files that are there, in the order in which to write them.
        kept: files that it needs and that are there already.
        next_steps: what to do then.
    """

    created: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)


def kinds(template: Path) -> dict[str, str]:
    """Return the kinds that a template can add, with a line about each.

    Raises:
        TemplateBrokenError: an `addition.yaml` does not parse.
    """
    found = sorted(template.glob(f"{FOLDER}/*/{_DECLARATION}"))
    return {path.parent.name: str(_declared(path).get("description", "")) for path in found}


def plan(folder: Path, renderer: Renderer, answers: Mapping[str, Any], request: Request) -> Plan:
    """Work out what an addition does, and write nothing.

    Args:
        folder: the project.
        renderer: of the template that has the additions, at the project's version.
        answers: the project's.
        request: what to add.

    Raises:
        RequestError: the name or an option will not do, or something is in the way.
        FileUnreadableError: a file of the project that is to change cannot be read or takes no entry.
        TemplateBrokenError: the template's own fault.
    """
    there = kinds(renderer.source.path)
    if request.kind not in there:
        raise RequestError(f"The project's template adds no '{request.kind}'; it adds {', '.join(there)}.")
    known = {name: value for name, value in answers.items() if name in renderer.questionnaire.questions}
    return _Planner(folder, renderer, known, request).plan()


class _Planner:
    def __init__(
        self, folder: Path, renderer: Renderer, answers: Mapping[str, Any], request: Request
    ) -> None:
        self._folder = folder
        self._renderer = renderer
        self._answers = answers
        self._request = request
        self._pieces = renderer.source.path / FOLDER / request.kind
        self._declaration = _declared(self._pieces / _DECLARATION)
        self._addition: dict[str, Any] = {}
        self._plan = Plan()

    def plan(self) -> Plan:
        self._check_name()
        self._addition = self._described()
        for source in self._applying(self._declaration.get("name", {}).get("unique", [])):
            if self._request.name in self._names(source):
                raise RequestError(
                    f"There is a '{self._request.name}' in {source['file']} already: choose another name."
                )
        for entry in self._applying(self._declaration.get("files", [])):
            self._add_file(entry)
        for entry in self._applying(self._declaration.get("edits", [])):
            self._edit(entry)
        steps = self._declaration.get("next_steps", [])
        self._plan.next_steps = [self._render(str(step)) for step in steps]
        return self._plan

    def _check_name(self) -> None:
        name, about = self._request.name, self._declaration.get("name", {})
        longest = about.get("max_length", 60)
        if not _NAME.fullmatch(name):
            raise RequestError(
                f"'{name}' is no name: it must begin with a letter and hold lower-case letters, digits "
                "and single '_', such as silver_orders."
            )
        if len(name) > longest:
            raise RequestError(f"'{name}' is too long: a name has at most {longest} characters.")
        if keyword.iskeyword(name) or name in dir(builtins) or name in about.get("reserved", []):
            raise RequestError(
                f"'{name}' means something else in Python or in the project: choose another name."
            )

    def _described(self) -> dict[str, Any]:
        """Check the options, and return what texts see as `addition`."""
        request = self._request
        declared = self._declaration.get("options") or {}
        described: dict[str, Any] = {
            "name": request.name,
            "title": request.name.replace("_", " ").capitalize(),
            "camel": "".join(part.capitalize() for part in request.name.split("_")),
            "constant": request.name.upper(),
            "layer": None,
            "tags": list(request.tags),
            "schedule": request.schedule,
            "inputs": [],
            "standalone": True,
            "counts": False,
            **{key: self._class(about) for key, about in self._declaration.get("finds", {}).items()},
        }
        for option in ("layer", "depends_on", "tags", "schedule"):
            applies = option in declared and rules.applies(declared[option] or {}, self._answers)
            if getattr(request, option) and not applies:
                raise RequestError(
                    f"--{option.replace('_', '-')} means nothing for {request.kind} in this project."
                )
        if "layer" in declared:
            described["layer"] = self._layer(declared["layer"]["choices"])
        for tag in request.tags:
            if not _TAG.fullmatch(tag) or tag in _NO_TEXT:
                raise RequestError(
                    f"'{tag}' is no tag: it must begin with a letter and hold lower-case letters, digits "
                    "and single '-' or '_', and be no word that YAML takes for something else."
                )
        if request.schedule and not rules.is_cron(request.schedule):
            raise RequestError(
                f"--schedule '{request.schedule}' is no schedule: it must be five fields of cron, such as "
                "'0 2 * * *', with weekdays as names and not both a day of the month and a weekday."
            )
        if "depends_on" in declared:
            described["inputs"] = list(self._inputs(declared["depends_on"], described))
            described["standalone"] = not described["inputs"]
            described["counts"] = len(described["inputs"]) > 1
        return described

    def _layer(self, choices: Sequence[str]) -> str:
        given, name = self._request.layer, self._request.name
        named = next((choice for choice in choices if name.startswith(f"{choice}_")), None)
        if given and given not in choices:
            raise RequestError(f"--layer '{given}' is none: choose from {', '.join(choices)}.")
        if given and named and given != named:
            raise RequestError(
                f"'{name}' begins like a table of {named} and is to be in {given}: name it otherwise."
            )
        found = given or named
        if not found:
            raise RequestError(
                f"Which layer is '{name}' in? Say --layer {'|'.join(choices)}, or begin the name with it."
            )
        return found

    def _inputs(self, option: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        what = option.get("what", "entry")
        known: dict[str, Any] = {}
        for source in self._applying(option.get("names", [])):
            known |= self._names(source)
        wanted = list(dict.fromkeys(self._request.depends_on))
        if not wanted and option.get("same_name") and self._request.name in known:
            wanted = [self._request.name]
        required = option.get("required")
        if not wanted and (required is True or (required and rules.applies({"when": required}, described))):
            raise RequestError(
                f"What does '{self._request.name}' depend on? Name each {what} with --depends-on; "
                f"there is {', '.join(known) or 'none yet'}."
            )
        for name in wanted:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=3)
                hint = (
                    f"did you mean {' or '.join(near)}?"
                    if near
                    else f"there is {', '.join(known) or 'none'}."
                )
                raise RequestError(f"--depends-on: there is no {what} '{name}': {hint}")
        contracts = self._contracts(option["contracts"]) if wanted and "contracts" in option else None
        first = contracts.get(wanted[0]) if contracts else None
        taken = {column for column, _ in first.columns} if first else set()
        for name in wanted:
            contract = contracts.get(name) if contracts is not None else None
            if contracts is not None and contract is None:
                raise RequestError(
                    f"{option['contracts']} has no contract of the table '{name}' with its columns "
                    "one by one, which the new one is made from: add it there."
                )
            yield {
                "name": name,
                "value": known[name],
                "contract": contract,
                "counted": _free(f"rows_of_{name}", taken),
            }

    def _names(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a source names, with the value of each."""
        found: dict[str, Any] = {}
        for path in self._matching(source["file"], source.get("except", [])):
            text = self._text(path)
            if source.get("contracts"):
                found |= python_entries.contracts(text, self._folder / path)
            elif "table" in source:
                found |= _at(toml_entries.load(text, self._folder / path), source["table"], {})
            elif "mapping" in source:
                found |= _at(yaml_entries.load(text, self._folder / path), source["mapping"], {})
            else:
                entries = _at(yaml_entries.load(text, self._folder / path), source["list"], [])
                found |= {
                    str(e[source["key"]]): e for e in entries if isinstance(e, dict) and source["key"] in e
                }
        return found

    def _class(self, about: Mapping[str, str]) -> str | None:
        place = self._folder / about["file"]
        found = (
            python_entries.derived(self._text(about["file"]), about["base"], place) if place.is_file() else []
        )
        return found[0] if len(found) == 1 else None

    def _contracts(self, path: str) -> dict[str, python_entries.Contract]:
        return python_entries.contracts(self._text(path), self._folder / path)

    def _add_file(self, entry: Mapping[str, Any]) -> None:
        path = self._render(entry["path"])
        target = self._folder / path
        if target.exists() or target.is_symlink():
            if entry.get("if_absent"):
                self._plan.kept.append(path)
                return
            raise RequestError(f"{path} is there already and stays as it is: choose another name.")
        self._plan.created[path] = self._piece(entry["text"])

    def _edit(self, entry: Mapping[str, Any]) -> None:
        paths = self._matching(entry["file"], entry.get("except", []))
        if not paths and not entry.get("optional"):
            raise FileUnreadableError(
                self._folder / entry["file"], "there is no such file, which the addition goes to"
            )
        for path in paths:
            # What is written last shows that all is there.
            text = self._plan.changed.pop(path, None) or self._text(path)
            self._plan.changed[path] = self._edited(entry, path, text)

    def _edited(self, entry: Mapping[str, Any], path: str, text: str) -> str:
        name = self._folder / path
        place = {"stem": Path(path).stem}
        if "item" in entry:
            return yaml_entries.add_item(text, entry["list"], self._piece(entry["item"], place), name)
        if "key" in entry:
            return yaml_entries.add_key(text, self._render(entry["key"], place), name)
        if "toml" in entry:
            return toml_entries.add_key(text, entry["table"], self._render(entry["toml"], place), name)
        crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
        text = text.replace("\r\n", "\n") if crlf else text
        if "statements" in entry:
            made = python_entries.append(
                text, self._piece(entry["statements"], place), entry.get("imports", {}), name
            )
        elif "field" in entry:
            made = python_entries.add_field(text, entry["base"], self._render(entry["field"], place), name)
        else:
            raise TemplateBrokenError(
                f"{self._pieces / _DECLARATION}: the edit of {entry['file']} says not what to add."
            )
        return made.replace("\n", "\r\n") if crlf else made

    def _matching(self, pattern: str, without: Iterable[str]) -> list[str]:
        found = [path.relative_to(self._folder).as_posix() for path in sorted(self._folder.glob(pattern))]
        return [path for path in found if path not in set(without) and (self._folder / path).is_file()]

    def _text(self, path: str) -> str:
        place = self._folder / path
        try:
            return place.read_bytes().decode()
        except OSError as error:
            raise FileUnreadableError(place, error.strerror or "cannot be read") from None
        except UnicodeDecodeError:
            raise FileUnreadableError(place, "is not UTF-8 text") from None

    def _applying(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        known = {**self._answers, **self._addition}
        return (entry for entry in entries if rules.applies(entry, known))

    def _piece(self, path: str, place: Mapping[str, Any] | None = None) -> str:
        try:
            return self._render((self._pieces / path).read_text(encoding="utf-8"), place)
        except OSError as error:
            raise TemplateBrokenError(f"{self._pieces / path}: {error.strerror}.") from None

    def _render(self, raw: str, place: Mapping[str, Any] | None = None) -> str:
        return self._renderer.text(raw, self._answers, addition={**self._addition, **(place or {})})


def _free(name: str, taken: Iterable[str]) -> str:
    numbers = itertools.count(2)
    free = name
    while free in taken:
        free = f"{name}_{next(numbers)}"
    return free


def _declared(path: Path) -> dict[str, Any]:
    try:
        found = yaml_entries.load(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError, FileUnreadableError) as error:
        raise TemplateBrokenError(str(error)) from None
    if not isinstance(found, dict):
        raise TemplateBrokenError(f"{path} must hold a mapping.")
    return found


def _at(content: Any, path: str, default: Any) -> Any:
    for key in path.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, type(default)) else default
