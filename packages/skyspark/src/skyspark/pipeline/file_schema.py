"""The JSON Schema of a pipeline's file, for editors that complete and check YAML."""

from typing import Any, Literal

from pydantic import TypeAdapter

from skyspark.pipeline.steps_file import StepsFile
from skyspark.pipeline.tables_file import TablesFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(form: Literal["tables", "steps"] | None = None) -> dict[str, Any]:
    """Return the schema of a pipeline's file (JSON Schema 2020-12).

    Args:
        form: ``tables`` for the file with a list of tables, ``steps`` for the one with sources,
            transformations and a target; default: either.
    """
    forms: Any = {"tables": TablesFile, "steps": StepsFile, None: TablesFile | StepsFile}[form]
    schema = TypeAdapter(forms).json_schema()
    for name in ("Source", "SourceStep"):
        # The second name of a key, which pydantic leaves out.
        properties = schema["$defs"].get(name, {}).get("properties", {})
        if "format" in properties:
            properties["type"] = properties["format"]
    return {"$schema": _DIALECT, "title": "SkySpark pipeline", **schema}
