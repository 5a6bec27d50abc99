"""The current `openai` package over a WebSocket, on models wherever they live."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import openai
import pytest
from websockets.exceptions import InvalidStatus

from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy, Settings
from gateway.demo import emulator
from gateway.shapes import Shape
from tests.clients.running import Stage, openai_upstream, running_gateway, stage
from tests.clients.test_openai_responses import CALL, RESPONSES_TOOL
from tests.rows import module_fixture
from tests.waiting import PATIENCE, wait_until

CHAT, RESPONSES, COMPLETIONS, MESSAGES = (
    *("gpt-3.5-turbo", "o1-pro", "davinci-002", "claude-demo-sonnet-4-5"),
)
PATHS = {
    CHAT: Shape.CHAT.endpoint,
    RESPONSES: Shape.RESPONSES.endpoint,
    COMPLETIONS: Shape.COMPLETIONS.endpoint,
    MESSAGES: Shape.MESSAGES.endpoint,
}
"""The only endpoint of each model."""
TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")
TURNS = 20

Event = Any
Connection = Any


@module_fixture
def running() -> Iterator[Stage]:
    with stage(with_anthropic=True, relayed=False) as both:
        yield both


@asynccontextmanager
async def connection(to: Stage, key: str = "sk-test", **query: str) -> AsyncIterator[Connection]:
    async with (
        openai.AsyncOpenAI(base_url=to.base_url, api_key=key, max_retries=0) as client,
        client.responses.connect(extra_query=query) as connected,
    ):
        yield connected


async def create(connected: Connection, model: str, given: object, **more: Any) -> None:
    event = {"type": "response.create", "model": model, "input": given, "store": False}
    await connected.send({**event, **more})


async def last(connected: Connection) -> Event:
    """Return the event that ends the next turn."""
    async with asyncio.timeout(PATIENCE):
        async for event in connected:
            if event.type in TERMINAL:
                return event
    raise AssertionError


async def released(to: Stage, connected: Connection) -> Event:
    """Return what ends a turn whose reply may be about to wait: free it until it goes on."""
    ending = asyncio.create_task(last(connected))
    while not ending.done():
        to.upstream.release()
        await asyncio.wait([ending], timeout=0.01)
    return ending.result()


async def first_text(connected: Connection, stream_id: str) -> None:
    """Wait for the first text of a stream."""
    async with asyncio.timeout(PATIENCE):
        async for event in connected:
            if event.type == "response.output_text.delta" and event.stream_id == stream_id:
                return


async def turn(connected: Connection, model: str, given: object, **more: Any) -> Event:
    await create(connected, model, given, **more)
    return await last(connected)


def sent(to: Stage) -> list[Any]:
    """The bodies that reached the emulator."""
    return [json.loads(record.body) for record in to.upstream.journal if record.body]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


@pytest.mark.parametrize("model", PATHS)
def test_a_model_answers_wherever_it_lives(running: Stage, model: str) -> None:
    async def scenario() -> None:
        before = len(running.upstream_paths())
        async with connection(running) as connected:
            kinds = []
            await create(connected, model, "Hello there")
            async for event in connected:
                kinds.append(event.type)
                if event.type in TERMINAL:
                    break
            assert kinds[0] == "response.created"
            assert kinds.count("response.output_text.delta") > 1
            assert "Hello there" in event.response.output_text
            first = event.response.id
            event = await turn(connected, model, "Again", previous_response_id=first)
            assert event.response.previous_response_id == first
        paths = [path for path in running.upstream_paths()[before:] if path != "GET /v1/models"]
        assert paths == [f"POST {PATHS[model]}"] * 2
        assert "Hello there" in json.dumps(sent(running)[-1])

    run(scenario())


@pytest.mark.alone
@pytest.mark.parametrize("model", [CHAT, RESPONSES, MESSAGES])
def test_a_loop_of_tool_calls_has_its_whole_history(running: Stage, model: str) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            options = {"tools": [RESPONSES_TOOL], "include": ["reasoning.encrypted_content"]}
            event, given = await turn(connected, model, CALL, **options), CALL
            for number in range(1, TURNS):
                assert event.type == "response.completed", event
                calls = [i for i in event.response.output if i.type == "function_call"]
                given = [
                    {
                        "type": "function_call_output",
                        "call_id": call.call_id,
                        "output": f"result {number}",
                    }
                    for call in calls
                ] or CALL
                options["previous_response_id"] = event.response.id
                event = await turn(connected, model, given, **options)
        history = json.dumps(sent(running)[-1])
        assert all(f"result {number}" in history for number in range(1, TURNS, 2))
        assert not any(f"result {number}" in history for number in range(2, TURNS, 2))

    run(scenario())


@pytest.mark.parametrize("model", [CHAT, RESPONSES, MESSAGES])
def test_a_call_that_is_given_again_beside_its_output_is_one(running: Stage, model: str) -> None:
    """LiveKit's agents send both after the response that has the call."""

    async def scenario() -> None:
        async with connection(running) as connected:
            event = await turn(connected, model, CALL, tools=[RESPONSES_TOOL])
            given: list[Any] = []
            for call in (i for i in event.response.output if i.type == "function_call"):
                named = {"call_id": call.call_id, "type": "function_call"}
                given.append({**named, "name": call.name, "arguments": call.arguments})
                given.append({**named, "type": "function_call_output", "output": "sunny"})
            assert given
            for following in (given, "And now?"):
                previous = event.response.id
                event = await turn(connected, model, following, previous_response_id=previous)
                assert event.type == "response.completed", event

    run(scenario())


def test_queues_run_beside_one_another_and_in_order_each(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            event = await turn(connected, CHAT, "First")
            fork = {"previous_response_id": event.response.id}
            await create(connected, CHAT, "!slow one", stream_id="a", **fork)
            await create(connected, CHAT, "two", stream_id="a", **fork)
            await create(connected, CHAT, "three", stream_id="b", **fork)
            assert (await last(connected)).stream_id == "b"
            ends = [await released(running, connected), await last(connected)]
            assert [end.stream_id for end in ends] == ["a", "a"]
            assert ["one" in end.response.output_text for end in ends] == [True, False]
        assert all("First" in json.dumps(body) for body in sent(running)[-3:])

    run(scenario())


def test_a_prewarm_costs_no_call(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            before = len(running.upstream_paths())
            given = [{"type": "message", "role": "developer", "content": "Be brief."}]
            event = await turn(connected, CHAT, given, generate=False)
            assert event.response.output == []
            assert len(running.upstream_paths()) == before
            await turn(connected, CHAT, "Hello", previous_response_id=event.response.id)
        assert [m["role"] for m in sent(running)[-1]["messages"]] == ["developer", "user"]

    run(scenario())


@pytest.mark.parametrize("model", PATHS)
def test_an_upstream_that_breaks_off_ends_the_turn_only(running: Stage, model: str) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            for command in ("!truncate", "!fail-midstream", "!500"):
                event = await turn(connected, model, command)
                assert (event.type, event.status // 100) == ("error", 5)
                assert event.error.headers["x-request-id"]
            event = await turn(connected, model, "!429")
            assert event.status == 429
            assert (await turn(connected, model, "Hello")).type == "response.completed"

    run(scenario())


@pytest.mark.parametrize("model", PATHS)
def test_a_response_that_nobody_knows_is_not_found(running: Stage, model: str) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            event = await turn(connected, model, "Hi", previous_response_id="resp_x")
            assert (event.status, event.error.code) == (400, "previous_response_not_found")
            assert event.error.message == "Previous response with id 'resp_x' not found."
            assert event.error.param == "previous_response_id"

    run(scenario())


@pytest.mark.parametrize("model", [CHAT, RESPONSES])
def test_a_turn_that_fails_forgets_what_it_continued(running: Stage, model: str) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            first = (await turn(connected, model, "Hello")).response.id
            output = {"type": "function_call_output", "call_id": "call_none", "output": "x"}
            failed = await turn(connected, model, [output], previous_response_id=first)
            assert failed.status == 400
            event = await turn(connected, model, "Again", previous_response_id=first)
            assert event.error.code == "previous_response_not_found"

    run(scenario())


def test_another_socket_does_not_know_a_response(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as one, connection(running) as other:
            made = (await turn(one, CHAT, "Hi")).response.id
            event = await turn(other, CHAT, "Hi", previous_response_id=made)
            assert event.error.code == "previous_response_not_found"

    run(scenario())


def test_a_report_comes_before_the_response(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running, gateway_report="1") as connected:
            await create(connected, CHAT, "Hi")
            report = json.loads(await connected.recv_bytes())
            assert report["type"] == "gateway.report"
            assert report["headers"]["x-gateway-endpoint"] == PATHS[CHAT]
            assert (await last(connected)).type == "response.completed"
        assert "gateway_report" not in str(list(running.upstream.journal)[-1])

    run(scenario())


def test_a_client_that_leaves_ends_its_turns_upstream(running: Stage) -> None:
    async def scenario() -> None:
        async with connection(running) as connected:
            for stream_id in ("a", "b"):
                await create(connected, CHAT, "!endless", stream_id=stream_id)
            await first_text(connected, "b")

    run(scenario())
    stats = running.gateway.application.upstreams.stats
    wait_until(lambda: all(each.in_flight == 0 for each in stats().values()))


def test_the_keys_and_limits_of_clients_hold() -> None:
    digest = hashlib.sha256(b"sk-alice").hexdigest()
    alice = ClientSettings("alice", (digest,), models=(CHAT,), max_concurrency=1)

    async def scenario(to: Stage) -> None:
        with pytest.raises(InvalidStatus, match="401"):
            async with connection(to, "wrong"):
                raise AssertionError
        async with connection(to, "sk-alice") as connected:
            event = await turn(connected, RESPONSES, "Hi")
            assert (event.status, event.error.code) == (403, "model_not_allowed")
            await create(connected, CHAT, "!slow Hi", stream_id="a")
            await first_text(connected, "a")
            event = await turn(connected, CHAT, "Hi", stream_id="b")
            assert (event.status, event.stream_id) == (429, "b")
            assert event.error.headers["retry-after"] == "1"
            assert (await released(to, connected)).type == "response.completed"

    with emulator.serve() as served:
        upstream = replace(
            openai_upstream(served.base_url),
            credential=CredentialPolicy.KEY,
            api_key=Secret("sk-test"),
        )
        settings = Settings((upstream,), admin=AdminSettings(), clients=(alice,))
        with running_gateway(settings) as gateway:
            run(scenario(Stage(served, gateway)))


def test_a_realtime_session_is_that_of_the_upstream(running: Stage) -> None:
    async def scenario() -> None:
        options = {"base_url": running.base_url, "api_key": "sk-test", "max_retries": 0}
        async with openai.AsyncOpenAI(**options) as client:  # type: ignore[arg-type]
            async with client.realtime.connect(model="gpt-realtime-2.1") as connected:
                await connected.response.create()
                async with asyncio.timeout(PATIENCE):
                    kinds = [(await connected.recv()).type]
                    while kinds[-1] != "response.done":
                        kinds.append((await connected.recv()).type)
            assert kinds[0] == "session.created"
            with pytest.raises(InvalidStatus, match="404"):
                await client.realtime.connect(model="gpt-4o").enter()

    run(scenario())
