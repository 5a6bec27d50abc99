"""The reply to a handshake."""

import pytest

from gateway.errors import GatewayError
from gateway.exchange.decision import Decision
from gateway.request import Request
from gateway.server.websocket.heads import switching
from tests.server.websocket.peer import ACCEPT, KEY, Echo


def session(*fields: tuple[bytes, bytes], protocol: str = "") -> Echo:
    made = Echo(Request("GET", "/responses"))
    made.headers, made.protocol = fields, protocol
    return made


def test_the_reply_has_the_fields_of_the_session_but_those_of_a_connection() -> None:
    fields = (
        (b"x-codex-turn-state", b"state"),
        (b"connection", b"keep-alive"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"sec-websocket-accept", b"another"),
        (b"content-length", b"0"),
        (b"x-request-id", b"req_upstream"),
    )
    decision = Decision(id_line=b"x-request-id: req_own\r\n", upstream="openai")
    reply = switching(
        KEY.encode(), b"date: today\r\n", session(*fields, protocol="realtime"), decision
    )
    assert reply.decode().split("\r\n") == [
        "HTTP/1.1 101 Switching Protocols",
        "date: today",
        "upgrade: websocket",
        "connection: Upgrade",
        f"sec-websocket-accept: {ACCEPT}",
        "sec-websocket-protocol: realtime",
        "x-codex-turn-state: state",
        "x-gateway-upstream: openai",
        "x-request-id: req_upstream",
        "",
        "",
    ]


def test_a_field_that_could_begin_another_is_refused() -> None:
    with pytest.raises(GatewayError, match="control character"):
        switching(KEY.encode(), b"", session((b"x-a", b"b\r\nset-cookie: c")), Decision())
