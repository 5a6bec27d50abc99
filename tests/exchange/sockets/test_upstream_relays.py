"""Turns on an upstream's sockets: begun, lost, sent again, refused, or served over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.errors import (
    PermissionDenied,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.exchange.sockets import upstream_relays
from gateway.exchange.sockets.relays import ClientRelays, Create, RelayedTurn
from gateway.exchange.sockets.upstream_relays import UpstreamRelays
from gateway.request import GenerationRequest
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import CallTimeouts, Json, RawHeaders, Shape, UpstreamCall
from gateway.sockets import Refused, SocketUser
from tests import kinds
from tests.exchange.scene import ALICE, OPENAI, Scene
from tests.exchange.sockets.scene import FakeDial, FakeSocket, frame
from tests.exchange.sockets.test_link import delta, event, response
from tests.fakes import FakeClock, error_reply, json_reply
from tests.upstream.scripted import until

pytestmark = pytest.mark.anyio

MODEL = "gpt-5.4"
HEADERS: RawHeaders = (*ALICE, (b"content-type", b"application/json"))
OTHER = UpstreamSettings("other", "https://o/v1", kinds.OPENAI, timeouts=TimeoutSettings())
KEYED = UpstreamSettings(
    "keyed", "https://k/v1", kinds.OPENAI, CredentialPolicy.KEY, api_key=Secret("sk-own")
)
RULES = (
    ModelRule("keyed/*", upstream="keyed", endpoints=(Shape.RESPONSES,)),
    ModelRule("other/*", upstream="other", endpoints=(Shape.RESPONSES,)),
    ModelRule("slow/*", endpoints=(Shape.RESPONSES,), timeouts=CallTimeouts(queue=3.0)),
)


class Stage:
    """One client's relays, before upstreams that do as `answer` says."""

    def __init__(self, answer: Callable[[UpstreamCall], FakeSocket] | None = None) -> None:
        self.scene = Scene(lambda _: json_reply({}), OPENAI, OTHER, KEYED, rules=RULES)
        self.dial = FakeDial(answer or (lambda _: FakeSocket()))
        self.clock = FakeClock()
        self.failures: list[UpstreamFailure] = []
        self.shared = UpstreamRelays(
            self.scene.exchange, self.dial, self.clock, self.failures.append
        )
        self.beside: list[bytes] = []
        self.relays = self.client()
        self.decision = Decision()

    def client(self) -> ClientRelays:
        def beside(frames: bytes) -> bool:
            self.beside.append(frames)
            return True

        return self.shared.of_client(beside)

    def begin(
        self,
        model: str = MODEL,
        relays: ClientRelays | None = None,
        client: ClientSettings | None = None,
        headers: RawHeaders = HEADERS,
        **fields: Any,
    ) -> "asyncio.Task[ClientReply | None]":
        body = {"model": model, "input": "hi", **fields}
        stream_id = body.pop("stream_id", None)
        is_remembered = body.pop("is_remembered", False)
        raw = msgspec.json.encode(body)
        message = msgspec.json.encode({"type": "response.create", **body})
        call = GenerationRequest.at(Shape.RESPONSES, raw, headers, b"a=b", client)
        self.decision = Decision()
        create = Create(message, stream_id, fields.get("previous_response_id"), is_remembered)
        turn: Awaitable[ClientReply | None] = (relays or self.relays).turn(
            call, self.decision, create
        )
        return asyncio.ensure_future(turn)

    async def sent(self, count: int = 1, socket: int = -1) -> FakeSocket:
        """Return an upstream's socket, the last by default, once it has so many messages."""
        sockets = self.dial.sockets
        await until(lambda: len(sockets) > max(socket, 0))
        await until(lambda: len(sockets[socket].messages) >= count)
        return sockets[socket]


async def read(reply: ClientReply | None) -> bytes:
    assert reply is not None
    assert isinstance(reply.body, RelayedTurn)
    frames = bytearray()

    def sink(piece: bytes) -> bool:
        frames.extend(piece)
        return True

    try:
        await reply.body.pipe(sink)
    finally:
        await reply.body.aclose()
    return bytes(frames)


async def test_a_turn_is_sent_as_it_came_and_its_events_come_back() -> None:
    stage = Stage()
    turn = stage.begin(store=False)
    socket = await stage.sent()
    call = stage.dial.calls[0]
    assert (call.upstream, call.method, call.path, call.query) == (
        "openai",
        "GET",
        "/responses",
        b"a=b",
    )
    assert (call.body, call.client_headers, call.model) == (b"", ALICE, MODEL)
    assert call.timeouts is None
    assert msgspec.json.decode(socket.messages[0]) == {
        "type": "response.create",
        "model": MODEL,
        "input": "hi",
        "store": False,
    }
    assert not socket.pings
    sent = [response("created", "r1"), delta(), response("completed", "r1")]
    socket.says(*sent)
    reply = await turn
    assert reply is not None
    assert (reply.status, reply.headers) == (200, [])
    assert await read(reply) == b"".join(sent)
    decision = stage.decision
    assert (decision.upstream, decision.shape, decision.endpoint, decision.attempts) == (
        "openai",
        Shape.RESPONSES,
        "/v1/responses",
        1,
    )
    assert (decision.model_asked, decision.model_sent, decision.resends) == (MODEL, MODEL, 0)


async def test_the_upstream_learns_which_versions_the_client_speaks() -> None:
    stage, beta = Stage(), (b"openai-beta", b"responses_websockets=2026-02-06")
    relays = stage.shared.of_client(lambda _: True, (beta,))
    for number, model in enumerate((MODEL, "other/m")):
        turn = stage.begin(model, relays=relays, headers=(*HEADERS, (b"openai-beta", b"x")))
        (await stage.sent(socket=number)).says(response("completed", "r1"))
        await read(await turn)
    assert [call.client_headers for call in stage.dial.calls] == [(*ALICE, beta)] * 2


async def test_what_will_end_is_warned_of_as_over_http() -> None:
    stage = Stage()
    turn = stage.begin(prompt={"id": "pmpt_1"})
    (await stage.sent()).says(response("completed", "r1"))
    await read(await turn)
    assert "prompt objects" in stage.decision.warning
    turn = stage.begin("o1-pro")
    (await stage.sent(2)).says(response("completed", "r2"))
    await read(await turn)
    assert "o1-pro" in stage.decision.warning


async def test_a_model_that_no_list_names_is_known_once_it_has_answered() -> None:
    stage = Stage()
    resolver = stage.scene.resolver
    for message, known in (
        (event("error", status=500, error={}), False),
        (response("completed", "r1"), True),
    ):
        turn = stage.begin("unheard-of")
        (await stage.sent(1 + known)).says(message)
        await read(await turn)
        query = ModelQuery("unheard-of", Shape.RESPONSES, headers=HEADERS)
        route = await resolver.resolve(query)
        scope = resolver.scope(route, HEADERS)
        assert resolver.notes.has_answered(scope, "unheard-of") is known


async def test_later_turns_use_the_same_socket_each_upstream_has_its_own() -> None:
    stage = Stage()
    for count in (1, 2):
        turn = stage.begin()
        (await stage.sent(count)).says(response("completed", f"r{count}"))
        await read(await turn)
    assert len(stage.dial.calls) == 1
    turn = stage.begin("other/m")
    (await stage.sent(socket=1)).says(response("completed", "r3"))
    await read(await turn)
    assert [call.upstream for call in stage.dial.calls] == ["openai", "other"]
    await stage.relays.aclose()
    assert [socket.closes for socket in stage.dial.sockets] == [[(1000, "")]] * 2


async def test_turns_side_by_side_dial_once() -> None:
    stage = Stage()
    one, two = stage.begin(stream_id="1"), stage.begin(stream_id="2")
    socket = await stage.sent(2)
    assert len(stage.dial.calls) == 1
    socket.says(
        response("completed", "r2", stream_id="2"), response("completed", "r1", stream_id="1")
    )
    assert await read(await one) == response("completed", "r1", stream_id="1")
    assert await read(await two) == response("completed", "r2", stream_id="2")


async def test_no_turn_waits_for_the_handshake_of_another_upstream() -> None:
    stage, slow = Stage(), asyncio.Event()
    dial = stage.dial

    async def dialled(call: UpstreamCall) -> FakeSocket:
        if call.upstream == "other":
            await slow.wait()
        return await dial(call)

    stage.shared.dial = dialled
    waiting = stage.begin("other/m", stream_id="1")
    turn = stage.begin(stream_id="2")
    (await stage.sent()).says(response("completed", "r2"))
    assert await read(await turn) == response("completed", "r2")
    slow.set()
    (await stage.sent(socket=1)).says(response("completed", "r1"))
    assert await read(await waiting) == response("completed", "r1")


async def test_a_turn_continues_what_the_same_socket_has_made_and_nothing_else() -> None:
    stage = Stage()
    assert await stage.begin(previous_response_id="elsewhere") is None
    assert stage.dial.calls == []
    turn = stage.begin()
    (await stage.sent()).says(response("completed", "r1"))
    await read(await turn)
    turn = stage.begin(previous_response_id="r1")
    socket = await stage.sent(2)
    socket.says(response("completed", "r2"))
    await read(await turn)
    assert await stage.begin(previous_response_id="elsewhere") is None
    socket.ends(1001)
    assert await stage.begin(previous_response_id="r2") is None


async def test_what_is_not_relayed_is_served_over_http() -> None:
    stage = Stage()
    assert await stage.begin("gpt-3.5-turbo-instruct") is None
    assert stage.dial.calls == []


@pytest.mark.parametrize("status", [200, 404, 426, 501, 503])
async def test_an_upstream_without_sockets_is_not_asked_again_for_some_minutes(
    status: int,
) -> None:
    def refuse(_: UpstreamCall) -> FakeSocket:
        raise Refused(error_reply(status, "no"))

    stage = Stage(refuse)
    assert await stage.begin() is None
    assert await stage.begin() is None
    assert await stage.begin(relays=stage.client()) is None
    assert len(stage.dial.calls) == 1
    stage.clock.advance(upstream_relays.REMEMBERED)
    assert await stage.begin() is None
    assert len(stage.dial.calls) == 1
    assert await stage.begin(relays=stage.client()) is None
    assert len(stage.dial.calls) == 2


@pytest.mark.parametrize(
    "error",
    [
        Refused(error_reply(401, "bad key")),
        Refused(error_reply(429, "slow down")),
        UpstreamUnavailable("not there"),
    ],
)
async def test_a_failure_that_may_be_the_clients_counts_for_its_connection(
    error: Exception,
) -> None:
    def fail(_: UpstreamCall) -> FakeSocket:
        raise error

    stage = Stage(fail)
    assert await stage.begin() is None
    assert await stage.begin() is None
    assert len(stage.dial.calls) == 1
    assert await stage.begin(relays=stage.client()) is None
    assert len(stage.dial.calls) == 2


@pytest.mark.parametrize("error", [UpstreamTimeout("silent"), UpstreamError("bad handshake")])
async def test_an_upstream_that_breaks_handshakes_counts_as_one_without_sockets(
    error: Exception,
) -> None:
    def fail(_: UpstreamCall) -> FakeSocket:
        raise error

    stage = Stage(fail)
    assert await stage.begin() is None
    assert await stage.begin(relays=stage.client()) is None
    assert len(stage.dial.calls) == 1
    assert [(each.upstream, each.message) for each in stage.failures] == [("openai", str(error))]


@pytest.mark.parametrize("code", [1000, 1006, 1008, 1013])
@pytest.mark.parametrize("is_told", [False, True])
async def test_a_socket_that_is_closed_at_once_is_not_waited_for(
    code: int, *, is_told: bool
) -> None:
    class Closed(FakeSocket):
        def attach(self, user: SocketUser) -> None:
            super().attach(user)
            if is_told:
                self.ends(code)
            else:
                self.is_closing = True

    stage = Stage(lambda _: Closed())
    assert await stage.begin() is None
    assert await stage.begin() is None
    assert (len(stage.dial.calls), stage.dial.sockets[0].messages) == (1, [])
    assert stage.decision.attempts == 0
    assert [(each.upstream, each.reason) for each in stage.failures] == [("openai", "closed")]
    assert await stage.begin(relays=stage.client()) is None
    assert len(stage.dial.calls) == 2


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012])
async def test_a_create_that_was_written_is_never_sent_again(code: int) -> None:
    stage = Stage()
    turn = stage.begin()
    (await stage.sent()).says(response("completed", "r1"))
    await read(await turn)
    turn = stage.begin()
    (await stage.sent(2)).ends(code)
    with pytest.raises(UpstreamError, match="closed its WebSocket without an answer") as caught:
        await turn
    assert (caught.value.status, caught.value.reason) == (502, "closed")
    decision = stage.decision
    assert (decision.upstream, decision.attempts, decision.resends) == ("openai", 1, 0)
    assert len(stage.dial.calls) == 1
    turn = stage.begin()
    (await stage.sent(socket=1)).says(response("completed", "r1"))
    await read(await turn)


@pytest.mark.parametrize("code", [1000, 1006, 1011])
async def test_an_upstream_whose_socket_never_answers_counts_as_one_without(code: int) -> None:
    stage = Stage()
    turn = stage.begin()
    (await stage.sent()).ends(code)
    with pytest.raises(UpstreamError, match="closed its WebSocket without an answer"):
        await turn
    assert await stage.begin() is None
    assert await stage.begin(relays=stage.client()) is None
    assert len(stage.dial.calls) == 1
    stage.clock.advance(upstream_relays.REMEMBERED)
    turn = stage.begin()
    (await stage.sent(socket=1)).says(response("completed", "r1"))
    await read(await turn)


@pytest.mark.parametrize("end", ["told", "near"])
async def test_a_socket_that_was_closed_before_the_write_is_opened_again(end: str) -> None:
    stage = Stage()
    turn = stage.begin()
    socket = await stage.sent()
    socket.says(response("completed", "r1"))
    await read(await turn)
    if end == "told":
        socket.ends(1012)
    else:
        socket.is_closing = True
    turn = stage.begin()
    (await stage.sent(socket=1)).says(response("completed", "r2"))
    await read(await turn)
    assert len(socket.messages) == 1
    assert (stage.decision.attempts, stage.decision.resends) == (1, 0)


async def test_a_turn_is_attributed_before_its_first_event() -> None:
    stage = Stage()
    turn = stage.begin()
    await stage.sent()
    decision = stage.decision
    assert (decision.upstream, decision.endpoint, decision.attempts, decision.model_sent) == (
        *("openai", "/v1/responses", 1),
        MODEL,
    )
    turn.cancel()
    await asyncio.wait({turn})


@pytest.mark.parametrize("code", [1008, 1009])
async def test_what_an_upstream_does_not_take_on_a_socket_goes_over_http(code: int) -> None:
    stage = Stage()
    turn = stage.begin()
    (await stage.sent()).ends(code)
    assert await turn is None
    assert stage.decision.attempts == 1
    assert await stage.begin() is None
    assert len(stage.dial.calls) == 1


@pytest.mark.parametrize("code", [1008, 1009])
async def test_only_what_was_written_last_is_known_to_be_refused(code: int) -> None:
    stage = Stage()
    one, two = stage.begin(stream_id="1"), stage.begin(stream_id="2")
    (await stage.sent(2)).ends(code)
    with pytest.raises(UpstreamError, match="without an answer"):
        await one
    assert await two is None
    assert len(stage.dial.calls) == 1


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_after_the_first_event_nothing_is_sent_again(after: int) -> None:
    stage = Stage()
    turn = stage.begin()
    socket = await stage.sent()
    events = [response("created", "r1"), delta(), delta("y")]
    socket.says(*events[:after])
    reply = await turn
    socket.ends(1012)
    with pytest.raises(TruncatedStream):
        await read(reply)
    assert len(stage.dial.calls) == 1
    turn = stage.begin()
    (await stage.sent(socket=1)).says(response("completed", "r2"))
    assert await read(await turn) == response("completed", "r2")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"code": "rate_limit_exceeded", "message": "Slow down."}),
        (400, {"code": "previous_response_not_found", "message": "Not found."}),
        (400, {"code": "websocket_connection_limit_reached", "message": "60 minutes."}),
        (400, {"code": "invalid_value", "param": "input", "message": "Invalid value."}),
        (500, {"message": "Oops."}),
    ],
)
async def test_an_error_is_the_reply(status: int, error: dict[str, str]) -> None:
    stage = Stage()
    turn = stage.begin()
    sent = event("error", status=status, error=error)
    (await stage.sent()).says(sent)
    reply = await turn
    assert reply is not None
    assert reply.status == status
    assert await read(reply) == sent


@pytest.mark.parametrize(
    "error",
    [
        {
            "message": "Unsupported parameter: 'prompt_cache_key' is not supported with this "
            "model.",
            "param": "prompt_cache_key",
            "code": "unsupported_parameter",
            "type": "invalid_request_error",
        },
        {
            "message": "The model `gpt-5.4` does not exist or you do not have access to it.",
            "code": "model_not_found",
            "type": "invalid_request_error",
        },
    ],
)
async def test_a_refusal_from_which_http_learns_is_served_there(error: dict[str, str]) -> None:
    stage = Stage()
    turn = stage.begin(prompt_cache_key="x")
    socket = await stage.sent()
    socket.says(event("error", status=400, error=error))
    assert await turn is None
    assert not socket.is_aborted
    turn = stage.begin()
    (await stage.sent(2)).says(response("completed", "r1"))
    await read(await turn)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"message": "Incorrect API key provided: sk-own.", "code": "invalid_api_key"}),
        (403, {"message": "Project sk-own may not.", "code": "forbidden"}),
        (None, {"message": "Wrong key: sk-own.", "code": 401}),
        (None, {"message": "Wrong key: sk-own.", "code": "invalid_api_key"}),
    ],
)
async def test_a_refusal_of_the_gateways_own_key_is_not_the_clients(
    status: int | None, error: Json
) -> None:
    stage = Stage()
    turn = stage.begin("keyed/m")
    socket = await stage.sent()
    socket.says(event("error", status=status, error=error))
    with pytest.raises(UpstreamError, match="refused the key that the gateway") as caught:
        await turn
    found = caught.value
    assert (found.status, found.code, found.reason) == (502, "upstream_auth_error", "key_refused")
    assert (stage.decision.upstream, stage.decision.attempts) == ("keyed", 1)
    assert not socket.is_aborted
    turn = stage.begin("other/m")
    sent = event("error", status=status, error=error)
    (await stage.sent(socket=1)).says(sent)
    assert await read(await turn) == sent


OWN_KEY: list[Json] = [
    {"type": "error", "status": 401, "error": {"message": "Who is sk-own?"}},
    {"type": "error", "status_code": 403, "error": {"message": "Project sk-own may not."}},
    {"type": "error", "status": 400, "error": {"message": "Incorrect API key provided: sk-own."}},
    {"type": "error", "code": "invalid_api_key", "message": "sk-own is wrong."},
    {"type": "response.failed", "response": {"error": {"code": "401", "message": "sk-own"}}},
    {
        "type": "response.failed",
        "response": {"id": "r1", "error": {"code": "server_error", "message": "Invalid API key."}},
    },
]


@pytest.mark.parametrize("error", OWN_KEY)
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_refused_own_key_is_not_the_clients_whenever_that_is_said(
    after: int, error: Json
) -> None:
    stage = Stage()
    before = [response("created", "r1"), delta()][:after]
    turn = stage.begin("keyed/m")
    socket = await stage.sent()
    socket.says(*before, frame(msgspec.json.encode(error)), event("codex.rate_limits"))
    with pytest.raises(UpstreamError, match="refused the key that the gateway") as caught:
        await read(await turn)
    assert (caught.value.status, caught.value.reason) == (502, "key_refused")
    assert not socket.is_aborted
    turn = stage.begin("keyed/m")
    (await stage.sent(2)).says(response("completed", "r2"))
    assert await read(await turn) == response("completed", "r2")


@pytest.mark.parametrize("error", OWN_KEY)
@pytest.mark.parametrize("after", [0, 1])
async def test_a_refused_key_of_the_client_is_its_own_business(after: int, error: Json) -> None:
    stage = Stage()
    sent = [*[response("created", "r1")][:after], frame(msgspec.json.encode(error))]
    turn = stage.begin("other/m")
    (await stage.sent()).says(*sent)
    assert await read(await turn) == b"".join(sent)


async def test_what_came_before_a_refused_key_is_the_clients() -> None:
    stage = Stage()
    one, two = stage.begin("keyed/m", stream_id="1"), stage.begin("keyed/m", stream_id="2")
    socket = await stage.sent(2)
    begun = [response("created", f"r{name}", stream_id=name) for name in "12"]
    refused = event("error", stream_id="1", status=401, error={"message": "sk-own"})
    last = response("completed", "r2", stream_id="2")
    socket.says(*begun, delta(stream_id="1"), refused, delta(stream_id="2"), last)
    found = await one
    assert found is not None
    assert isinstance(found.body, RelayedTurn)
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return True

    with pytest.raises(UpstreamError, match="refused the key"):
        await found.body.pipe(take)
    assert b"".join(taken) == begun[0] + delta(stream_id="1")
    assert found.body.terminal == b""
    assert await read(await two) == begun[1] + delta(stream_id="2") + last


@pytest.mark.parametrize("model", ["keyed/m", "other/m"])
async def test_outside_of_turns_a_refused_own_key_is_for_the_operator(model: str) -> None:
    stage = Stage()
    turn = stage.begin(model)
    socket = await stage.sent()
    socket.says(response("completed", "r1"))
    await read(await turn)
    error = event("error", status=401, error={"message": "Incorrect API key provided: sk-own."})
    socket.says(event("codex.a"), error, event("codex.b"))
    is_own = model == "keyed/m"
    shown = [event("codex.a"), *([] if is_own else [error]), event("codex.b")]
    assert b"".join(stage.beside) == b"".join(shown)
    assert [(each.upstream, each.reason) for each in stage.failures] == (
        [("keyed", "key_refused")] if is_own else []
    )


async def test_an_error_without_a_status_may_lead_on_too() -> None:
    stage = Stage()
    error = {"message": "The model `gpt-5.4` does not exist.", "code": "model_not_found"}
    for count, said in enumerate(
        (event("error", **error), event("response.failed", response={"error": error})), 1
    ):
        turn = stage.begin()
        (await stage.sent(count)).says(said)
        assert await turn is None


async def test_what_comes_before_a_response_is_not_its_first_event() -> None:
    stage, aside = Stage(), event("codex.rate_limits")
    error = event("error", status=401, error={"code": "invalid_api_key", "message": "sk-own"})
    turn = stage.begin("keyed/m")
    (await stage.sent()).says(aside, error)
    with pytest.raises(UpstreamError, match="refused the key that the gateway"):
        await turn
    turn = stage.begin("keyed/m")
    socket = await stage.sent(2)
    socket.says(aside)
    socket.says(response("completed", "r1"))
    assert await read(await turn) == aside + response("completed", "r1")
    turn = stage.begin("keyed/m")
    (await stage.sent(3)).says(aside)
    socket.ends(1009)
    assert await turn is None


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_other_errors_for_the_gateways_own_key_are_the_reply(status: int) -> None:
    stage = Stage()
    turn = stage.begin("keyed/m")
    sent = event("error", status=status, error={"code": "insufficient_quota", "message": "No."})
    (await stage.sent()).says(sent)
    reply = await turn
    assert reply is not None
    assert (reply.status, await read(reply)) == (status, sent)


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_what_an_upstream_has_forgotten_is_served_from_memory(*, is_remembered: bool) -> None:
    stage = Stage()
    for count, previous in enumerate((None, "r1"), 1):
        turn = stage.begin(previous_response_id=previous)
        (await stage.sent(count)).says(response("completed", f"r{count}"))
        await read(await turn)
    turn = stage.begin(previous_response_id="r1", is_remembered=is_remembered)
    error = {"code": "previous_response_not_found", "message": "Not found."}
    socket = await stage.sent(3)
    socket.says(event("error", status=400, error=error))
    reply = await turn
    assert (reply is None) is is_remembered
    assert not socket.is_aborted
    turn = stage.begin(previous_response_id="r2")
    (await stage.sent(4)).says(response("completed", "r4"))
    await read(await turn)


async def test_a_turn_that_is_cancelled_ends_its_socket() -> None:
    stage = Stage()
    turn = stage.begin()
    socket = await stage.sent()
    turn.cancel()
    await asyncio.wait({turn})
    assert socket.is_aborted


async def test_other_messages_go_to_the_upstream_that_makes_their_response() -> None:
    stage = Stage()
    assert not stage.relays.forward(b"steer", "r1")
    turn = stage.begin()
    socket = await stage.sent()
    assert not stage.relays.forward(b"steer", "r1")
    socket.says(response("created", "r1"))
    reply = await turn
    second = stage.begin("other/m")
    other = await stage.sent(socket=1)
    other.says(response("completed", "r2"))
    await read(await second)
    assert stage.relays.forward(b"one", "r1")
    assert stage.relays.forward(b"two", "r2")
    assert not stage.relays.forward(b"three", "r3")
    second = stage.begin("other/m")
    (await stage.sent(3, socket=1)).says(response("completed", "r1"))
    await read(await second)
    assert not stage.relays.forward(b"whose?", "r1")
    other.ends()
    assert (socket.messages[1:], other.messages[1:]) == ([b"one"], [b"two", other.messages[0]])
    socket.says(response("completed", "r1"))
    await read(reply)
    assert stage.relays.forward(b"late", "r1")
    socket.is_closing = True
    assert not stage.relays.forward(b"too late", "r1")
    socket.ends(1000)
    assert not stage.relays.forward(b"too late", "r1")
    assert (socket.messages[2:], len(other.messages)) == ([b"late"], 3)


async def test_a_restricted_client_names_its_models_only() -> None:
    only = ClientSettings("only", ("0" * 64,), models=(MODEL,))
    stage = Stage()
    with pytest.raises(PermissionDenied):
        await stage.begin("gpt-5.5", client=only)
    turn = stage.begin(client=only)
    (await stage.sent()).says(response("completed", "r1"))
    await read(await turn)
    assert stage.relays.forward(b'{"type":"response.steer","input":"x"}', "r1")
    assert not stage.relays.forward(b'{"type":"response.inject","model":"gpt-5.5"}', "r1")
    assert not stage.relays.forward(b'{"model":"gpt-5.4","model":"gpt-5.4"}', "r1")


async def test_what_belongs_to_no_turn_reaches_the_client_too() -> None:
    stage = Stage()
    turn = stage.begin("slow/m")
    socket = await stage.sent()
    assert stage.dial.calls[0].timeouts == CallTimeouts(queue=3.0)
    socket.says(response("completed", "r1"), event("codex.rate_limits"))
    assert (await read(await turn)).endswith(event("codex.rate_limits"))
    socket.says(event("between"))
    assert stage.beside == [event("between")]
