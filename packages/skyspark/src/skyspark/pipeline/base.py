"""The base of all parts of a pipeline."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Model(BaseModel):
    """Base of all parts of a pipeline: unknown keys are refused and nothing changes after loading."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_option(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
# YAML reads `header: true` as a boolean; Spark's options are strings.
Options = dict[str, Annotated[str, BeforeValidator(_as_option)]]
