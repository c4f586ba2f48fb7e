"""Reads a pipeline's file, in both its forms, and finds all that is wrong with it."""

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from skyspark.errors import PipelineError, SettingsError, suggest
from skyspark.pipeline.base import as_option
from skyspark.pipeline.checks import check_pipeline
from skyspark.pipeline.document import Document
from skyspark.pipeline.drafts import PipelineDraft
from skyspark.pipeline.interpolation import InterpolationError, Variables
from skyspark.pipeline.model import Environment, Pipeline, Table
from skyspark.pipeline.problems import Path as KeyPath
from skyspark.pipeline.problems import Problem
from skyspark.pipeline.project import in_project
from skyspark.pipeline.resolution import Resolution
from skyspark.pipeline.steps_file import read_steps_file
from skyspark.pipeline.tables_file import read_tables_file

_BUILT_IN = ("env", "date")
_SETTINGS_PREFIX = "SKYSPARK_"
_STEPS_KEYS = ("pipeline", "sources", "transformations", "validation", "target")


def load_pipeline(
    config: Path | str,
    *,
    env: str = "local",
    variables: Mapping[str, str] | None = None,
    date: date | None = None,
) -> Pipeline:
    """Read a pipeline's file and check all of it.

    ``${NAME}`` in a text is replaced by the first of these that knows it: ``variables``, the file's
    ``environments.<env>.variables``, its ``variables``, the process environment. ``${env}``, ``${date}`` are
    built in. The folder in which modules of transformations were found is put on ``sys.path``; no module is
    imported.

    Args:
        config: The file.
        env: The environment of the file that applies; ``local`` need not be in it.
        variables: Values of variables.
        date: The value of ``${date}``; default: today, in UTC.

    Returns:
        The pipeline; each of its tables has its transformation, or passes its only input on.

    Raises:
        PipelineError: The file is wrong; all problems are in it, in the order of the file.
    """
    today = date or datetime.now(UTC).date()
    with _no_collection():
        document = Document(Path(config))
        reading = _Reading(document, Path(config), env, variables or {}, today.isoformat())
        pipeline = reading.pipeline()
    if document.problems or pipeline is None:
        raise PipelineError(reading.problems())
    return pipeline


@contextmanager
def _no_collection() -> Iterator[None]:
    """Switch off the collector: of a large file it would look through all values again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reading:
    """One file on its way to a pipeline."""

    def __init__(
        self, document: Document, config: Path, env: str, given: Mapping[str, str], today: str
    ) -> None:
        self._document = document
        self._config = config
        self._env = env
        self._given = given
        self._variables = Variables({"env": env, "date": today}, given, {}, os.environ)
        self._today = today

    def problems(self) -> list[Problem]:
        """Return what is wrong, in the order of the file and without values of the process environment."""
        found = dict.fromkeys(self._document.problems)
        hidden = [replace(problem, sentence=self._variables.hide(problem.sentence)) for problem in found]
        return sorted(
            hidden, key=lambda one: (one.file != self._document.file, one.file, one.line, one.column)
        )

    def pipeline(self) -> Pipeline | None:
        """Return the pipeline, or ``None`` after a problem."""
        values = self._document.values
        if not isinstance(values, dict):
            found = "the file is empty" if values is None else "the file holds no keys"
            self._document.add((), f"{found}: give tables, or sources and a target.")
            return None
        self._set_variables(values)
        values = self._replaced(values)
        draft = self._draft(values)
        if draft is None:
            return None
        resolution = Resolution(draft, self._config, self._variables)
        tables = resolution.tables()
        pipeline = self._whole(draft, [one.table for one in tables])
        check_pipeline(draft, tables, pipeline)
        if not self._document.problems:
            resolution.finder.put_on_path()
        return pipeline

    def _draft(self, values: dict[str, Any]) -> PipelineDraft | None:
        steps = [key for key in _STEPS_KEYS if key in values]
        if "tables" in values and steps:
            self._document.add(
                (steps[0],), "a file has either tables, or sources, transformations and a target."
            )
        elif "tables" in values:
            return read_tables_file(self._document, values)
        elif steps:
            return read_steps_file(self._document, values)
        else:
            keys = ("tables", *_STEPS_KEYS)
            near, key = next(((near, key) for key in values if (near := suggest(key, keys))), ("", None))
            self._document.add(
                () if key is None else (key,),
                f"there are no tables{near}: give tables, or sources and a target.",
            )
        return None

    def _set_variables(self, values: dict[str, Any]) -> None:
        """Learn the variables of the file; note those that have no value where they stand."""
        environments = values.get("environments")
        environments = environments if isinstance(environments, dict) else {}
        if environments and self._env not in (*environments, "local"):
            self._document.add(
                ("environments",),
                f"there is no environment '{self._env}'{suggest(self._env, environments)}: "
                f"use one of {', '.join(environments)}.",
            )
        own = environments.get(self._env)
        in_file = self._settings(values.get("settings"))
        places: dict[str, KeyPath] = dict.fromkeys(in_file, ("settings",))
        for section, at in ((values, ()), (own, ("environments", self._env))):
            given = section.get("variables") if isinstance(section, dict) else None
            for name, value in given.items() if isinstance(given, dict) else ():
                in_file[name] = str(as_option(value))
                places[name] = (*at, "variables", name)
        for name in [name for name in in_file if name in _BUILT_IN]:
            self._document.add(places[name], f"${{{name}}} is built in: choose another name.")
            del in_file[name]
        for name in [name for name in self._given if name in _BUILT_IN]:
            self._document.add((), f"${{{name}}} is built in: give --{name} instead of --var {name}.")
        self._variables = Variables({"env": self._env, "date": self._today}, self._given, in_file, os.environ)
        for name in list(in_file):
            if name not in self._given:
                try:
                    self._variables.replace(f"${{{name}}}")
                except InterpolationError as error:
                    self._document.add(places[name], str(error))
                    # Said once, where it stands: not again in all places that use it.
                    in_file[name] = ""

    def _settings(self, folder: Any) -> dict[str, str]:
        """Return the application's settings as variables; the process environment wins, as it does there."""
        if not isinstance(folder, str):
            return {}
        # It brings pydantic-settings, which takes a while and which most files need not.
        from skyspark.settings import read_settings

        path = in_project(self._config, folder)
        if path is None:
            self._document.add(("settings",), "the folder is outside of the project.")
            return {}
        try:
            values = read_settings(path, self._env)
        except SettingsError as error:
            self._document.add(("settings",), str(error))
            return {}
        # The files of settings know no variables: a dollar sign there is one.
        texts = {name: as_option(value) for name, value in values.items()}
        found = {name: text.replace("$", "$$") for name, text in texts.items() if isinstance(text, str)}
        for name in {*texts, "catalog", "schema_name"}:
            if (own := f"{_SETTINGS_PREFIX}{name.upper()}") in os.environ:
                found[name] = f"${{{own}}}"
        return found

    def _replaced(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with variables replaced, but for those of other environments."""
        if not self._document.has_variables:
            return values
        made: dict[str, Any] = {}
        for key, value in values.items():
            if key == "variables":
                made[key] = value
            elif key == "environments" and isinstance(value, dict):
                made[key] = {
                    name: self._replace(one, (key, name)) if name == self._env else one
                    for name, one in value.items()
                }
            else:
                made[key] = self._replace(value, (key,))
        return made

    def _replace(self, value: Any, at: KeyPath) -> Any:
        if isinstance(value, str):
            try:
                return self._variables.replace(value)
            except InterpolationError as error:
                self._document.add(at, str(error))
                return value
        if isinstance(value, list):
            return [self._replace(one, (*at, i)) for i, one in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._replace(one, (*at, key)) for key, one in value.items()}
        return value

    def _whole(self, draft: PipelineDraft, tables: list[Table]) -> Pipeline:
        """Return the pipeline in its environment."""
        environment = draft.surroundings.environments.get(self._env, Environment())
        header = draft.header
        schema = environment.schema_name or header.schema_name
        return Pipeline(
            name=header.name or self._config.stem,
            description=header.description,
            # Where there is no catalog, as on a laptop, its variable is empty.
            catalog=environment.catalog or header.catalog or None,
            # Left unset where the file names none: a declarative engine then has a schema of its own.
            **({"schema": schema} if schema else {}),
            storage=environment.storage or header.storage,
            module_root=header.module_root,
            mode=header.mode,
            spark={**draft.surroundings.spark, **environment.spark},
            tables=tuple(tables),
        )
