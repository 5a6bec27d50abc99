"""Turns that are relayed to an upstream's own sockets, over real connections."""

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy
from tests.clients.running import RunningGateway, Stage, stage
from tests.clients.sockets_before import UNLIMITED, gateway_before, upstream
from tests.clients.test_openai_sockets import CHAT, RESPONSES, connection, last, turn
from tests.rows import module_fixture
from tests.upstream.scripted import until

TURNS = 8
USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 8,
}
EVENTS = [
    {"type": "response.created", "response": {"id": "r1"}},
    {"type": "response.output_text.delta", "delta": "He"},
    {"type": "response.output_text.delta", "delta": "llo"},
    {"type": "response.completed", "response": {"id": "r1", "output": [], "usage": USAGE}},
]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


@module_fixture
def running() -> Iterator[Stage]:
    with stage() as both:
        yield both


def test_a_conversation_stays_on_the_upstreams_socket(running: Stage) -> None:
    async def scenario() -> None:
        before = len(running.upstream_paths())
        async with connection(running) as connected:
            event = await turn(connected, RESPONSES, "Turn 0")
            for number in range(1, TURNS):
                previous = event.response.id
                event = await turn(
                    connected, RESPONSES, f"Turn {number}", previous_response_id=previous
                )
                assert event.response.previous_response_id == previous
        made = [path for path in running.upstream_paths()[before:] if "models" not in path]
        assert made == ["GET /v1/responses"]

    run(scenario())


def test_a_conversation_moves_from_a_relayed_model_to_another_one(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            event = await turn(connected, RESPONSES, "The first question")
            event = await turn(
                connected, RESPONSES, "The second", previous_response_id=event.response.id
            )
            event = await turn(connected, CHAT, "The third", previous_response_id=event.response.id)
            assert event.type == "response.completed"
        sent = json.loads(running.upstream.journal[-1].body)["messages"]
        assert [message["role"] for message in sent] == ["user", "assistant"] * 2 + ["user"]
        assert "The first question" in json.dumps(sent[0])

    run(scenario())


def test_queues_run_beside_one_another(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            for stream_id in ("a", "b"):
                event = {"type": "response.create", "model": RESPONSES, "input": "Hi"}
                await connected.send({**event, "store": False, "stream_id": stream_id})
            ends = [await last(connected) for _ in range(2)]
            assert {end.stream_id for end in ends} == {"a", "b"}
            assert all(end.type == "response.completed" for end in ends)

    run(scenario())


def test_an_error_of_the_upstream_is_the_turns(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            assert (await turn(connected, RESPONSES, "!429")).status == 429
            assert (await turn(connected, RESPONSES, "!500")).type == "error"
            assert (await turn(connected, RESPONSES, "Hello")).type == "response.completed"

    run(scenario())


def client_of(gateway: RunningGateway) -> connect:
    url = gateway.base_url.replace("http", "ws") + "/responses"
    return connect(url, additional_headers={"authorization": "Bearer sk"}, **UNLIMITED)


def read(url: str) -> str:
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - the gateway's own
        return str(reply.read(), "utf-8")


CREATE = json.dumps({"type": "response.create", "model": "gpt-5.4", "input": "Hi"})


async def events(client: ClientConnection, until_one: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    while not found or found[-1]["type"] not in until_one:
        found.append(json.loads(await client.recv()))
    return found


@pytest.mark.parametrize("abort", [False, True])
@pytest.mark.parametrize("after", range(5))
def test_an_upstream_is_lost_at_every_event(after: int, abort: bool) -> None:
    """What was delivered is not sent again: the turn ends in an error; the socket stays."""
    creates = 0

    async def breaks(served: ServerConnection) -> None:
        nonlocal creates
        async for message in served:
            creates += 1
            assert message == CREATE
            is_lost = creates == 2
            for event in EVENTS[: after if is_lost else None]:
                await served.send(json.dumps(event))
            if is_lost and abort:
                served.transport.abort()
            elif is_lost:
                await served.close(1011)

    async def scenario() -> None:
        async with (
            upstream(breaks) as url,
            gateway_before(url) as gateway,
            client_of(gateway) as client,
        ):
            await client.send(CREATE)
            assert await events(client, ("response.completed",)) == EVENTS
            await client.send(CREATE)
            got = await events(client, ("response.completed", "error"))
            if after == 4:
                assert got == EVENTS
            elif not (abort and after):  # an abort may overtake events
                assert got[:-1] == EVENTS[:after]
                assert (got[-1]["type"], got[-1]["status"]) == ("error", 502)
            await client.send(CREATE)
            assert await events(client, ("response.completed",)) == EVENTS
            assert creates == 3

    run(scenario())


def raw(*messages: str, masked: bool = False) -> bytes:
    """Return frames in one piece, of which the last one breaks the protocol."""
    frames = [Frame(Opcode.TEXT, message.encode()).serialize(mask=masked) for message in messages]
    return b"".join(frames) + b"\xc1\x80"


@pytest.mark.parametrize("said", [2, 4])
def test_a_turn_has_what_came_before_its_upstream_breaks_the_protocol(said: int) -> None:
    async def breaks(served: ServerConnection) -> None:
        async for _ in served:
            served.transport.write(raw(*map(json.dumps, EVENTS[:said])))

    async def scenario() -> None:
        async with (
            upstream(breaks) as url,
            gateway_before(url) as gateway,
            client_of(gateway) as client,
        ):
            for _ in range(2):  # on a new socket each time
                await client.send(CREATE)
                got = await events(client, ("response.completed", "error"))
                assert got[:said] == EVENTS[:said]
                assert (got[said:] == []) is (said == len(EVENTS))
                assert all("broke the WebSocket protocol" in str(each) for each in got[said:])

    run(scenario())


async def heard_on(socket: ServerConnection | ClientConnection) -> list[str | bytes]:
    """Return what comes until the socket is closed, however it is."""
    heard = []
    with contextlib.suppress(ConnectionClosed):
        async for message in socket:
            heard.append(message)  # noqa: PERF401 - the end raises
    return heard


@pytest.mark.parametrize("side", ["client", "upstream"])
def test_a_session_has_what_came_before_one_side_breaks_the_protocol(side: str) -> None:
    ends: list[tuple[list[str | bytes], int | None]] = []

    async def listens(served: ServerConnection) -> None:
        if side == "upstream":
            served.transport.write(raw("one", "two"))
        ends.append((await heard_on(served), served.close_code))

    async def scenario() -> None:
        async with upstream(listens) as url, gateway_before(url) as gateway:
            at = gateway.base_url.replace("http", "ws") + "/realtime?model=gpt-realtime-2.1"
            async with connect(at, additional_headers={"authorization": "Bearer sk"}) as client:
                if side == "client":
                    client.transport.write(raw("one", "two", masked=True))
                got = await heard_on(client), client.close_code
                await until(lambda: bool(ends))
                said = ["one", "two"]
                if side == "client":
                    assert (got, ends[0]) == (([], 1002), (said, 1001))
                else:
                    assert (got, ends[0]) == ((said, 1011), ([], 1002))

    run(scenario())


@pytest.mark.parametrize("is_own", [True, False])
def test_a_realtime_key_may_be_refused_after_the_handshake(*, is_own: bool) -> None:
    """As OpenAI does it: an event with a part of the key, and a close code of its own."""
    event = json.dumps(
        {"type": "error", "error": {"code": "invalid_api_key", "message": "Whose is sk-own?"}}
    )
    reason = "invalid_request_error.invalid_api_key"
    own = {"credential": CredentialPolicy.KEY, "api_key": Secret("sk-own")}

    async def refuses(served: ServerConnection) -> None:
        await served.send(event)
        await served.close(3000, reason)

    async def scenario() -> None:
        async with upstream(refuses) as url, gateway_before(url, own if is_own else {}) as gateway:
            at = gateway.base_url.replace("http", "ws") + "/realtime?model=gpt-realtime-2.1"
            async with connect(at, additional_headers={"authorization": "Bearer sk"}) as client:
                (heard,) = await heard_on(client)
                end = client.close_code, client.close_reason
            metrics = await asyncio.to_thread(read, gateway.admin_url + "/metrics")
        assert ('reason="key_refused"' in metrics) is is_own
        if is_own:
            assert "upstream_auth_error" in str(heard)
            assert end == (1011, "upstream_auth_error")
        else:
            assert (heard, end) == (event, (3000, reason))

    run(scenario())


def test_frames_are_those_of_the_upstream_byte_for_byte_however_many_come_at_once() -> None:
    odd = '{ "type" : "response.output_text.delta", "delta":"\\u00e9 \\ud83d\\ude00" }'
    sent = [json.dumps(EVENTS[0]), *[odd] * 5000, "x" * 300_000, json.dumps(EVENTS[-1])]

    async def burst(served: ServerConnection) -> None:
        async for _ in served:
            for message in sent:
                await served.send(message)

    async def scenario() -> None:
        async with (
            upstream(burst) as url,
            gateway_before(url) as gateway,
            client_of(gateway) as client,
        ):
            await client.send(CREATE)
            assert [await client.recv() for _ in sent] == sent
            metrics = await asyncio.to_thread(read, gateway.admin_url + "/metrics")
        lines = [line for line in metrics.splitlines() if line.startswith("gateway_tokens_total{")]
        assert sorted(line.rpartition(" ")[2] for line in lines) == ["3.0", "5.0"]

    run(scenario())


def test_an_upstream_that_refuses_the_upgrade_is_asked_over_http(running: Stage) -> None:
    """The emulator is HTTP's alone here: a server in front refuses every socket."""
    asked: list[str] = []

    async def none(served: ServerConnection) -> None:
        await served.close()

    async def scenario() -> None:
        def refuse(served: ServerConnection, request: Any) -> Any:
            asked.append(request.path)
            return served.respond(426, "no sockets")

        async with (
            upstream(none, process_request=refuse) as url,
            gateway_before(url) as gateway,
            client_of(gateway) as client,
        ):
            for _ in range(2):
                await client.send(CREATE)
                (got,) = await events(client, ("error",))
                assert got["status"] >= 400

    run(scenario())
    assert asked[0] == "/v1/responses"
    assert len(asked) == 1


def test_a_client_that_leaves_ends_the_upstreams_socket() -> None:
    ends: list[int | None] = []

    async def endless(served: ServerConnection) -> None:
        try:
            async for _ in served:
                await served.send(json.dumps(EVENTS[0]))
                while True:
                    await served.send(json.dumps(EVENTS[1]))
                    await asyncio.sleep(0)
        except ConnectionClosed:
            ends.append(served.close_code)

    async def scenario() -> None:
        async with upstream(endless) as url, gateway_before(url) as gateway:
            async with client_of(gateway) as client:
                await client.send(CREATE)
                await client.recv()
            await until(lambda: len(ends) == 1)

    run(scenario())


def test_a_slow_client_slows_the_upstream_down() -> None:
    sent = 0
    event = json.dumps({"type": "response.output_text.delta", "delta": "x" * 50_000})

    async def floods(served: ServerConnection) -> None:
        nonlocal sent
        async for _ in served:
            await served.send(json.dumps(EVENTS[0]))
            for _ in range(2000):
                await served.send(event)
                sent += len(event)
            await served.send(json.dumps(EVENTS[-1]))

    async def scenario() -> None:
        async with (
            upstream(floods) as url,
            gateway_before(url) as gateway,
            client_of(gateway) as client,
        ):
            client.transport.pause_reading()
            await client.send(CREATE)
            await until(lambda: sent > 0)
            before = 0
            while sent > before:
                before = sent
                await asyncio.sleep(0.1)
            # Of 100 MB; the kernel's buffers may hold 32 MiB on each way in, and 4 on each way out.
            assert before < 80_000_000
            client.transport.resume_reading()
            got = await events(client, ("response.completed",))
            assert len(got) == 2002

    run(scenario())
