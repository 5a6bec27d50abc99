"""Numbers with a fraction or an exponent, as a client has written them.

A float does not keep them (`1.10`), so the inputs of tools are sent with their text.
"""

import math

import msgspec

from gateway.fast.agents.uncommon import Uncommon


class Literal:
    """The text of such a number."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def number_of(value: object) -> float:
    """Return the number; raises `Uncommon` if it is too large for one."""
    number = float(value.text) if isinstance(value, Literal) else math.inf
    if not math.isfinite(number):
        raise Uncommon
    return number


def _as_written(value: object) -> msgspec.Raw:
    number_of(value)
    return msgspec.Raw(value.text.encode() if isinstance(value, Literal) else b"")


encode = msgspec.json.Encoder(enc_hook=_as_written).encode
"""Encodes what was decoded with `Literal` as the `float_hook`."""
