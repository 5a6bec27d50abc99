"""Web pages of other origins: preflights, and the fields of every reply."""

from typing import Any

import pytest

from gateway.config.settings import ClientSettings, ServerSettings
from gateway.exchange.decision import Decision
from tests.api.client import Client, Reply
from tests.api.test_application import BODY, CHAT, ok
from tests.fakes import FakeReply

PAGE = "https://app.example.com"
EXPOSED = ", ".join(
    f"x-gateway-{name}"
    for name in ("upstream", "endpoint", "resolved-by", "attempts", "translation", "warning")
)


def calling(*origins: str, **more: Any) -> Client:
    return Client(ok, ServerSettings(cors_origins=origins), **more)


def fields(reply: Reply) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in reply.headers.items()
        if name.startswith("access-control-") or name == "vary"
    }


def post(client: Client, origin: str | None, *more: tuple[bytes, bytes]) -> Reply:
    named = [] if origin is None else [(b"origin", origin.encode())]
    return client.post(CHAT, BODY, headers=[*named, *more])


def preflight(client: Client, origin: str, *more: tuple[bytes, bytes], path: str = CHAT) -> Reply:
    asked = (b"access-control-request-method", b"POST")
    return client.options(path, headers=[(b"origin", origin.encode()), asked, *more])


ALLOWED = {
    "allow-origin": PAGE,
    "allow-credentials": "true",
    "expose-headers": f"{EXPOSED}, x-request-id, request-id, retry-after",
    "vary": "Origin",
}


@pytest.mark.parametrize("origins", [(PAGE,), ("https://other.example", PAGE)])
def test_a_page_of_a_configured_origin_reads_replies_and_errors(origins: tuple[str, ...]) -> None:
    client = calling(*origins)
    assert fields(post(client, PAGE)) == ALLOWED
    assert fields(client.get("/nowhere", headers=[(b"origin", PAGE.encode())])) == ALLOWED
    assert fields(client.get("/healthz", headers=[(b"origin", PAGE.encode())])) == ALLOWED
    unread = client.post(CHAT, b"{", headers=[(b"origin", PAGE.encode())])
    assert (unread.status, fields(unread)) == (400, ALLOWED)
    bad = client.get("/v1/../x", headers=[(b"origin", PAGE.encode())])
    assert (bad.status, fields(bad)) == (400, ALLOWED)


@pytest.mark.parametrize("origin", [None, "https://app.example.com:444", "http://app.example.com"])
def test_other_requests_are_served_and_pages_cannot_read_the_reply(origin: str | None) -> None:
    reply = post(calling(PAGE), origin)
    assert (reply.status, fields(reply)) == (200, {"vary": "Origin"})


def test_two_origins_are_none() -> None:
    reply = post(calling(PAGE), PAGE, (b"origin", PAGE.encode()))
    assert fields(reply) == {"vary": "Origin"}


def test_any_origin_never_comes_with_credentials() -> None:
    client = calling("*")
    expected = {"allow-origin": "*", "expose-headers": ALLOWED["expose-headers"]}
    assert fields(post(client, PAGE)) == fields(post(client, None)) == expected
    answer = fields(preflight(client, "null"))
    assert answer["allow-origin"] == "*"
    assert "allow-credentials" not in answer


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example.com", True),
        ("https://a.b-c.example.com", True),
        ("https://example.com", False),
        ("https://.example.com", False),
        ("https://evil-example.com", False),
        ("https://a.example.com.evil.org", False),
        ("https://evil.org/.example.com", False),
        ("https://a.example.com:8443", False),
        ("http://a.example.com", False),
        ("https://b.example.org:8443", True),
        ("https://a\n.example.com", False),
    ],
)
def test_subdomains_are_matched_whole(origin: str, *, allowed: bool) -> None:
    client = calling("https://*.example.com", "https://*.example.org:8443")
    assert ("allow-origin" in fields(post(client, origin))) is allowed


def test_a_preflight_is_answered_before_keys_are_asked_for() -> None:
    client = calling(PAGE, clients=(ClientSettings("team", ("0" * 64,)),))
    wanted = b"authorization, content-type, x-stainless-os"
    reply = preflight(client, PAGE, (b"access-control-request-headers", wanted))
    assert (reply.status, reply.body) == (204, b"")
    assert fields(reply) == {
        **ALLOWED,
        "vary": "Access-Control-Request-Headers",
        "allow-methods": "DELETE, GET, HEAD, PATCH, POST, PUT",
        "allow-headers": wanted.decode(),
        "max-age": "600",
    }
    refused = post(client, PAGE)
    assert (refused.status, fields(refused)) == (401, ALLOWED)
    assert client.scene.network.calls == []


@pytest.mark.parametrize("path", ["/v1/anything", "/healthz", "/", "/v1/models/a"])
def test_a_preflight_is_answered_everywhere_and_while_draining(path: str) -> None:
    client = calling(PAGE)
    client.gateway.drain()
    assert preflight(client, PAGE, path=path).status == 204


@pytest.mark.parametrize("odd", [b"x y", b"", b"a\x00b", b"a,,b"])
def test_odd_names_are_not_repeated(odd: bytes) -> None:
    reply = preflight(calling(PAGE), PAGE, (b"access-control-request-headers", odd))
    assert "allow-headers" not in fields(reply)


def test_a_preflight_of_another_origin_is_refused() -> None:
    reply = preflight(calling(PAGE), "https://evil.example")
    assert (reply.status, reply.error["code"]) == (403, "origin_not_allowed")
    assert fields(reply) == {"vary": "Origin"}


def test_other_requests_with_options_are_not_preflights() -> None:
    client = calling(PAGE)
    for headers in ([(b"origin", PAGE.encode())], [(b"access-control-request-method", b"PUT")]):
        assert client.options("/v1/files", headers=headers).status == 200
    assert len(client.scene.network.calls) == 2


def test_without_origins_preflights_go_upstream_and_its_fields_come_back() -> None:
    opened = FakeReply(
        headers=((b"access-control-allow-origin", b"*"), (b"vary", b"Accept")), pieces=(b"x",)
    )
    client = Client(lambda _: opened)
    assert preflight(client, PAGE, path="/v1/files").headers["access-control-allow-origin"] == "*"
    opened.closed = False
    closed = Client(lambda _: opened, ServerSettings(cors_origins=(PAGE,)))
    reply = closed.get("/v1/files", headers=[(b"origin", b"https://evil.example")])
    assert fields(reply) == {"vary": "Origin"}


def test_a_decision_without_origins_adds_nothing() -> None:
    assert Decision().headers() == []
