"""Sockets in front of a gateway: each create is a request like any other."""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.api.sockets.sessions import Sessions
from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy
from gateway.errors import GatewayError, PermissionDenied
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.sockets.relays import ClientRelays, Create, RelayedTurn
from gateway.request import GenerationRequest, Request
from gateway.shapes import Json, RawHeaders, Shape, Sink
from gateway.translate.stream.sse import encode_events
from tests.api.sockets.stage import CLAUDE, INSTRUCT, MODEL, Stage, at, upstream_at
from tests.exchange.scene import ALICE, OPENAI
from tests.fakes import FakeReply, stream_reply
from tests.translate.demo_upstream import DemoUpstream

HOMES = [
    (Shape.CHAT, MODEL),
    (Shape.RESPONSES, MODEL),
    (Shape.COMPLETIONS, INSTRUCT),
    (Shape.MESSAGES, CLAUDE),
]
CREATE = {"type": "response.create", "model": MODEL, "input": "Hello"}
DIGEST = hashlib.sha256(b"alice").hexdigest()
TOOL: Json = {
    "type": "function",
    "name": "weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def stage_at(home: Shape, model: str, upstream: DemoUpstream, **more: Any) -> Stage:
    return Stage(upstream.answer, upstream_at(home), rules=at(home, model), **more)


def text_of(frames: list[Any]) -> str:
    return "".join(f["delta"] for f in frames if f["type"] == "response.output_text.delta")


@pytest.mark.parametrize(("home", "model"), HOMES)
def test_a_create_reaches_a_model_wherever_it_lives(home: Shape, model: str) -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(home, model, upstream)
        async with stage.socket() as socket:
            frames = await socket.turn(model=model, input="Hello", stream=False, stream_id="a")
            assert frames[0]["type"] == "response.created"
            assert "Hello" in text_of(frames)
            assert frames[-1]["response"]["status"] == "completed"
        assert stage.outcomes == [("success", 200)]
        assert stage.client.observer.seen[0].client == "responses"
        assert [shape for shape, _ in upstream.requests] == [home]

    asyncio.run(run())


@pytest.mark.parametrize(("home", "model"), [HOMES[0], HOMES[1], HOMES[3]])
def test_twenty_turns_with_tools_have_their_whole_history(home: Shape, model: str) -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(home, model, upstream)
        async with stage.socket() as socket:
            previous: Json = {}
            given: list[Json] = [{"role": "user", "content": "call weather"}]
            for turn in range(20):
                frames = await socket.turn(
                    model=model, input=given, tools=[TOOL], store=False, **previous
                )
                response = frames[-1]["response"]
                assert response["previous_response_id"] == previous.get("previous_response_id")
                previous = {"previous_response_id": response["id"]}
                calls = [item for item in response["output"] if item["type"] == "function_call"]
                if calls:
                    given = [
                        {
                            "type": "function_call_output",
                            "call_id": c["call_id"],
                            "output": f"{turn}",
                        }
                        for c in calls
                    ]
                else:
                    given = [{"role": "user", "content": "call weather"}]
        assert stage.outcomes == [("success", 200)] * 20
        last = msgspec.json.encode(upstream.requests[-1][1]).decode()
        assert last.count("call weather") >= 10

    asyncio.run(run())


def test_a_prewarm_costs_no_call_and_is_continued() -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream)
        developer = {"type": "message", "role": "developer", "content": "Be brief."}
        async with stage.socket() as socket:
            begun, warm = await socket.turn(model=MODEL, input=[developer], generate=False)
            assert (begun["type"], warm["type"]) == ("response.created", "response.completed")
            assert upstream.requests == []
            assert stage.outcomes == [("success", 200)]
            previous = warm["response"]["id"]
            frames = await socket.turn(model=MODEL, input="Hello", previous_response_id=previous)
            assert frames[0]["response"]["previous_response_id"] == previous
        ((_, sent),) = upstream.requests
        assert [message["role"] for message in sent["messages"]] == ["developer", "user"]

    asyncio.run(run())


def test_queues_run_beside_one_another_and_may_fork() -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream)
        async with stage.socket() as socket:
            frames = await socket.turn(model=MODEL, input="First", stream_id="a")
            previous = frames[-1]["response"]["id"]
            for stream_id in ("a", "b", "b"):
                event = {"type": "response.create", "model": MODEL, "input": f"In {stream_id}"}
                more = {"stream_id": stream_id, "previous_response_id": previous}
                socket.say({**event, **more})
            await socket.until(lambda: socket.types.count("response.completed") == 4)
            ends = [f["stream_id"] for f in socket.frames if f["type"] == "response.completed"]
            assert sorted(ends) == ["a", "a", "b", "b"]
        assert all("First" in str(sent["messages"]) for _, sent in upstream.requests)

    asyncio.run(run())


@pytest.mark.parametrize(("home", "model"), HOMES)
def test_wherever_the_upstream_is_killed_there_is_one_error(home: Shape, model: str) -> None:
    whole = DemoUpstream()
    stage_at(home, model, whole).scene.generate(
        Shape.RESPONSES, {"model": model, "input": "Hello", "stream": True}
    )

    async def run(cut: int) -> None:
        upstream = DemoUpstream(cut=cut)
        stage = stage_at(home, model, upstream)
        async with stage.socket() as socket:
            frames = await socket.turn(model=model, input="Hello")
            kinds = [frame["type"] for frame in frames]
            assert kinds.count("error") + kinds.count("response.completed") == 1
            if kinds[-1] == "error":
                assert frames[-1]["status"] == 502
                begun = next((f["response"]["id"] for f in frames if "response" in f), "resp_x")
                upstream.cut = None
                again = await socket.turn(model=model, input="Hi", previous_response_id=begun)
                assert again[-1]["error"]["code"] == "previous_response_not_found"
            upstream.cut = None
            frames = await socket.turn(model=model, input="Hello")
            assert frames[-1]["type"] == "response.completed"
            assert len([f for f in socket.frames if f["type"] == "error"]) <= 2
        broken = kinds[-1] == "error"
        assert (stage.outcomes[0][0] in ("stream_broken", "upstream_error")) is broken

    for cut in range(whole.lengths[0]):
        asyncio.run(run(cut))


def test_the_clients_restrictions_and_limits_hold() -> None:
    async def run() -> None:
        limited = ClientSettings("alice", (DIGEST,), models=("gpt-4o*",), max_concurrency=1)
        stage = stage_at(Shape.CHAT, MODEL, DemoUpstream(), clients=(limited,))
        async with stage.socket() as socket:
            frames = await socket.turn(model="o3", input="Hello")
            assert (frames[0]["status"], frames[0]["error"]["code"]) == (403, "model_not_allowed")
            frames = await socket.turn(model="o3", input="Hello", generate=False)
            assert frames[0]["status"] == 403
            stage.client.gateway._slots["alice"].take()
            frames = await socket.turn(model=MODEL, input="Hello")
            assert (frames[0]["status"], frames[0]["error"]["code"]) == (429, "rate_limit_exceeded")
            assert frames[0]["error"]["headers"]["retry-after"] == "1"
            stage.client.gateway._slots["alice"].give_back()
            assert (await socket.turn(model=MODEL, input="Hello"))[-1]["type"] != "error"
        assert [seen.decision.client for seen in stage.client.observer.seen] == ["alice"] * 4

    asyncio.run(run())


def test_creates_beyond_the_bounds_are_recorded_like_other_requests() -> None:
    async def run() -> None:
        alice = ClientSettings("alice", (DIGEST,))
        stage = stage_at(Shape.CHAT, MODEL, DemoUpstream(), clients=(alice,))
        async with stage.socket() as socket:
            for number in range(9):
                socket.say({**CREATE, "stream_id": str(number)})
            (error,) = [frame for frame in socket.frames if "error" in frame]
            assert (error["status"], error["stream_id"]) == (429, "8")
            assert stage.outcomes == [("client_limited", 429)]
            await socket.until(lambda: socket.types.count("response.completed") == 8)
        assert stage.outcomes[1:] == [("success", 200)] * 8
        assert {seen.decision.client for seen in stage.client.observer.seen} == {"alice"}

    asyncio.run(run())


def test_a_turn_has_the_credentials_and_the_query_of_the_handshake() -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream)
        headers = (*ALICE, (b"x-request-id", b"req-of-the-handshake"))
        query = b"a=1&gateway_report=1&b=2"
        async with stage.socket(headers=headers, query=query) as socket:
            for _ in range(2):
                await socket.turn(model=MODEL, input="Hello")
            reports = [f["headers"] for f in socket.frames if f["type"] == "gateway.report"]
            assert [f["x-gateway-endpoint"] for f in reports] == ["/v1/chat/completions"] * 2
            ids = {report["x-request-id"] for report in reports}
            assert len(ids) == 2
            assert "req-of-the-handshake" not in ids
        for call in stage.scene.network.calls:
            assert call.query == b"a=1&b=2"
            names = [name for name, _ in call.client_headers]
            assert not {b"upgrade", b"sec-websocket-key", b"x-request-id"} & {*names}
            assert (b"content-type", b"application/json") in call.client_headers
            assert dict(call.client_headers)[b"authorization"] == b"Bearer alice"

    asyncio.run(run())


@pytest.mark.parametrize("query", [b"gateway_report=0", b"", b"x=gateway_report"])
def test_without_the_wish_there_is_no_report(query: bytes) -> None:
    async def run() -> None:
        stage = stage_at(Shape.CHAT, MODEL, DemoUpstream())
        async with stage.socket(query=query) as socket:
            await socket.turn(model=MODEL, input="Hello")
            assert "gateway.report" not in socket.types

    asyncio.run(run())


def test_the_path_of_a_deployment_names_the_model() -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream)
        async with stage.socket(model=MODEL) as socket:
            frames = await socket.turn(input="Hello")
            previous = frames[-1]["response"]["id"]
            bad = [{"type": "message", "role": "user", "content": 5}]
            frames = await socket.turn(input=bad, previous_response_id=previous)
            assert frames[0]["error"]["param"] == "input[0].content"
            frames = await socket.turn(input="Hello", generate=False)
            assert frames[0]["response"]["model"] == MODEL

    asyncio.run(run())


KEYED = replace(OPENAI, credential=CredentialPolicy.KEY, api_key=Secret("sk-own"))


@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "invalid_api_key", "message": "Who is sk-own?"},
        {
            "type": "response.failed",
            "response": {"error": {"code": "401", "message": "Who is sk-own?"}},
        },
    ],
)
def test_a_refused_own_key_is_not_the_clients(error: Json, *, is_own: bool) -> None:
    async def run() -> None:
        upstream = KEYED if is_own else OPENAI
        created = {"type": "response.created", "response": {"id": "r1"}}
        stage = Stage(lambda _: stream_reply(created, error), upstream, rules=at(Shape.RESPONSES))
        async with stage.socket() as socket:
            first, last = await socket.turn(model=MODEL, input="Hello")
        assert first == created
        if is_own:
            assert (last["status"], last["error"]["code"]) == (502, "upstream_auth_error")
            assert b"sk-own" not in socket.messages[-1]
            assert stage.outcomes == [("stream_broken", 200)]
        else:
            assert b"sk-own" in socket.messages[-1]

    asyncio.run(run())


def test_compressed_replies_are_served_like_others() -> None:
    """Of a server that ignores `accept-encoding: identity`."""
    item = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
    }
    response = {"id": "r1", "object": "response", "status": "completed", "output": [item]}
    delta = {"type": "response.output_text.delta", "delta": "Hi"}
    done = {"type": "response.completed", "response": response}
    events = encode_events(Shape.RESPONSES, [delta, done])
    error = {"error": {"message": "Wait.", "type": "rate", "code": "slow", "param": None}}
    texts = [
        (200, b"text/event-stream", events),
        (200, b"application/json", msgspec.json.encode(response)),
        (429, b"application/json", msgspec.json.encode(error)),
    ]

    async def run(status: int, kind: bytes, text: bytes, step: int) -> None:
        packed = gzip.compress(text)
        pieces = [packed[at : at + step] for at in range(0, len(packed), step)]
        head = ((b"content-type", kind), (b"content-encoding", b"gzip"))
        reply = FakeReply(status, head, pieces)
        async with Stage(lambda _: reply, rules=at(Shape.RESPONSES)).socket() as socket:
            frames = await socket.turn(model=MODEL, input="Hello")
        last = frames[-1]
        if status == 200:
            assert (text_of(frames), last["response"]) == ("Hi", response)
        else:
            assert (last["status"], last["error"]["code"]) == (429, "slow")

    for status, kind, text in texts:
        for step in (9, 10_000):
            asyncio.run(run(status, kind, text, step))


@pytest.mark.parametrize("home", [Shape.RESPONSES, Shape.CHAT])
def test_another_coding_is_called_by_its_name(home: Shape) -> None:
    async def run() -> None:
        head = ((b"content-type", b"text/event-stream"), (b"content-encoding", b"br"))
        reply = FakeReply(200, head, (b"\x1b\x36\x00\x00\x00\x00",))
        async with Stage(lambda _: reply, rules=at(home)).socket() as socket:
            (frame,) = await socket.turn(model=MODEL, input="Hello")
        assert frame["status"] == 502
        assert "compressed as 'br'" in frame["error"]["message"]

    asyncio.run(run())


def test_a_compressed_refusal_of_an_unknown_response_is_understood() -> None:
    async def run() -> None:
        error = {"error": {"message": "No.", "code": "previous_response_not_found"}}
        head = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
        reply = FakeReply(400, head, (gzip.compress(msgspec.json.encode(error)),))
        async with Stage(lambda _: reply, rules=at(Shape.RESPONSES)).socket() as socket:
            (frame,) = await socket.turn(
                model=MODEL, input="Hello", previous_response_id="resp_unknown"
            )
        assert frame["error"]["code"] == "previous_response_not_found"
        assert "resp_unknown" in frame["error"]["message"]

    asyncio.run(run())


def test_a_client_that_leaves_ends_its_turns() -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream)
        async with stage.socket() as socket:
            socket.is_slow = True
            socket.say({"type": "response.create", "model": MODEL, "input": "!count 1000"})
            await socket.until(lambda: len(socket.messages) > 0)
        assert stage.outcomes == [("client_closed", 200)]
        assert stage.scene.network.replies[0].closed

    asyncio.run(run())


def test_a_client_that_does_not_read_stops_the_upstream() -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream)
        async with stage.socket() as socket:
            socket.is_slow = True
            socket.say({"type": "response.create", "model": MODEL, "input": "!count 300"})
            await socket.until(lambda: len(socket.messages) > 0)
            for _ in range(50):
                await asyncio.sleep(0)
            delivered = stage.scene.network.replies[0].delivered
            assert delivered < 10
            socket.read_again()
            await socket.until(lambda: "response.completed" in socket.types)

    asyncio.run(run())


def test_while_the_gateway_drains_creates_that_have_come_are_served() -> None:
    async def run() -> None:
        stage = stage_at(Shape.CHAT, MODEL, DemoUpstream())
        async with stage.socket() as socket:
            for _ in range(2):
                socket.say({"type": "response.create", "model": MODEL, "input": "Hello"})
            stage.client.gateway.drain()
            await socket.until(lambda: socket.types.count("response.completed") == 2)

    asyncio.run(run())


# --- sockets of upstreams -------------------------------------------------------------------------

DONE = b'{"type":"response.completed","response":{"id":"resp_up","output":[],"store":false}}'


class UpstreamsTurn(RelayedTurn):
    terminal = DONE

    @property
    def failure(self) -> None:
        return None

    async def pipe(self, sink: Sink) -> None:
        sink(DONE)

    def resume(self) -> None:
        """Nothing waits."""

    async def _release(self) -> None:
        """Nothing is behind it."""


class Relaying(ClientRelays):
    """Relays the turns of one model."""

    def __init__(self) -> None:
        self.creates: list[Create] = []
        self.calls: list[GenerationRequest] = []
        self.betas: list[RawHeaders] = []

    def of_client(self, beside: Callable[[bytes], bool], betas: RawHeaders = ()) -> ClientRelays:
        self.betas.append(betas)
        return self

    async def turn(
        self, call: GenerationRequest, decision: Decision, create: Create
    ) -> ClientReply | None:
        self.creates.append(create)
        self.calls.append(call)
        body = msgspec.json.decode(call.body)
        if body["model"] == "forbidden":
            raise PermissionDenied("No.")
        if body["model"] != "relayed":
            return None
        decision.upstream, decision.shape = "openai", Shape.RESPONSES
        return ClientReply(200, [], UpstreamsTurn())

    def forward(self, message: bytes, response_id: str) -> bool:
        return True

    async def aclose(self) -> None:
        """Nothing is open."""


def test_a_turn_is_relayed_where_it_can_be_and_remembered() -> None:
    async def run() -> None:
        relaying, upstream = Relaying(), DemoUpstream()
        stage = stage_at(Shape.CHAT, MODEL, upstream, relays=relaying)
        async with stage.socket() as socket:
            await socket.turn(model="relayed", input="First")
            assert socket.messages == [DONE]
            event = relaying.creates[0]
            assert msgspec.json.decode(event.message)["type"] == "response.create"
            assert ALICE[0] in relaying.calls[0].headers
            frames = await socket.turn(model="forbidden", input="Second", stream_id="a")
            assert frames[0]["status"] == 403
            frames = await socket.turn(model=MODEL, input="Third", previous_response_id="resp_up")
            assert frames[-1]["response"]["previous_response_id"] == "resp_up"
            assert relaying.creates[2].previous_response_id == "resp_up"
            assert relaying.creates[2].is_remembered
            assert not relaying.creates[0].is_remembered
            await socket.turn(model=MODEL, input="Fourth", previous_response_id=5)
            assert relaying.creates[3].previous_response_id is None
            more = {"previous_response_id": frames[-1]["response"]["id"]}
            await socket.turn(model="relayed", input="Fifth", **more)
            frames = await socket.turn(model=MODEL, input="Last", previous_response_id="resp_up")
        assert "First" in str(upstream.requests[0][1]["messages"])
        said = [message["content"] for message in upstream.requests[1][1]["messages"]]
        assert said == ["First", "Third", "You said: Third", "Fifth", "Last"]
        assert [outcome for outcome, _ in stage.outcomes] == [
            *("success", "client_error", "success", "client_error", "success", "success")
        ]

    asyncio.run(run())


def test_the_versions_of_sockets_that_a_client_speaks_are_its_relays_alone() -> None:
    betas = (
        (b"openai-beta", b"responses_websockets=2026-02-06, assistants=v2"),
        (b"openai-beta", b"responses_multi_agent=v1"),
    )

    async def run() -> None:
        relaying = Relaying()
        stage = stage_at(Shape.CHAT, MODEL, DemoUpstream(), relays=relaying)
        for fields in (betas, ()):
            async with stage.socket(headers=(*ALICE, *fields)) as socket:
                await socket.turn(model="relayed", input="Hi")
        assert relaying.betas == [betas, ()]
        sent = [field for field in relaying.calls[0].headers if field[0] == b"openai-beta"]
        assert sent == [(b"openai-beta", b"assistants=v2"), betas[1]]

    asyncio.run(run())


# --- the Realtime API -----------------------------------------------------------------------------


def test_realtime_sessions_are_opened_elsewhere() -> None:
    async def run() -> None:
        stage, request = stage_at(Shape.CHAT, MODEL, DemoUpstream()), Request("GET", "/realtime")
        with pytest.raises(GatewayError) as caught:
            await stage.sessions().realtime(request, Decision())
        assert caught.value.status == 426
        refusal = json_reply(b"{}", 401)

        async def opened(_: Request, decision: Decision) -> ClientReply:
            decision.upstream = "openai"
            return refusal

        turns, decision = stage.client.gateway.turns, Decision()
        sessions = Sessions(stage.scene.exchange, turns, realtime=opened)
        assert await sessions.realtime(request, decision) is refusal
        assert decision.upstream == "openai"

    asyncio.run(run())
