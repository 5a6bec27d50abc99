"""The base of every mapping in a configuration as written."""

from pydantic import BaseModel, ConfigDict


class Written(BaseModel):
    """A mapping in the file: unknown keys are refused, and no error shows a value."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )
