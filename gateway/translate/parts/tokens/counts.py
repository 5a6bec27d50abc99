"""Which values count as a number of tokens: clients' types have whole numbers.

Servers in JavaScript or Lua may write them as `5.0`. Anything but a whole number (`2.5`, `-1`,
`true`, `"5"`) is not a count, and is left out as if it were missing.
"""

from typing import Final

LARGEST_COUNT: Final = 2**53
"""The largest whole number that every JSON reader keeps exact; a larger one is not a count."""


def token_count(value: object) -> int | None:
    """Return a number of tokens as an integer; None: the value is not one."""
    if (type(value) is int or type(value) is float) and 0 <= value <= LARGEST_COUNT:
        whole = int(value)
        return whole if whole == value else None
    return None


def counts_tokens(name: str) -> bool:
    """Whether a field of a usage is by its name a number of tokens; others may be costs."""
    return name.endswith("_tokens")
