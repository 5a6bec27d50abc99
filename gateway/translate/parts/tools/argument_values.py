"""The value of a text that should be JSON: the arguments of a call."""

import json
import math
from typing import Any

import msgspec

from gateway.envelopes.upstream_json import whole_characters


def arguments_value(text: str) -> Any:
    """Return the value of a JSON text, which can be encoded as valid JSON.

    Halves of characters, which programs and models escape, become U+FFFD; pairs are joined. Raises
    `NOT_JSON` of `upstream_json`, also for a number that no double holds.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        # Half of a surrogate pair is JSON, which only Python's decoder takes.
        return whole_characters(json.loads(text, parse_constant=_refuse, parse_float=_finite))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value
