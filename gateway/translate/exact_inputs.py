"""Tool inputs of a messages request, with numbers as the client has written them.

A float does not keep them: `1.10` becomes `1.1`, and digits after the seventeenth are lost.
"""

import re
from typing import Any

import msgspec

from gateway.shapes import Json

_INDEX = re.compile(r"\[(\d+)\]")
"""The indexes of a message and of its block: `messages[1].content[0]`."""


_HOLDING = frozenset({dict, list})


class _Literal:
    """The text of a number that has a fraction or an exponent."""

    def __init__(self, text: str) -> None:
        self.text = text


_decode = msgspec.json.Decoder(float_hook=_Literal).decode


def _as_written(value: _Literal) -> msgspec.Raw:
    return msgspec.Raw(value.text.encode())


_encode = msgspec.json.Encoder(enc_hook=_as_written).encode


class ExactInputs:
    """The tool inputs of one request; its body is parsed again once an input has a float."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._messages: list[Json] | None = None

    def text_of(self, use: Json, path: str) -> str | None:
        """Return the input of the `tool_use` block at a path as compact JSON, or None.

        `use` is the block after its check. None: it has no floats, and integers are exact anyway.
        """
        if not _has_float(use["input"]):
            return None
        if self._messages is None:
            self._messages = _decode(self._body)["messages"]
        message, index = map(int, _INDEX.findall(path))
        block: Json = self._messages[message]["content"][index]
        return _encode(block["input"]).decode()


def _has_float(value: Json) -> bool:
    """Whether there is a float in an object, at any depth."""
    waiting: list[Any] = [value]
    while waiting:
        inner = waiting.pop()
        values = inner.values() if isinstance(inner, dict) else inner
        kinds = set(map(type, values))
        if float in kinds:
            return True
        if not kinds.isdisjoint(_HOLDING):
            waiting += [each for each in values if type(each) in _HOLDING]
    return False
