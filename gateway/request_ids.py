"""Request ids: `x-request-id`, which a client, a gateway or an upstream gives to a request."""

import random
import re
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

from gateway.shapes import ClientHeaders, RawHeaders

HEADER: Final = b"x-request-id"

_USABLE = re.compile(rb"[!#-\[\]-~]{1,128}")
"""Visible ASCII without quotes and backslashes: it is safe in headers, logs and JSON."""
_getrandbits = random.getrandbits
_FIRST_HALF = str(uuid4())[:20]
"""Up to the digit that has the variant."""

OUTGOING: ContextVar[bytes] = ContextVar("outgoing_request_id", default=b"")
"""The id that the current request's upstream calls carry, as a header line; empty where the
client's own field is forwarded. A context variable, since a request's calls are made by many
layers, and all of them carry it."""


def new_id() -> str:
    """Return a new id: unique, but no secret.

    A random UUID (RFC 9562 section 5.4), since some servers (llama-cpp-python) refuse other ids.
    Half of it is drawn at start, and the other half without the kernel, whom `uuid` asks each time.
    """
    return _FIRST_HALF + "%03x-%012x" % (  # noqa: UP031 - the fastest
        _getrandbits(12),
        _getrandbits(48),
    )


def usable(value: bytes) -> str:
    """Return an id that somebody else has given; empty if it is too long or has odd characters."""
    return value.decode("ascii") if _USABLE.fullmatch(value) else ""


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
    return b"x-request-id: %b\r\n" % request_id.encode("ascii") if request_id else b""
