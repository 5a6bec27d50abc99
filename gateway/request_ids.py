"""Request ids: `x-request-id`, which a client, a gateway or an upstream gives to a request."""

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

from gateway.shapes import ClientHeaders, RawHeaders

HEADER: Final = b"x-request-id"
ANTHROPICS_HEADER: Final = b"request-id"
"""The field in which Anthropic's clients look for a request's id."""

_USABLE = re.compile(rb"[!#-\[\]-~]{1,128}")
"""Visible ASCII without quotes and backslashes: it is safe in headers, logs and JSON."""
_NAME: Final = b"x-request-id: "
_ENDINGS: Final = [b"%03x\r\n" % number for number in range(16**3)]
"""The last digits of the ids that begin alike."""

OUTGOING: ContextVar[bytes] = ContextVar("outgoing_request_id", default=b"")
"""The id that the current request's upstream calls carry, as a header line; empty where the
client's own field is forwarded. A context variable, since a request's calls are made by many
layers, and all of them carry it."""


def new_line() -> bytes:
    """Return a new id as a line of a head: unique, but no secret.

    A UUID of version 4 (RFC 9562 section 5.4), since some servers (llama-cpp-python) refuse other
    ids. It is drawn for 4,096 requests at a time, which differ in its last three digits.
    """
    if not _lines:
        beginning = _NAME + str(uuid4())[:-3].encode()
        _lines.extend([beginning + ending for ending in _ENDINGS])
    return _lines.pop()


_lines: list[bytes] = []
"""Lines that are drawn and not used yet."""
# A forked process must not repeat those of its parent.
os.register_at_fork(after_in_child=_lines.clear)


def usable(value: bytes) -> str:
    """Return an id that somebody else has given; empty if it is too long or has odd characters."""
    return value.decode("ascii") if _USABLE.fullmatch(value) else ""


def usable_line(value: bytes) -> bytes:
    """Return an id that somebody else has given, as a line of a head; empty like `usable`."""
    return _NAME + value + b"\r\n" if _USABLE.fullmatch(value) else b""


def line_among(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a server's id among the fields of its reply, as a line of a head; empty: it has none.

    Anthropic's servers have it in a field of another name.
    """
    line = anthropics = b""
    for name, value in fields:
        if name == HEADER:
            line = usable_line(value) or line
        elif name == ANTHROPICS_HEADER:
            anthropics = usable_line(value) or anthropics
    return line or anthropics


def given_id(headers: RawHeaders) -> str:
    """Return the client's id; empty if there is none, more than one, or one that is not usable."""
    values = [value for name, value in headers if name == HEADER]
    return usable(values[0]) if len(values) == 1 else ""


def without_unusable(headers: ClientHeaders, given: str) -> ClientHeaders:
    """Return the fields without an id that is not usable, which no upstream may get."""
    if given or all(name != HEADER for name, _ in headers):
        return headers
    return ClientHeaders(field for field in headers if field[0] != HEADER)


def header_line(request_id: str) -> bytes:
    """Return an id as a line of a head; nothing for no id."""
    return _NAME + request_id.encode("ascii") + b"\r\n" if request_id else b""


def has_anthropics(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether there is an id for Anthropic's clients among the fields of a reply."""
    return any(name == ANTHROPICS_HEADER for name, _ in fields)


def anthropics_line(line: bytes) -> bytes:
    """Return the line of a head that has the same id in the field of Anthropic's clients."""
    return line[len(HEADER) - len(ANTHROPICS_HEADER) :]


def id_in(line: bytes) -> str:
    """Return the id in a line of a head; empty without one."""
    return line[len(_NAME) : -2].decode("ascii")
