"""Objects without content.

Programs in Go write a structure that was never filled with all its fields, as Snowflake's Cortex
does: `"function_call": {"name": "", "arguments": ""}`, `"audio": {"id": "", "expires_at": 0, …}`.
"""


def is_blank(value: object) -> bool:
    """Whether a value is empty, or an object with nothing but empty values."""
    if isinstance(value, dict):
        return not any(value.values())
    return not value
