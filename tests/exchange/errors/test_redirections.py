"""No redirect of an upstream is followed, and none shows where the upstream is."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.decision import Decision
from gateway.exchange.errors.error_replies import error_of_reply, listing_failed
from gateway.exchange.errors.redirections import (
    check_passed_redirect,
    check_redirect,
    redirect_error,
)
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.observe.outcomes import Outcome, ended
from gateway.request import Request
from gateway.shapes import RawHeaders, Shape
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import FakeReply

INTERNAL = b"http://10.0.0.7:9000/v1/chat/completions"
MOVED = b'<a href="http://10.0.0.7:9000/">Moved</a>'
ASKED = {
    Shape.CHAT: {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
    Shape.RESPONSES: {"model": "gpt-3.5-turbo", "input": "Hi"},
}
UPSTREAM = UpstreamSettings(
    "up",
    "https://llm.example.com/v1",
    kinds.OPENAI,
    further_urls=("https://two.example.com/v1",),
    messages_url="https://claude.example.com",
)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
@pytest.mark.parametrize("body", [MOVED, b'{"error": {"message": "see http://10.0.0.7"}}'])
@pytest.mark.parametrize("asked", [Shape.CHAT, Shape.RESPONSES])
def test_a_redirect_of_a_generation_is_an_error_of_the_gateways_own(
    status: int, body: bytes, asked: Shape
) -> None:
    redirect = FakeReply(status, ((b"location", INTERNAL),), (body,))
    error = refused(lambda: Scene(lambda _: redirect).generate(asked, ASKED[asked]))
    assert (error.upstream_status, error.reason) == (status, Reason.BAD_REPLY)


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [("POST", "/embeddings", ()), ("GET", "/models/m", ("m",)), ("GET", "/files/f", ())],
)
def test_so_is_one_of_what_is_passed_on(method: str, path: str, named: tuple[str, ...]) -> None:
    redirect = FakeReply(307, ((b"location", INTERNAL),), (MOVED,))
    scene, decision = Scene(lambda _: redirect), Decision()
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    refused(lambda: asyncio.run(forwarder.run(Request(method, path), decision, named)))
    assert redirect.closed


def test_so_is_one_of_a_further_call() -> None:
    error = error_of_reply(302, ((b"location", INTERNAL),), MOVED, lambda name: name)
    assert "10.0.0.7" not in error.message
    body = b'{"error": {"message": "see http://10.0.0.7"}}'
    error = listing_failed("up", 302, body, ((b"location", INTERNAL),))
    assert "10.0.0.7" not in error.message


@pytest.mark.parametrize(
    ("method", "location", "is_kept"),
    [
        ("GET", b"https://storage.example.net/file?signature=1", True),
        ("HEAD", b"https://storage.example.net/file", True),
        ("POST", b"https://storage.example.net/file", False),
        ("GET", b"https://llm.example.com/v2", False),
        ("GET", b"https://two.example.com/v1", False),
        ("GET", b"https://claude.example.com/", False),
        ("GET", b"http://llm-backend:8000/v1", False),
        ("GET", b"http://192.168.1.2/", False),
        ("GET", b"/v1/other", False),
        ("GET", b"//storage.example.net/file", False),
        ("GET", b"ftp://storage.example.net/file", False),
        ("GET", b"http://[", False),
        ("GET", b"https://storage.example.net/\xe9", False),
        ("GET", b"", False),
    ],
)
def test_a_download_may_lie_at_another_public_host(
    method: str, location: bytes, is_kept: bool
) -> None:
    def check(fields: RawHeaders) -> None:
        check_passed_redirect(302, fields, UPSTREAM, method)

    if is_kept:
        check(((b"location", location),))
    else:
        refused(lambda: check(((b"location", location),)))
    check(())
    refused(lambda: check(((b"location", location), (b"location", INTERNAL))))


@pytest.mark.parametrize(
    ("status", "headers"),
    [*((status, ((b"location", b"/v1/x"),)) for status in (200, 201, 299, 304, 400)), (302, ())],
)
def test_other_replies_are_none(status: int, headers: RawHeaders) -> None:
    assert redirect_error(status, headers) is None
    check_redirect(status, headers)
    check_passed_redirect(status, headers, UPSTREAM, "POST")


def test_one_that_is_too_large_to_be_read_is_not_relayed() -> None:
    headers = ((b"location", INTERNAL), (b"content-length", b"99999999"))
    redirect = FakeReply(302, headers, (b"x" * (MAX_ERROR_BYTES + 1),))
    refused(lambda: Scene(lambda _: redirect).generate(Shape.CHAT, ASKED[Shape.CHAT]))


def refused(call: Callable[[], object]) -> UpstreamError:
    """Check that a call is refused, and that the error shows nothing of the reply."""
    with pytest.raises(UpstreamError, match="a redirect") as raised:
        call()
    error = raised.value
    assert (error.status, error.code) == (502, "upstream_error")
    assert "10.0.0.7" not in str(error.envelope())
    assert not error.headers
    return error


@pytest.mark.parametrize(
    ("status", "location", "is_noted"),
    [(301, b"", True), (300, b"", True), (304, b"", False), (302, b"https://cdn.example/f", False)],
)
def test_a_redirect_without_a_location_is_passed_on_and_noted(
    status: int, location: bytes, is_noted: bool
) -> None:
    fields: RawHeaders = ((b"location", location),) if location else ()
    scene, decision = Scene(lambda _: FakeReply(status, fields, (b"moved",))), Decision()
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    reply = asyncio.run(forwarder.run(Request("GET", "/files/f/content"), decision, ()))
    assert reply.status == status
    assert [(failure.reason, failure.status) for failure in decision.failures] == [
        (Reason.BAD_REPLY, status)
    ] * is_noted
    ending = ended(decision, reply.status)
    assert ending.outcome is (Outcome.UPSTREAM_ERROR if is_noted else Outcome.SUCCESS)


def test_so_it_is_at_a_models_own_endpoint() -> None:
    asked = ASKED[Shape.CHAT]
    result = Scene(lambda _: FakeReply(307, (), (b"moved",))).generate(Shape.CHAT, asked)
    (failure,) = result.decision.failures
    assert (result.reply.status, failure.reason, failure.final) == (307, Reason.BAD_REPLY, True)
