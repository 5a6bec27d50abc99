"""The opening handshake of a client (RFC 6455 section 4.1): its request, and the reply's check.

No extension is offered: compression takes memory for each socket, and compressed frames can only be
passed on to a peer that has agreed to the same.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from os import urandom
from typing import Final

from gateway.errors import Reason, UpstreamError
from gateway.headers import is_name
from gateway.shapes import RawHeaders
from gateway.sockets import SUBPROTOCOL, acceptance
from gateway.upstream.headers import field_lines
from gateway.upstream.reply_fields import read_reply_fields

_PREFIX: Final = b"sec-websocket-"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})(?: [^\r\n]*)?(?:\r\n|\Z)")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_END: Final = b"\r\n\r\n"
SWITCHED: Final = 101


@dataclass(frozen=True, slots=True)
class Accepted:
    """The terms of a handshake that an upstream has accepted."""

    headers: RawHeaders
    """The fields of the upstream's reply that may be relayed."""
    protocol: str
    """The subprotocol; empty if there is none."""
    rest: bytes
    """The bytes that have come after the head: frames."""


class Handshake:
    """One handshake with an upstream called `name`. `offered` are the client's subprotocols."""

    def __init__(self, name: str, offered: Sequence[bytes]) -> None:
        self._name = name
        self._offered = offered
        self._key = b64encode(urandom(16))

    @property
    def lines(self) -> bytes:
        """The lines that it adds to a request's head."""
        fields = [
            (b"connection", b"Upgrade"),
            (b"upgrade", b"websocket"),
            (b"sec-websocket-version", b"13"),
            (b"sec-websocket-key", self._key),
        ]
        if self._offered:
            fields.append((SUBPROTOCOL, b", ".join(self._offered)))
        return field_lines(fields)

    def accepted(self, data: bytes) -> Accepted:
        """Return the terms in the 101 that `data` begins with; raises `UpstreamError`."""
        head, _, rest = data.partition(_END)
        fields = [self._field(line) for line in head.split(b"\r\n")[1:]]
        given = {
            name: [value for known, value in fields if known == name]
            for name in (b"upgrade", b"connection", b"sec-websocket-accept", SUBPROTOCOL)
        }
        if b"websocket" not in _tokens(given[b"upgrade"]):
            raise self._unusable("it switched to another protocol")
        if b"upgrade" not in _tokens(given[b"connection"]):
            raise self._unusable("its Connection field does not say Upgrade")
        if given[b"sec-websocket-accept"] != [acceptance(self._key)]:
            raise self._unusable("its Sec-WebSocket-Accept does not belong to the key")
        if any(name == b"sec-websocket-extensions" for name, _ in fields):
            raise self._unusable("it uses an extension that was not offered")
        chosen = given[SUBPROTOCOL]
        if len(chosen) > 1 or not set(chosen) <= set(self._offered):
            raise self._unusable("it has chosen a subprotocol that was not offered")
        relayed = read_reply_fields(fields)[0]
        return Accepted(
            tuple(field for field in relayed if not field[0].startswith(_PREFIX)),
            chosen[0].decode("ascii") if chosen else "",
            rest,
        )

    def _field(self, line: bytes) -> tuple[bytes, bytes]:
        name, colon, value = line.partition(b":")
        if not colon or not is_name(name) or _CONTROL.search(value):
            raise self._unusable("a line of its head is not a header field")
        return name.lower(), value.strip(b" \t")

    def _unusable(self, why: str) -> UpstreamError:
        return UpstreamError(
            f"Upstream '{self._name}' answered a WebSocket handshake wrongly: {why}.",
            reason=Reason.BAD_HTTP,
        )


def without_interim(data: bytes) -> tuple[bytes, int | None]:
    """Return the arrived part of a reply, without interim replies before it, and its status.

    The status is None while the head is incomplete, and 0 if the reply is not HTTP/1.1, or not one
    that this module reads.
    """
    while True:
        head, end, rest = data.partition(_END)
        if not end:
            return data, None
        match = _STATUS.match(head)
        status = int(match[1]) if match is not None else 0
        if not 100 <= status < 200 or status == SWITCHED:
            return data, status
        data = rest


def offered_in(client_headers: RawHeaders) -> list[bytes]:
    """Return the subprotocols that the header fields of a call offer."""
    values = [value for name, value in client_headers if name == SUBPROTOCOL]
    offered = [each.strip(b" \t") for value in values for each in value.split(b",")]
    return [each for each in offered if is_name(each)]


def _tokens(values: Sequence[bytes]) -> set[bytes]:
    return {token.strip(b" \t").lower() for value in values for token in value.split(b",")}
