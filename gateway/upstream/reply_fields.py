"""Selects the header fields of an upstream's reply that are relayed, by a deny-list.

Replies carry rate limits, request ids and the like under any name, and clients read them.
"""

from collections.abc import Iterable
from functools import lru_cache

from gateway.headers import HOP_BY_HOP, named_in_connection
from gateway.shapes import RawHeaders

_NOT_IN_REPLIES = HOP_BY_HOP | {
    b"set-cookie",
    b"set-cookie2",
    b"alt-svc",
    b"strict-transport-security",
    b"server",
    b"date",
}
_NOT_IN_REPLIES_PREFIXES = (b"x-accel-", b"x-gateway-")


def reply_headers(raw: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """Return the fields of an upstream's reply that its receiver may see, names in lower case.

    `content-length` stays, as information: the body is relayed as it came.
    """
    return read_reply_fields(raw)[0]


def read_reply_fields(
    raw: Iterable[tuple[bytes, bytes]],
) -> tuple[RawHeaders, list[bytes], bool]:
    """Go through the fields of a reply's head once, for its receiver and for its framing.

    Returns those that are relayed (see `reply_headers`), the values of `Transfer-Encoding`, and
    whether there is a `Content-Length`.
    """
    relayed: list[tuple[bytes, bytes]] = []
    codings: list[bytes] = []
    named: frozenset[bytes] = frozenset()
    has_length = False
    for name, value in raw:
        lower = relayed_name(name)
        if lower is not None:
            relayed.append((lower, value))
            if lower == b"content-length":
                has_length = True
            continue
        lower = name.lower()
        if lower == b"transfer-encoding":
            codings.append(value)
        elif lower == b"connection":
            named |= named_in_connection(((b"connection", value),))
    if named:
        relayed = [field for field in relayed if field[0] not in named]
    return tuple(relayed), codings, has_length


@lru_cache(maxsize=1024)
def relayed_name(name: bytes) -> bytes | None:
    """Return the name under which a reply's field is relayed; None if it is not."""
    lower = name.lower()
    if lower in _NOT_IN_REPLIES or lower.startswith(_NOT_IN_REPLIES_PREFIXES):
        return None
    return lower
