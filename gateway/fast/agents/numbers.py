"""Numbers with a fraction or an exponent, as a client has written them.

A float does not keep them (`1.10`), so the inputs of tools are sent with their text.
"""

import math

import msgspec

from gateway.fast.agents.uncommon import Uncommon


class Literal:
    """The text of such a number; raises `Uncommon` for one that is too large for a float."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        if not math.isfinite(float(text)):
            raise Uncommon
        self.text = text


def number_of(value: object) -> float:
    """Return the number; raises `Uncommon` for anything else."""
    return float(_text_of(value))


def _text_of(value: object) -> str:
    if isinstance(value, Literal):
        return value.text
    raise Uncommon


def _as_written(value: object) -> msgspec.Raw:
    return msgspec.Raw(_text_of(value).encode())


encode = msgspec.json.Encoder(enc_hook=_as_written).encode
"""Encodes what was decoded with `Literal` as the `float_hook`."""
