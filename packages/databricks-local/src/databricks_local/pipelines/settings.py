"""What a pipeline's settings must be like, and what the service fills in.

Fields and rules: https://docs.databricks.com/api/workspace/pipelines/create
"""

import re
from collections.abc import Mapping
from typing import Any

from databricks_local.errors import invalid, not_imitated

REQUEST_ONLY = ("allow_duplicate_names", "dry_run", "expected_last_modified", "parameters", "run_as")
"""Fields of a request that are no part of the spec that the API shows."""

_UNIMITATED = {
    "continuous": "continuous pipelines: run it by a job with a schedule",
    "gateway_definition": "ingestion gateways",
    "ingestion_definition": "managed ingestion pipelines",
    "parameters": "parameters of pipelines: use configuration",
    "restart_window": "restart windows, which are for continuous pipelines",
    "trigger": "triggers of pipelines: run it by a job with a schedule",
}
_MOST_TAGS = 25
_LIBRARIES = ("file", "glob", "notebook")
_SCHEMA = re.compile(r"[\w\-]+")


def spec_of(given: Mapping[str, Any], pipeline_id: str) -> dict[str, Any]:
    """Return the checked spec of a pipeline with what the service fills in.

    Args:
        given: The fields of a request to create or edit, known and of the right types.
        pipeline_id: Its id.

    Raises:
        ApiError: 400: something is not accepted; 501: something is not imitated.
    """
    spec = {name: value for name, value in given.items() if name not in REQUEST_ONLY}
    for field, what in _UNIMITATED.items():
        if given.get(field):
            raise not_imitated(what)
    if not spec.get("name"):
        raise invalid("Pipeline name must not be empty.")
    _check_place(spec)
    _check_libraries(spec.get("libraries", []))
    if len(spec.get("tags", {})) > _MOST_TAGS:
        raise invalid(f"A pipeline can have at most {_MOST_TAGS} tags, not {len(spec['tags'])}.")
    if spec.get("serverless") and spec.get("clusters"):
        raise invalid("You cannot provide cluster settings when using serverless compute.")
    root = spec.get("root_path")
    if root is not None and not root.startswith("/"):
        raise invalid(f"root_path must be an absolute path of the workspace, not '{root}'.")
    spec["id"] = pipeline_id
    spec.setdefault("channel", "CURRENT")
    spec.setdefault("continuous", False)
    spec.setdefault("development", False)
    if not spec.get("catalog"):
        spec.setdefault("storage", f"dbfs:/pipelines/{pipeline_id}")
    return spec


def _check_place(spec: Mapping[str, Any]) -> None:
    schema, target = spec.get("schema"), spec.get("target")
    if schema and target:
        raise invalid("Exactly one of schema or target must be specified, not both.")
    for field in ("schema", "target"):
        name = spec.get(field)
        if name is not None and not _SCHEMA.fullmatch(name):
            raise invalid(
                f'CreatePipeline target_schema_name "{name}" is not a valid name. Valid names must contain '
                "only alphanumeric characters and underscores, and cannot contain spaces, periods, forward "
                "slashes, or control characters."
            )
    if spec.get("catalog") and spec.get("storage"):
        raise invalid("You can not specify storage when a catalog is specified: its tables are managed.")
    if spec.get("serverless") and not spec.get("catalog"):
        raise invalid("Serverless compute needs Unity Catalog: specify a catalog.")


def _check_libraries(libraries: list[Mapping[str, Any]]) -> None:
    kinds = set()
    for library in libraries:
        kind, *more = [name for name, value in library.items() if value] or [""]
        if not kind or more:
            raise invalid("Each library must have exactly one of file, glob and notebook.")
        if kind not in _LIBRARIES:
            raise not_imitated(f"libraries of pipelines of the kind {kind}")
        kinds.add(kind)
        place = library[kind].get("include" if kind == "glob" else "path")
        if not place or not place.startswith("/"):
            raise invalid(
                f"A {kind} library must name an absolute path of the workspace, not '{place or ''}'."
            )
        if kind == "glob" and re.search(r"[*?\[]", place.removesuffix("/**")):
            raise invalid(
                f"A glob library names a file, or a folder by ending in /**; '{place}' does neither."
            )
    if "glob" in kinds and len(kinds) > 1:
        raise invalid("A pipeline with glob libraries can have no file or notebook libraries.")
