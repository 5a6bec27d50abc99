"""No redirect of an upstream is followed, and none shows where the upstream is."""

import asyncio

import pytest

from gateway.config.settings import UpstreamSettings
from gateway.errors import UpstreamError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Passing
from gateway.exchange.redirections import is_redirect, unfollowed
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.observe.outcomes import Outcome, ended
from gateway.request import Request
from gateway.shapes import Shape
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import FakeReply

INTERNAL = b"http://10.0.0.7:9000/v1/chat/completions"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
UPSTREAM = UpstreamSettings(
    "up",
    "https://llm.example.com/v1",
    kinds.OPENAI,
    further_urls=("https://two.example.com/v1",),
    messages_url="https://claude.example.com",
)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
def test_a_redirect_of_a_generation_is_an_upstreams_error_without_its_location(
    status: int,
) -> None:
    redirect = FakeReply(status, ((b"location", INTERNAL),), (b"moved",))
    served = Scene(lambda _: redirect).generate(Shape.CHAT, CHAT)
    reply, decision = served.reply, served.decision
    assert (reply.status, reply.body) == (status, b"moved")
    assert b"location" not in dict(reply.headers)
    assert "is not followed; its location is left out" in decision.warning
    assert ended(decision, status).outcome is Outcome.UPSTREAM_ERROR


@pytest.mark.parametrize(
    ("method", "path", "named"), [("POST", "/embeddings", ()), ("GET", "/models/m", ("m",))]
)
def test_so_is_one_of_what_is_passed_on(method: str, path: str, named: tuple[str, ...]) -> None:
    redirect = FakeReply(307, ((b"location", INTERNAL),), (b"moved",))
    scene, decision = Scene(lambda _: redirect), Decision()
    passing = Passing(scene.settings, scene.resolver, scene.network.send)
    reply = asyncio.run(passing.run(Request(method, path), decision, named))
    assert b"location" not in dict(reply.headers)
    assert ended(decision, 307).outcome is Outcome.UPSTREAM_ERROR


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
    decision = Decision(upstream="up")
    came = ClientReply(302, [(b"location", location), (b"x-a", b"1")], b"")
    reply = unfollowed(came, UPSTREAM, decision, method)
    assert (b"location" in dict(reply.headers)) == is_kept
    assert (b"x-a", b"1") in reply.headers
    expected = Outcome.SUCCESS if is_kept else Outcome.UPSTREAM_ERROR
    assert ended(decision, 302).outcome is expected


def test_a_redirect_without_a_location_is_said_to_be_one() -> None:
    decision = Decision()
    unfollowed(ClientReply(301, [], b""), UPSTREAM, decision)
    assert decision.warning == "the upstream 'up' answered with a redirect, which is not followed"


def test_other_replies_are_not_touched() -> None:
    assert not is_redirect(304)
    decision = Decision()
    reply = unfollowed(ClientReply(201, [(b"location", b"/v1/x")], b""), UPSTREAM, decision)
    assert dict(reply.headers) == {b"location": b"/v1/x"}
    assert not decision.failures


def test_one_that_is_too_large_to_be_read_is_not_relayed() -> None:
    headers = ((b"location", INTERNAL), (b"content-length", b"99999999"))
    redirect = FakeReply(302, headers, (b"x" * (MAX_ERROR_BYTES + 1),))
    with pytest.raises(UpstreamError):
        Scene(lambda _: redirect).generate(Shape.CHAT, CHAT)
