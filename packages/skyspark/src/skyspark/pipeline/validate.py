"""Dry-runs a pipeline on Spark's declarative engine, wherever there is one."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyspark.errors import EnvironmentNotReadyError, JarsNotFoundError, PipelineError
from skyspark.identifiers import TableName
from skyspark.jars import find_jars
from skyspark.pipeline.declarative import dataset_name
from skyspark.pipeline.document import Document
from skyspark.pipeline.engine_python import ENGINE_LINE, engine_python
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import Plan
from skyspark.pipeline.problems import Path as KeyPath
from skyspark.pipeline.problems import Problem
from skyspark.pipeline.sql import generate
from skyspark.versions import installed_spark

_TIMEOUT = 1800
# The engine's own packages come first; what its environment lacks is taken from this one, of the same Python.
_START = """\
import json, sys
if list(sys.version_info[:2]) == json.loads(sys.argv[1]):
    sys.path += [path for path in json.loads(sys.argv[2]) if path not in sys.path]
from skyspark.pipeline.dry_run import main
main(sys.argv[3:])
"""
_ABOUT = re.compile(r"table '(?P<table>.+?)': ")
_MISSING = re.compile(r"\[TABLE_OR_VIEW_NOT_FOUND\] The table or view (?P<name>\S+) cannot be found")
_CONDITION = re.compile(r"\[[A-Z0-9_.]+\] ")
_END = re.compile(r"\s*SQLSTATE: \w+.*|;\s*line \d+ pos \d+.*|;\n.*", re.DOTALL)


@dataclass(frozen=True)
class Validation:
    """What came of a dry run.

    Attributes:
        spark: The version of Spark that judged.
        problems: What it does not accept.
        notes: What was rewritten to suit it.
    """

    spark: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def validate(plan: Plan, config: Path, *, registered: bool = False, say: Callable[[str], None]) -> Validation:
    """Ask a real engine whether it accepts the tables of a plan; nothing is written.

    Catalogs are left out, as a laptop has none.

    Args:
        plan: The tables.
        config: The file they were loaded from, for the lines of problems.
        registered: Judge the datasets that ``skyspark.lakeflow.register`` defines, not the generated SQL.
        say: Told what takes long.

    Raises:
        EnvironmentNotReadyError: There is no engine and none can be made, or Spark does not start.
        StreamingError: Tables ask of a stream what streaming cannot do.
    """
    plan = _without_catalogs(plan)
    notes: tuple[str, ...] = ()
    files: list[str] | None = None
    if not registered:
        try:
            generated = generate(plan, "spark", per_table=True)
        except PipelineError as error:
            return Validation("", _placed(config, plan, map(str, error.problems)))
        files = [file.text for file in generated]
        notes = tuple(note for file in generated for note in file.notes)
    python = engine_python(say)
    _announce(python, say)
    answer = _ask(python, plan, files)
    problems = answer["problems"]
    # What reads a table that could not be defined does not find it: that is no problem of its own.
    own = [problem for problem in problems if not _misses_table_of(plan.pipeline, problem["reason"])]
    sentences = (_sentence(plan, problem["dataset"], problem["reason"]) for problem in own or problems)
    return Validation(answer["spark"], _placed(config, plan, sentences), notes)


def _without_catalogs(plan: Plan) -> Plan:
    tables = tuple(
        table.model_copy(update={"target": table.target.model_copy(update={"catalog": None})})
        for table in plan.pipeline.tables
    )
    pipeline = plan.pipeline.model_copy(update={"catalog": None, "tables": tables})
    return Plan(pipeline, plan.stages, plan.upstream)


def _announce(python: Path, say: Callable[[str], None]) -> None:
    line = installed_spark() if python == Path(sys.executable) else ENGINE_LINE
    try:
        find_jars(line)
    except JarsNotFoundError:
        say(f"fetching Delta {line.delta} for Spark {line.name}, once …")
    say(f"starting {python} …")


def _ask(python: Path, plan: Plan, files: list[str] | None) -> dict[str, Any]:
    request = {
        # What the file does not say stays unsaid: a table without a schema has a name of one part.
        "pipeline": plan.pipeline.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "tables": [table.name for table in plan.tables],
        "files": files,
    }
    with tempfile.TemporaryDirectory(prefix="skyspark-validate-") as folder:
        asked, answered = Path(folder) / "request.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        here = [str(Path(path).absolute()) for path in sys.path]
        start = [_START, json.dumps(sys.version_info[:2]), json.dumps(here)]
        try:
            done = subprocess.run(
                [str(python), "-c", *start, str(asked), str(answered)],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EnvironmentNotReadyError(f"Spark did not answer within {_TIMEOUT} s.") from None
        if not answered.is_file():
            said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
            raise EnvironmentNotReadyError(
                f"{python} ended before Spark answered ({said[-1].strip()[:300]}): it needs "
                f"'skyspark[{ENGINE_LINE.extra},connect]'."
            )
        answer: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    if "error" in answer:
        raise EnvironmentNotReadyError(answer["error"])
    return answer


def _sentence(plan: Plan, dataset: str | None, reason: str) -> str:
    said = next((line.strip() for line in reason.splitlines() if line.strip()), "no reason given")
    said = _END.sub("", _CONDITION.sub("", said)).rstrip()
    table = _table_of(plan.pipeline, dataset) if dataset else None
    return f"table '{table}': {said}" if table else said


def _misses_table_of(pipeline: Pipeline, reason: str) -> bool:
    found = _MISSING.match(reason.strip())
    if found is None:
        return False
    name = TableName.parse(found["name"]).parts
    datasets = (TableName.parse(dataset_name(pipeline, table)).parts for table in pipeline.tables)
    return any(name[-len(parts) :] == parts for parts in datasets)


def _table_of(pipeline: Pipeline, dataset: str) -> str:
    """Return the table that a dataset is, or was made for, such as the view of its source."""
    last = TableName.parse(dataset).parts[-1].casefold()
    names = {TableName.parse(dataset_name(pipeline, t)).parts[-1].casefold(): t.name for t in pipeline.tables}
    names |= {table.name.casefold(): table.name for table in pipeline.tables}
    made_for = [name for name in names if last == name or last.startswith(f"{name}_")]
    return names[max(made_for, key=len)] if made_for else dataset


def _placed(config: Path, plan: Plan, sentences: Iterable[str]) -> tuple[Problem, ...]:
    """Return sentences with the lines of the tables that they are about."""
    document = Document(config)
    for sentence in sentences:
        about = _ABOUT.match(sentence)
        at = (
            _place(document.values, about["table"])
            if about and about["table"] in plan.pipeline.by_name
            else ()
        )
        document.add(at, sentence)
    return tuple(sorted(document.problems, key=lambda problem: problem.line))


def _place(values: Any, table: str) -> KeyPath:
    for key in ("tables", "sources", "transformations"):
        entries = values.get(key) if isinstance(values, dict) else None
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and entry.get("name") == table:
                return (key, i)
    return ("target",) if isinstance(values, dict) and "target" in values else ()
