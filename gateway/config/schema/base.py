"""What every mapping of the schema is based on, and what its checks may look at."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo

from gateway.config.reading.files import Files


class BaseConfig(BaseModel):
    """A mapping in the file: unknown keys are refused, and no error shows a value."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """What a check may need to know beside the value itself."""

    files: Files
    upstreams: frozenset[str] | None
    """The names of the configured upstreams; None if they cannot be read."""


def one_as_list(value: Any) -> Any:
    """Return a single text as a list of it; anything else is left to the check of the list."""
    return [value] if isinstance(value, str) else value


def context_of(info: ValidationInfo) -> ValidationContext:
    """Return the context that the validation was called with. Raises `TypeError` without one."""
    context = info.context
    if not isinstance(context, ValidationContext):
        raise TypeError("validate with context=ValidationContext(…)")
    return context
