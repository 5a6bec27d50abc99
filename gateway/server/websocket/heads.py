"""The head that the gateway writes when it accepts a client's handshake."""

from gateway.api.upgrades import HANDSHAKE
from gateway.errors import GatewayError
from gateway.exchange.decision import Decision
from gateway.headers import SET_BY_THE_GATEWAY, UNSAFE_BYTES
from gateway.shapes import RawHeaders
from gateway.sockets import SocketSession, acceptance

_NOT_COPIED = SET_BY_THE_GATEWAY | HANDSHAKE | {b"x-request-id"}


def switching(key: bytes, date_line: bytes, session: SocketSession, decision: Decision) -> bytes:
    """Return the 101 to a handshake with this key (RFC 6455 section 4.2.2).

    Raises `GatewayError` for a field of the session that is not valid in a head.
    """
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\n",
        date_line,
        b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ",
        acceptance(key.strip()),
        b"\r\n",
    ]
    for name, value in _fields(session):
        lines += (name, b": ", value, b"\r\n")
    decision.identified(session.headers)
    lines += (decision.lines(), decision.id_line, b"\r\n")
    return b"".join(lines)


def _fields(session: SocketSession) -> RawHeaders:
    fields = tuple(field for field in session.headers if field[0] not in _NOT_COPIED)
    if session.protocol:
        fields = ((b"sec-websocket-protocol", session.protocol.encode("latin-1")), *fields)
    values = b"".join([value for _, value in fields])
    if len(values.translate(None, UNSAFE_BYTES)) != len(values):
        raise GatewayError("A header of the reply contains a control character.")
    return fields
