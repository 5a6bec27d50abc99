"""Realtime sockets: dialled first, by the model in the query, with refusals as replies."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest
from msgspec import structs

from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    UpstreamSettings,
)
from gateway.errors import InvalidRequest, PermissionDenied, UpstreamError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.exchange.passthrough.destinations import Destinations
from gateway.exchange.sockets.pair import RealtimeSession
from gateway.exchange.sockets.realtime import Realtime
from gateway.request import Request
from gateway.shapes import CallTimeouts, Json, RawHeaders, UpstreamCall
from gateway.sockets import Refused
from tests import kinds
from tests.exchange.scene import ALICE, OPENAI, Scene
from tests.exchange.sockets.scene import FakeDial, FakeSocket, frame
from tests.fakes import FakeReply, error_reply, json_reply

pytestmark = pytest.mark.anyio

VOICE = UpstreamSettings("voice", "https://v/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("k"))
SLOW = CallTimeouts(first_byte=3.0)
RULES = (
    ModelRule("talk", model="gpt-realtime-2.1", upstream="voice", timeouts=SLOW),
    ModelRule("old/*", model="*"),
)
OPENED = FakeSocket()


async def opened(
    query: bytes = b"model=gpt-realtime",
    *,
    dial: FakeDial | None = None,
    headers: RawHeaders = ALICE,
    rules: tuple[ModelRule, ...] = RULES,
    upstreams: tuple[UpstreamSettings, ...] = (OPENAI, VOICE),
    redirect: tuple[tuple[str, str], ...] = (),
    failures: list[UpstreamFailure] | None = None,
    **fields: object,
) -> tuple[RealtimeSession | ClientReply, UpstreamCall, Decision]:
    scene = Scene(_lists, *upstreams, rules=rules, redirect=redirect)
    dial = dial or FakeDial()
    destinations = Destinations(scene.settings, scene.resolver)
    request = Request("GET", "/realtime", query, headers)
    request = structs.replace(request, **fields)
    decision = Decision()
    failed = failures if failures is not None else []
    realtime = Realtime(scene.settings, destinations, dial, failed.append)
    result = await realtime.open(request, decision)
    return result, dial.calls[0], decision


def _lists(call: UpstreamCall) -> FakeReply:
    models = {"voice": ["gpt-voice"]}.get(call.upstream, ["gpt-realtime"])
    return json_reply({"object": "list", "data": [{"id": name} for name in models]})


async def test_the_upstream_is_dialled_with_the_clients_query_and_fields() -> None:
    query = b"model=gpt-realtime&voice=a%20b"
    session, call, decision = await opened(query)
    assert isinstance(session, RealtimeSession)
    assert (call.method, call.path, call.query) == ("GET", "/realtime", query)
    assert (call.upstream, call.model, call.client_headers) == ("openai", "gpt-realtime", ALICE)
    assert (decision.upstream, decision.endpoint, decision.attempts) == (
        "openai",
        "/v1/realtime",
        1,
    )
    assert session.protocol == ""


@pytest.mark.parametrize(
    ("query", "upstream", "sent"),
    [
        (b"model=talk", "voice", b"model=gpt-realtime-2.1"),
        (b"a=b&model=talk&c", "voice", b"model=gpt-realtime-2.1&a=b&c"),
        (b"api-version=v1&deployment=talk", "voice", b"model=gpt-realtime-2.1&api-version=v1"),
        (b"model=old%2Fgpt-realtime", "openai", b"model=gpt-realtime"),
        (b"deployment=gpt-realtime", "openai", b"model=gpt-realtime"),
        (b"model=gpt-voice", "voice", b"model=gpt-voice"),
        (b"model=retired", "voice", b"model=gpt-realtime-2.1"),
        (b"call_id=rtc_1", "openai", b"call_id=rtc_1"),
        (b"intent=transcription", "openai", b"intent=transcription"),
        (b"", "openai", b""),
    ],
)
async def test_models_are_resolved_and_renamed_in_the_query(
    query: bytes, upstream: str, sent: bytes
) -> None:
    _, call, decision = await opened(query, redirect=(("retired", "talk"),))
    assert (call.upstream, call.query) == (upstream, sent)
    assert decision.resolved_by == ("config" if upstream == "voice" else "default")
    if b"talk" in query:
        assert call.timeouts == SLOW


async def test_a_deployment_in_the_path_is_the_model() -> None:
    _, call, _ = await opened(b"model=ignored&x=y", model="talk")
    assert (call.upstream, call.query, call.model) == (
        "voice",
        b"model=gpt-realtime-2.1&x=y",
        "gpt-realtime-2.1",
    )


async def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        await opened(b"model=" + b"x" * 600)


@pytest.mark.parametrize(
    ("offered", "protocol"),
    [
        (((b"sec-websocket-protocol", b"realtime"),), "realtime"),
        (((b"sec-websocket-protocol", b"other,  realtime"),), "realtime"),
        (((b"sec-websocket-protocol", b"other"),), ""),
        ((), ""),
    ],
)
async def test_the_subprotocol_is_realtime_if_it_is_offered(
    offered: RawHeaders, protocol: str
) -> None:
    _, call, _ = await opened(headers=(*ALICE, *offered))
    sent = [value for name, value in call.client_headers if name == b"sec-websocket-protocol"]
    assert sent == ([b"realtime"] if protocol else [])


def refusing(reply: Callable[[], FakeReply]) -> FakeDial:
    def answer(call: UpstreamCall) -> FakeSocket:
        call.resends, call.address = 1, "http://second/v1"
        raise Refused(reply())

    return FakeDial(answer)


@pytest.mark.parametrize("status", [400, 401, 404, 426, 503])
async def test_a_refusal_is_the_clients_reply(status: int) -> None:
    refusal, _, decision = await opened(dial=refusing(lambda: error_reply(status, "no")))
    assert isinstance(refusal, ClientReply)
    assert refusal.status == status
    assert isinstance(refusal.body, bytes)
    assert msgspec.json.decode(refusal.body)["error"]["message"] == "no"
    assert (decision.resends, decision.address) == (1, "http://second/v1")


async def test_a_refusal_of_the_gateways_own_key_is_its_own_fault() -> None:
    with pytest.raises(UpstreamError, match="refused the key that the gateway") as caught:
        await opened(b"model=talk", dial=refusing(lambda: error_reply(401, "bad key")))
    assert caught.value.status == 502


BAD_KEY = {
    "type": "error",
    "event_id": "event_1",
    "error": {
        "type": "invalid_request_error",
        "code": "invalid_api_key",
        "message": "Incorrect API key provided: sk-own. You can find your API key at …",
        "param": None,
        "event_id": None,
    },
}
PING = frame(b"p", opcode=9)
REASON = "invalid_request_error.invalid_api_key"


@dataclass
class Session:
    client: FakeSocket
    running: "asyncio.Future[None]"

    async def ended(self, upstream: FakeSocket) -> None:
        """End both sockets, and the session with them."""
        self.client.ends(1000)
        upstream.ends(1000)
        await self.running


async def session_of(model: bytes, failures: list[UpstreamFailure]) -> tuple[Session, FakeSocket]:
    dial = FakeDial()
    result, _, _ = await opened(b"model=" + model, dial=dial, failures=failures)
    assert isinstance(result, RealtimeSession)
    client = FakeSocket()
    running = asyncio.ensure_future(result.run(client))
    await asyncio.sleep(0)
    return Session(client, running), dial.sockets[0]


@pytest.mark.parametrize("says", [True, False])
async def test_an_own_key_that_is_refused_after_the_handshake_is_not_the_clients(
    *, says: bool
) -> None:
    failures: list[UpstreamFailure] = []
    session, upstream = await session_of(b"talk", failures)
    if says:
        upstream.says(PING, frame(msgspec.json.encode(BAD_KEY))[:9])
        upstream.says(frame(msgspec.json.encode(BAD_KEY))[9:])
    upstream.ends(3000, REASON)
    (message,) = map(msgspec.json.decode, session.client.messages)
    assert message["type"] == "error"
    assert message["event_id"].startswith("event_")
    assert message["error"]["code"] == "upstream_auth_error"
    assert "sk-own" not in str(message)
    assert session.client.closes == [(1011, "upstream_auth_error")]
    assert bytes(session.client.frames) == PING * says
    assert upstream.closes == [(1001, "")] * says
    assert [(each.upstream, each.reason) for each in failures] == [("voice", "key_refused")]
    await session.ended(upstream)


async def test_a_clients_key_that_is_refused_is_its_own_business() -> None:
    failures: list[UpstreamFailure] = []
    session, upstream = await session_of(b"gpt-realtime", failures)
    sent = frame(msgspec.json.encode(BAD_KEY))
    upstream.says(sent)
    upstream.ends(3000, REASON)
    assert (bytes(session.client.frames), session.client.messages) == (sent, [])
    assert (session.client.closes, failures) == ([(3000, REASON)], [])
    await session.ended(upstream)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.created", "session": {"instructions": "invalid_api_key"}},
        {"type": "error", "error": {"code": "model_not_found", "message": "No."}},
    ],
)
async def test_any_other_beginning_is_passed_on(event: Json) -> None:
    failures: list[UpstreamFailure] = []
    session, upstream = await session_of(b"talk", failures)
    sent = frame(msgspec.json.encode(event)) + frame(msgspec.json.encode(BAD_KEY))
    for at in range(0, len(sent), 7):
        upstream.says(sent[at : at + 7])
    upstream.ends(4004, "invalid_request_error.model_not_found")
    assert (bytes(session.client.frames), failures) == (sent, [])
    assert session.client.closes == [(4004, "invalid_request_error.model_not_found")]
    await session.ended(upstream)


async def test_an_upstream_without_sockets_may_answer_as_if_nothing_was_asked() -> None:
    with pytest.raises(UpstreamError, match="opened no WebSocket, but answered with status 200"):
        await opened(dial=refusing(lambda: json_reply({})))


CLIENT = ClientSettings("team", ("0" * 64,), models=("gpt-realtime*", "talk"))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/realtime", b"model=gpt-realtime"),
        ("/realtime", b"deployment=talk&api-version=2025-04-01-preview"),
        ("/realtime/translations", b"model=gpt-realtime-translate"),
        ("/live/sessions", b"model=talk"),
    ],
)
async def test_a_restricted_client_opens_sockets_for_its_models(path: str, query: bytes) -> None:
    result, _, _ = await opened(query, client=CLIENT, path=path)
    assert isinstance(result, RealtimeSession)


async def test_a_restricted_clients_model_may_be_in_the_path() -> None:
    result, _, _ = await opened(b"", client=CLIENT, model="talk")
    assert isinstance(result, RealtimeSession)
    with pytest.raises(PermissionDenied):
        await opened(b"", client=CLIENT, model="gpt-5")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/realtime", b"model=gpt-5"),
        ("/realtime", b"model=gpt-realtime&model=gpt-5"),
        ("/realtime", b"model=gpt-realtime&deployment=gpt-5"),
        ("/realtime", b"intent=transcription"),
        ("/realtime", b"call_id=rtc_1"),
        ("/realtime", b"model=gpt-realtime&Call%5fid=rtc_1"),
        ("/realtime", b""),
        ("/live/sessions/s1/attach", b"model=gpt-realtime"),
        ("/realtime/calls/c1", b"model=gpt-realtime"),
    ],
)
async def test_a_restricted_client_opens_none_for_others(path: str, query: bytes) -> None:
    dial = FakeDial()
    with pytest.raises(PermissionDenied):
        await opened(query, dial=dial, client=CLIENT, path=path)
    assert dial.calls == []


async def test_a_client_without_restrictions_may_join_a_call() -> None:
    anyone = ClientSettings("all", ("0" * 64,))
    result, _, _ = await opened(b"call_id=rtc_1", client=anyone)
    assert isinstance(result, RealtimeSession)
