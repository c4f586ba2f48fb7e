"""Settings of an application: YAML files for each environment, environment variables on top."""

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from skyspark.errors import SettingsError, suggest
from skyspark.identifiers import TableName

_ENV_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)


class Settings(BaseSettings):
    """What every application needs to know; subclass it for more.

    Attributes:
        env: The environment: ``local``, ``dev``, ``prod``, or any other that has a settings file.
        catalog: Unity Catalog's catalog; ``None`` where there is none, as on a laptop.
        schema_name: The schema of the application's tables.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="SKYSPARK_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    env: str = "local"
    catalog: str | None = None
    schema_name: str

    def table(self, name: str) -> str:
        """Return the full name of one of the application's tables, quoted where needed.

        Args:
            name: The table's own name, without schema.

        Returns:
            ``catalog.schema.name``, or ``schema.name`` without a catalog.

        Raises:
            TableNameError: A part holds a character no name may hold.
        """
        parts = (self.schema_name, name) if self.catalog is None else (self.catalog, self.schema_name, name)
        return str(TableName.of(*parts))


S = TypeVar("S", bound=Settings)


def load_settings(settings_type: type[S], package_or_dir: str | Path, env: str) -> S:
    """Read the settings of one environment.

    A value in an environment variable (``SKYSPARK_CATALOG``; nested: ``SKYSPARK_LIMITS__ROWS``) wins over
    ``settings/{env}.yaml``, which wins over ``settings/base.yaml``; mappings are merged key by key.

    Args:
        settings_type: The class to fill.
        package_or_dir: An import package or a folder that holds ``settings/``.
        env: The environment. ``local`` may do without a file of its own.

    Raises:
        SettingsError: A file is missing or no YAML mapping, or the values do not fit the class; values are
            never shown, they may be secret.
    """
    folder = _folder(package_or_dir)
    values = read_settings(package_or_dir, env)
    try:
        values = _merge(values, EnvSettingsSource(settings_type)())
    except SourceError as error:
        raise SettingsError(f"a {settings_type.model_config.get('env_prefix')}* variable: {error}") from None
    try:
        return settings_type(**values | {"env": env})
    except ValidationError as error:
        raise SettingsError(_explain(error, settings_type, f"{folder}/{env}.yaml")) from None


def read_settings(package_or_dir: str | Path, env: str) -> dict[str, Any]:
    """Return what the files of one environment say: ``settings/{env}.yaml`` over ``settings/base.yaml``.

    Args:
        package_or_dir: An import package or a folder that holds ``settings/``, or that folder itself.
        env: The environment. ``local`` may do without a file of its own.

    Raises:
        SettingsError: A file is missing or no YAML mapping.
    """
    if not _ENV_NAME.fullmatch(env):
        raise SettingsError(f"'{env}' is no environment: its name is made of letters, digits, '_' and '-'.")
    folder = _folder(package_or_dir)
    values: dict[str, Any] = {}
    for name in ("base", env):
        values = _merge(values, _read(folder, name, required=name == env and env != "local"))
    return values


def _folder(package_or_dir: str | Path) -> Traversable:
    if isinstance(package_or_dir, Path):
        root: Traversable = package_or_dir
    else:
        try:
            root = files(package_or_dir)
        except ModuleNotFoundError:
            raise SettingsError(
                f"there is no package '{package_or_dir}' to read settings from: install the project, or name "
                "the package in the application's 'resources'."
            ) from None
    nested = root / "settings"
    return nested if nested.is_dir() else root


def _read(folder: Traversable, name: str, *, required: bool) -> dict[str, Any]:
    file = folder / f"{name}.yaml"
    if not file.is_file():
        if not required:
            return {}
        known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
        known = [k for k in known if k != "base"]
        raise SettingsError(
            f"environment '{name}' has no settings{suggest(name, known)}: there is no {file}; "
            f"known environments are {', '.join(known) or 'none'}."
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f" line {place.line + 1}" if place else ""
        raise SettingsError(
            f"{file}{line} is not valid YAML: {getattr(error, 'problem', 'no UTF-8 text')}."
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise SettingsError(f"{file} must hold 'name: value' lines, not a {type(content).__name__}.")
    return content


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _explain(error: ValidationError, settings_type: type[Settings], where: str) -> str:
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(map(str, problem["loc"])) or settings_type.__name__
        if problem["type"] == "missing":
            found.append(f"'{name}' is missing")
        elif problem["type"] == "extra_forbidden":
            found.append(f"'{name}' is unknown{suggest(name, settings_type.model_fields)}")
        else:
            found.append(f"'{name}': {problem['msg'][0].lower()}{problem['msg'][1:]}")
    return f"settings in {where}: {'; '.join(found)}."
