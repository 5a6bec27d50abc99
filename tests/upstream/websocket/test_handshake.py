"""What a handshake says, and what is not taken for an answer to it."""

import re

import pytest

from gateway.errors import Reason, UpstreamError
from gateway.upstream.websocket.handshake import (
    Accepted,
    Handshake,
    offered_in,
    without_interim,
)
from tests.upstream.websocket.scene import switched


def key_of(handshake: Handshake) -> str:
    found = re.search(rb"sec-websocket-key: (\S+)\r\n", handshake.lines)
    assert found is not None
    return found[1].decode()


def accepted(handshake: Handshake, *further: str) -> Accepted:
    return handshake.accepted(switched(key_of(handshake), *further) + b"\x81\x00")


def test_the_request_offers_no_extension_and_the_protocols_of_the_client() -> None:
    lines = Handshake("local", [b"realtime", b"other"]).lines
    assert b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" in lines
    assert lines.endswith(b"sec-websocket-protocol: realtime, other\r\n")
    assert b"extensions" not in lines
    assert b"protocol" not in Handshake("local", []).lines


def test_every_handshake_has_a_key_of_its_own() -> None:
    assert key_of(Handshake("local", [])) != key_of(Handshake("local", []))


def test_what_is_accepted_can_be_relayed_but_for_what_is_the_connections() -> None:
    found = accepted(
        Handshake("local", [b"realtime"]),
        "Sec-WebSocket-Protocol: realtime",
        "Sec-WebSocket-Version: 13",
        "X-Codex-Turn-State:  a b ",
        "Set-Cookie: a=b",
    )
    assert found == Accepted(((b"x-codex-turn-state", b"a b"),), "realtime", b"\x81\x00")


def test_no_subprotocol_need_be_chosen() -> None:
    assert accepted(Handshake("local", [b"realtime"])).protocol == ""


@pytest.mark.parametrize(
    ("further", "why"),
    [
        ("Sec-WebSocket-Protocol: other", "subprotocol"),
        ("Sec-WebSocket-Protocol: realtime, other", "subprotocol"),
        ("Sec-WebSocket-Protocol: realtime\r\nSec-WebSocket-Protocol: realtime", "subprotocol"),
        ("Sec-WebSocket-Extensions: permessage-deflate", "extension"),
        ("Sec-WebSocket-Accept: YWJj", "belong to the key"),
        ("no field", "not a header field"),
        ("bad name: x", "not a header field"),
        ("x-bad: a\nb", "not a header field"),
        ("x-bad: a\0b", "not a header field"),
    ],
)
def test_what_was_not_offered_is_not_accepted(further: str, why: str) -> None:
    with pytest.raises(UpstreamError, match=why) as caught:
        accepted(Handshake("local", [b"realtime"]), further)
    assert caught.value.reason is Reason.BAD_HTTP


@pytest.mark.parametrize(
    ("changed", "to", "why"),
    [
        (b"upgrade: websocket", b"upgrade: h2c", "another protocol"),
        (b"upgrade: websocket\r\n", b"", "another protocol"),
        (b"Connection: keep-alive, Upgrade", b"Connection: keep-alive", "Connection"),
        (b"Sec-WebSocket-Accept", b"x", "belong to the key"),
    ],
)
def test_a_101_must_be_a_websockets(changed: bytes, to: bytes, why: str) -> None:
    handshake = Handshake("local", [])
    with pytest.raises(UpstreamError, match=why):
        handshake.accepted(switched(key_of(handshake)).replace(changed, to))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", (b"", None)),
        (b"HTTP/1.1 101 Switching", (b"HTTP/1.1 101 Switching", None)),
        (b"HTTP/1.1 426\r\n\r\n", (b"HTTP/1.1 426\r\n\r\n", 426)),
        (b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 1", (b"HTTP/1.1 1", None)),
        (b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 101 \r\n\r\n", (b"HTTP/1.1 101 \r\n\r\n", 101)),
        (b"HTTP/1.0 200 OK\r\n\r\n", (b"HTTP/1.0 200 OK\r\n\r\n", 0)),
        (b"SSH-2.0\r\n\r\n", (b"SSH-2.0\r\n\r\n", 0)),
    ],
)
def test_interim_replies_are_left_out(data: bytes, found: tuple[bytes, int | None]) -> None:
    assert without_interim(data) == found


def test_protocols_are_read_from_all_fields() -> None:
    fields = (
        (b"sec-websocket-protocol", b"realtime, b"),
        (b"x", b"y"),
        (b"sec-websocket-protocol", b"c,, d e"),
    )
    assert offered_in(fields) == [b"realtime", b"b", b"c"]
