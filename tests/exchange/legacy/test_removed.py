"""Endpoints of OpenAI's past without a successor: passed on where there is one, else explained."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.removed import RemovedEndpoints
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import RawHeaders, UpstreamCall
from gateway.translate.legacy.removed import REMOVED, purpose_gone
from tests.exchange.legacy_scene import LegacyScene
from tests.fakes import FakeReply, error_reply, json_reply

AS_FORM: RawHeaders = ((b"content-type", b"multipart/form-data; boundary=b"),)
PERHAPS = ("search", "answers", "classifications", "deployments")
SURELY = ("search_indices/search", "search_indices", "snapshots", "snapshots/a/b")
INVALID_URL = error_reply(404, "Invalid URL (POST /v1/x)")


def answering(reply: FakeReply) -> Callable[[UpstreamCall], FakeReply]:
    return lambda _: FakeReply(reply.status, reply.headers, reply.pieces)


def refused(scene: LegacyScene, method: str, path: str, body: Any = None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        scene.ask(method, path, body)
    return caught.value


@pytest.mark.parametrize("name", PERHAPS)
def test_what_the_upstream_has_is_passed_on(name: str) -> None:
    scene = LegacyScene(answering(json_reply({"ok": True})))
    assert scene.ask("POST", f"/{name}", {"query": "x"}).json == {"ok": True}
    assert scene.network.paths == [f"POST /{name}"]


@pytest.mark.parametrize("name", PERHAPS)
@pytest.mark.parametrize(
    "reply",
    [
        INVALID_URL,
        json_reply({"detail": "Not Found"}, 404),
        json_reply({"detail": "Method Not Allowed"}, 405),
        FakeReply(404, ((b"content-type", b"text/plain"),), (b"404 page ", b"not found")),
    ],
    ids=["OpenAI", "FastAPI", "FastAPI's method", "Go"],
)
def test_what_nobody_has_is_explained(name: str, reply: FakeReply) -> None:
    scene = LegacyScene(answering(reply))
    error = refused(scene, "GET" if name == "deployments" else "POST", f"/{name}", {"query": "x"})
    assert (error.status, error.code) == (404, "endpoint_removed")
    assert error.message == f"/v1/{name}: {REMOVED[name]}."
    assert scene.network.replies[0].delivered == len(reply.pieces)


@pytest.mark.parametrize(
    "reply",
    [
        error_reply(404, "The model `x` does not exist", code="model_not_found"),
        error_reply(400, "Invalid URL"),
        error_reply(503, "Overloaded"),
    ],
    ids=["model", "400", "503"],
)
def test_other_errors_stay_as_they_are(reply: FakeReply) -> None:
    result = LegacyScene(answering(reply)).ask("POST", "/classifications", {"model": "x"})
    assert (result.reply.status, result.body) == (reply.status, reply.pieces[0])


@pytest.mark.parametrize("path", SURELY)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_only_openai_had_is_not_asked_for(method: str, path: str) -> None:
    scene = LegacyScene(answering(json_reply({})))
    error = refused(scene, method, f"/{path}", {"query": "x"})
    assert (error.status, error.code, scene.network.calls) == (404, "endpoint_removed", [])
    assert error.message.startswith(f"/v1/{path}: it ")


# --- models that judged texts ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text-moderation-latest", "text-moderation-001"])
@pytest.mark.parametrize(
    "reply",
    [(404, "The model `{}` does not exist"), (400, "Invalid value for 'model' = {}.")],
    ids=["404", "400"],
)
def test_a_model_that_judged_texts_has_a_successor(name: str, reply: tuple[int, str]) -> None:
    status, message = reply
    scene = LegacyScene(answering(error_reply(status, message.format(name))))
    error = refused(scene, "POST", "/moderations", {"input": "x", "model": name})
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert f"`{name}: {{model: omni-moderation-latest}}`" in error.message


@pytest.mark.parametrize("reply", [json_reply({"results": []}), error_reply(400, "No input")])
def test_other_judgements_stay_as_they_are(reply: FakeReply) -> None:
    result = LegacyScene(answering(reply)).ask("POST", "/moderations", {"input": "x"})
    assert (result.reply.status, result.body) == (reply.status, reply.pieces[0])


# --- files for them ----------------------------------------------------------------------------


def form(purpose: str, content: bytes = b"{}", *, first: bool = True) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%b\r\n' % purpose.encode(),
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n' % content,
    ]
    return b"".join(parts if first else parts[::-1]) + b"--b--\r\n"


async def pieces(raw: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


async def uploaded(
    body: bytes | AsyncIterator[bytes], reply: FakeReply
) -> tuple[ClientReply, bytes]:
    """Upload to an upstream that reads the body and answers; return what it received, too."""
    scene, received = LegacyScene(lambda _: reply), bytearray()

    async def send(call: UpstreamCall) -> FakeReply:
        assert isinstance(call.body, bytes) == isinstance(body, bytes)
        parts = [call.body] if isinstance(call.body, bytes) else [each async for each in call.body]
        received.extend(b"".join(parts))
        return reply

    removed = RemovedEndpoints(Forwarder(scene.settings, scene.resolver, send, Apart()))
    request = Request("POST", "/files", b"", AS_FORM, body)
    return await removed.upload(request, Decision()), bytes(received)


@pytest.mark.parametrize("purpose", ["search", "answers", "classifications"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("first", [True, False])
def test_a_refused_purpose_is_explained(purpose: str, size: int, *, first: bool) -> None:
    raw = form(purpose, first=first)
    for body in (raw, pieces(raw, size)):
        reply = error_reply(400, "No such purpose")
        with pytest.raises(InvalidRequest) as caught:
            asyncio.run(uploaded(body, reply))
        error = caught.value
        assert (error.status, error.param) == (400, "purpose")
        assert error.message == purpose_gone(purpose)
        assert f"/v1/{purpose}: it " in error.message
        assert reply.delivered


@pytest.mark.parametrize(
    ("purpose", "status"), [("fine-tune", 400), ("answers", 200), ("answers", 413), ("x", 422)]
)
def test_other_uploads_stay_as_they_are(purpose: str, status: int) -> None:
    raw = form(purpose, b"x" * 200_000)
    reply = error_reply(status, "No") if status >= 400 else json_reply({"id": "file-1"})
    result, received = asyncio.run(uploaded(pieces(raw, 50_000), reply))
    assert (result.status, received) == (status, raw)


def test_a_purpose_far_behind_is_not_looked_for() -> None:
    raw = form("answers", b"x" * 70_000, first=False)
    result, received = asyncio.run(uploaded(pieces(raw, 1000), error_reply(400, "No")))
    assert (result.status, received) == (400, raw)
