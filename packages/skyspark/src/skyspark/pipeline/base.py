"""The base of all parts of a pipeline."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


class Model(BaseModel):
    """Base of all parts of a pipeline: unknown keys are refused and nothing changes after loading."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


class KeyConflictError(ValueError):
    """Values of a mapping that are each right do not go together.

    Attributes:
        key: The key of the mapping that is to blame.
    """

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def as_option(value: Any) -> Any:
    """Return a scalar of YAML as Spark's options want it: as a text.

    Args:
        value: A text, a number or a boolean; anything else is returned as it is.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        # Numbers of a file know how they were written: the version 1.10 is not 1.1.
        return getattr(value, "text", None) or str(value)
    return value


def plain(value: Any) -> Any:
    """Return a value of a file without what it knows of how it was written.

    Args:
        value: A scalar, or lists and mappings of scalars.
    """
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _texts(least: int) -> dict[str, Any]:
    several: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    return {"anyOf": [{"type": "string"}, {**several, "minItems": least} if least else several]}


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), WithJsonSchema(_texts(0))]
SomeNames = Annotated[
    tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1), WithJsonSchema(_texts(1))
]
# YAML reads `header: true` as a boolean; Spark's options are strings.
Option = Annotated[str, BeforeValidator(as_option), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Options = dict[str, Option]
