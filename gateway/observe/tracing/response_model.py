"""Finds the model that has answered, as an upstream names it: `model` of a reply or an event."""

import msgspec

from gateway.exchange.bodies.unreadable_body import UNREADABLE

_LONGEST_REPLY = 64 * 1024
"""The longest reply, in bytes, that is decoded only to find its model."""
_LONGEST_NAME = 256
_DATA = b"data:"


class _Response(msgspec.Struct, gc=False):
    model: str = ""


class _Reply(msgspec.Struct, gc=False):
    model: str = ""
    response: _Response | None = None
    """In events of `/v1/responses`."""


_decoder = msgspec.json.Decoder(_Reply)


def response_model(beginning: bytes) -> str:
    """Return the name in a whole reply or in the first event of a stream; empty if there is none.

    `beginning` is the body's beginning, for which `shows_model` is true. Never raises.
    """
    text = beginning
    if not text.startswith(b"{"):
        text = _first_data(text)
    if not text or len(text) > _LONGEST_REPLY:
        return ""
    try:
        reply = _decoder.decode(text)
    except UNREADABLE:
        return ""
    name = reply.model or (reply.response.model if reply.response is not None else "")
    return name[:_LONGEST_NAME]


def shows_model(beginning: bytes) -> bool:
    """Whether a body's beginning shows the model, or the rest of the body would not show it."""
    if len(beginning) > _LONGEST_REPLY:
        return True
    return not beginning.startswith(b"{") and bool(_first_data(beginning))


def _first_data(beginning: bytes) -> bytes:
    """Return the data of the first event, if all of its first line is here."""
    for line in beginning[: 2 * _LONGEST_REPLY].splitlines(keepends=True):
        if line.startswith(_DATA) and line.endswith((b"\r", b"\n")):
            return line[len(_DATA) :].strip()
    return b""
