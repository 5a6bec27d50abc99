"""Handshakes by their fields: which are for WebSockets, what browsers send, what is refused."""

import pytest

from gateway.api.upgrades import (
    asks_for_websocket,
    check_handshake,
    check_origin,
    chosen_protocol,
    offered_protocols,
    refuse_websocket,
    with_subprotocol_credentials,
)
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import ClientHeaders, RawHeaders

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE: RawHeaders = (
    (b"host", b"gateway.test:8080"),
    (b"connection", b"keep-alive, Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", KEY),
)


def without(name: bytes, *instead: bytes) -> RawHeaders:
    kept = tuple(field for field in HANDSHAKE if field[0] != name)
    return (*kept, *((name, value) for value in instead))


@pytest.mark.parametrize("value", [b"websocket", b"WebSocket", b"h2c, websocket"])
def test_a_get_for_a_websocket_is_known(value: bytes) -> None:
    assert asks_for_websocket("GET", ((b"upgrade", value),))


@pytest.mark.parametrize(("method", "value"), [("POST", b"websocket"), ("GET", b"h2c")])
def test_other_upgrades_are_ignored(method: str, value: bytes) -> None:
    assert not asks_for_websocket(method, ((b"upgrade", value),))


def test_where_there_are_none_clients_can_fall_back() -> None:
    error = refuse_websocket()
    assert (error.status, error.code) == (426, "websocket_not_supported")
    assert dict(error.headers)["upgrade"] == "HTTP/1.1"


def test_a_handshake_of_the_rfc_is_accepted() -> None:
    check_handshake(HANDSHAKE)
    check_handshake(without(b"connection", b"keep-alive", b"upgrade"))


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        (without(b"connection"), 426, "Connection: Upgrade"),
        (without(b"connection", b"upgrades"), 426, "Connection: Upgrade"),
        (without(b"sec-websocket-version"), 426, "Version: 13"),
        (without(b"sec-websocket-version", b"8"), 426, "Version: 13"),
        (without(b"sec-websocket-version", b"13", b"13"), 426, "Version: 13"),
        (without(b"sec-websocket-key"), 400, "Sec-WebSocket-Key"),
        (without(b"sec-websocket-key", KEY, KEY), 400, "Sec-WebSocket-Key"),
        (without(b"sec-websocket-key", b"c2hvcnQ="), 400, "Sec-WebSocket-Key"),
        (without(b"sec-websocket-key", KEY[:-1]), 400, "Sec-WebSocket-Key"),
    ],
)
def test_other_handshakes_are_refused(fields: RawHeaders, status: int, text: str) -> None:
    with pytest.raises(GatewayError, match=text) as raised:
        check_handshake(fields)
    assert raised.value.status == status


def test_the_version_that_is_spoken_is_in_the_refusal() -> None:
    with pytest.raises(GatewayError) as raised:
        check_handshake(without(b"sec-websocket-version", b"12"))
    assert dict(raised.value.headers)["sec-websocket-version"] == "13"


def test_protocols_are_read_from_all_fields_in_order() -> None:
    fields = ((b"sec-websocket-protocol", b"a, b,"), (b"sec-websocket-protocol", b" c"))
    assert offered_protocols(fields) == [b"a", b"b", b"c"]
    assert offered_protocols(HANDSHAKE) == []


def test_what_pages_send_as_protocols_is_put_into_its_field() -> None:
    offered = (
        b"realtime, openai-insecure-api-key.sk-page",
        b"openai-organization.org-1,openai-project.proj_2,openai-beta.realtime-v1",
    )
    fields = (
        *without(b"sec-websocket-protocol", *offered),
        (b"authorization", b"Basic c2l0ZQ=="),
        (b"openai-organization", b"org-other"),
    )
    taken = with_subprotocol_credentials(ClientHeaders(fields))
    assert b"sk-page" not in dict(taken)[b"sec-websocket-protocol"]
    assert offered_protocols(taken) == [b"realtime", b"openai-beta.realtime-v1"]
    assert [value for name, value in taken if name == b"authorization"] == [b"Bearer sk-page"]
    assert [value for name, value in taken if name == b"openai-organization"] == [b"org-1"]
    assert [value for name, value in taken if name == b"openai-project"] == [b"proj_2"]


def test_no_protocol_is_left_where_all_are_credentials() -> None:
    fields = (*HANDSHAKE, (b"sec-websocket-protocol", b"openai-insecure-api-key.sk-page"))
    assert (
        dict(with_subprotocol_credentials(ClientHeaders(fields)))[b"sec-websocket-protocol"] == b""
    )


def test_without_credentials_the_fields_are_the_same() -> None:
    fields = ClientHeaders((*HANDSHAKE, (b"sec-websocket-protocol", b"realtime")))
    assert with_subprotocol_credentials(fields) is fields


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), ""),
        ((b"realtime",), "realtime"),
        ((b"realtime, openai-insecure-api-key.sk-page",), "realtime"),
        ((b"openai-insecure-api-key.sk-page, app.v1", b"app.v2"), "app.v1"),
        ((b"openai-beta.realtime-v1, openai-insecure-api-key.k",), "openai-beta.realtime-v1"),
        ((b"openai-beta.realtime-v1, realtime",), "realtime"),
        ((b"sk-page, graphql-transport-ws",), "graphql-transport-ws"),
        ((b'a "b", v12.stomp',), "v12.stomp"),
    ],
)
def test_the_reply_names_what_is_not_a_credential(offered: tuple[bytes, ...], chosen: str) -> None:
    fields = ClientHeaders(without(b"sec-websocket-protocol", *offered))
    assert chosen_protocol(with_subprotocol_credentials(fields)) == chosen


@pytest.mark.parametrize(
    "offered",
    [
        b"openai-insecure-api-key.sk-page",
        b"openai-organization.org-1, openai-project.proj_2",
        b"OpenAI-Insecure-API-Key.sk-page",
        b"sk-page",
        b"ek_123",
        b"Bearer.abc",
        b"api_key-abc",
        b"base64url.bearer.authorization.k8s.io.abc",
    ],
)
def test_without_another_name_there_is_nothing_to_reply(offered: bytes) -> None:
    fields = ClientHeaders(without(b"sec-websocket-protocol", offered))
    with pytest.raises(InvalidRequest, match=r"credential.*offer another one") as raised:
        chosen_protocol(with_subprotocol_credentials(fields))
    assert raised.value.code == "invalid_handshake"
    assert offered.decode() not in raised.value.message


@pytest.mark.parametrize("offered", [b"x" * 65, b'a "b"', b"app/v1, (v2)", b"sk-page, a b"])
def test_what_is_no_name_is_called_so(offered: bytes) -> None:
    fields = ClientHeaders(without(b"sec-websocket-protocol", offered))
    with pytest.raises(InvalidRequest, match=r"token of 1 to 64.*offer another one") as raised:
        chosen_protocol(with_subprotocol_credentials(fields))
    assert raised.value.code == "invalid_handshake"


@pytest.mark.parametrize("offered", [(b"",), (b" , ,",), (b"", b"")])
def test_an_empty_list_is_called_so(offered: tuple[bytes, ...]) -> None:
    fields = ClientHeaders(without(b"sec-websocket-protocol", *offered))
    with pytest.raises(InvalidRequest, match="`Sec-WebSocket-Protocol` is empty") as raised:
        with_subprotocol_credentials(fields)
    assert raised.value.code == "invalid_handshake"


@pytest.mark.parametrize(
    "origins",
    [(), (b"https://app.example",), (b"http://gateway.test:8080",), (b"HTTP://Gateway.test:8080",)],
    ids=["none", "allowed", "its own host", "in another case"],
)
def test_pages_that_may_open_sockets(origins: tuple[bytes, ...]) -> None:
    check_origin(without(b"origin", *origins), lambda origin: origin == b"https://app.example")


@pytest.mark.parametrize(
    "origins",
    [
        (b"https://evil.example",),
        (b"null",),
        (b"",),
        (b"http://gateway.test",),
        (b"http://gateway.test:8080.evil.example",),
        (b"https://app.example", b"https://evil.example"),
    ],
)
def test_pages_of_other_origins_may_not(origins: tuple[bytes, ...]) -> None:
    with pytest.raises(GatewayError, match=r"server\.cors_origins") as raised:
        check_origin(without(b"origin", *origins), lambda origin: origin == b"https://app.example")
    assert (raised.value.status, raised.value.code) == (403, "origin_not_allowed")
