import asyncio
import json
from typing import Any

import pytest

from gateway.demo import emulator
from gateway.demo.emulator import Emulator
from gateway.demo.generation.barrier import Barrier
from tests.demo.client import Connection, Reply, ask, scope_of

SHAPES = {
    "/v1/completions": "davinci-002",
    "/v1/chat/completions": "gpt-4o-mini",
    "/v1/responses": "gpt-4o-mini",
}
IN_EVERY_SHAPE = pytest.mark.parametrize("path", SHAPES)


def body_for(path: str, text: str, *, stream: bool) -> dict[str, Any]:
    inputs: dict[str, dict[str, Any]] = {
        "/v1/completions": {"prompt": text, "max_tokens": 60},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": text}]},
        "/v1/responses": {"input": text},
    }
    return {"model": SHAPES[path], "stream": stream, **inputs[path]}


def generate(path: str, text: str, *, stream: bool = True, **options: Any) -> Reply:
    return ask(emulator.build(), "POST", path, body_for(path, text, stream=stream), **options)


def deltas(reply: Reply) -> list[str]:
    """The pieces of text in a stream of any shape."""
    found: list[str] = []
    for event in reply.events():
        if event == "[DONE]":
            continue
        if event.get("type", "").endswith("output_text.delta"):
            found.append(event["delta"])
        found += [
            choice.get("text") or choice.get("delta", {}).get("content") or ""
            for choice in event.get("choices", ())
        ]
    return [piece for piece in found if piece]


@IN_EVERY_SHAPE
def test_a_failing_stream_ends_with_an_error(path: str) -> None:
    reply = generate(path, "!fail-midstream now")
    assert (reply.status, reply.complete) == (200, True)
    assert len(deltas(reply)) == 2
    errors = [event for event in reply.events() if event != "[DONE]" and "error" in event]
    assert errors[0]["error"]["message"].startswith("The server had an error")
    assert (reply.events()[-1] == "[DONE]") == (path != "/v1/responses")


@IN_EVERY_SHAPE
def test_a_call_that_is_to_fail_midway_without_a_stream_is_an_error(path: str) -> None:
    reply = generate(path, "!fail-midstream", stream=False)
    assert reply.error()[0] == 500


@IN_EVERY_SHAPE
def test_a_truncated_stream_breaks_off_between_events(path: str) -> None:
    reply = generate(path, "!truncate this")
    assert not reply.complete
    assert len(deltas(reply)) == 2
    assert reply.body.endswith(b"\n\n")


@IN_EVERY_SHAPE
def test_a_truncated_reply_is_shorter_than_it_said(path: str) -> None:
    reply = generate(path, "!truncate", stream=False)
    assert not reply.complete
    assert 0 < len(reply.body) < int(reply.headers["content-length"])


@IN_EVERY_SHAPE
def test_an_unfinished_stream_ends_without_its_last_events(path: str) -> None:
    reply = generate(path, "!unfinished")
    assert reply.complete
    assert b"[DONE]" not in reply.body
    assert b'finish_reason":"' not in reply.body
    assert b"response.completed" not in reply.body
    whole = generate(path, "!count 3", stream=True)
    assert b"[DONE]" in whole.body or b"response.completed" in whole.body


@IN_EVERY_SHAPE
def test_an_error_comes_before_the_stream_does(path: str) -> None:
    reply = generate(path, "!429")
    assert reply.error()[0] == 429
    assert reply.headers["retry-after"] == "20"


@pytest.mark.alone
@IN_EVERY_SHAPE
def test_a_disconnect_in_the_middle_is_recorded(path: str) -> None:
    app = emulator.build()
    reply = ask(app, "POST", path, body_for(path, "!endless", stream=True), leave_after=12)
    assert not reply.complete
    assert len(reply.chunks) >= 12
    assert app.journal[0].disconnected.is_set()
    assert app.journal[0].finished.is_set()


def test_no_disconnect_is_recorded_after_the_end() -> None:
    app = emulator.build()
    ask(app, "POST", "/v1/completions", body_for("/v1/completions", "x", stream=True))
    assert not app.journal[0].disconnected.is_set()
    assert app.journal[0].finished.is_set()


def watched(barrier: Barrier, patch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return what is set once a reply waits at the barrier."""
    reached, wait = asyncio.Event(), barrier.wait

    async def watched_wait() -> None:
        reached.set()
        await wait()

    patch.setattr(barrier, "wait", watched_wait)
    return reached


async def slowly(app: Emulator, path: str, *, stream: bool) -> Connection:
    """Start a slow call and return when it waits."""
    body = json.dumps(body_for(path, "!slow and long", stream=stream)).encode()
    connection = Connection([body])
    scope = scope_of("POST", path, {"authorization": "Bearer sk-1"})
    with pytest.MonkeyPatch.context() as patch:
        reached = watched(app.barrier, patch)
        task = asyncio.ensure_future(app(scope, connection.receive, connection.send))
        await reached.wait()
        assert len(deltas(connection.reply)) == (1 if stream else 0)
        app.release()
        await task
    return connection


@IN_EVERY_SHAPE
@pytest.mark.parametrize("stream", [True, False])
def test_a_slow_reply_waits_for_its_release_and_is_whole_then(path: str, stream: bool) -> None:
    connection = asyncio.run(slowly(emulator.build(), path, stream=stream))
    assert connection.reply.complete
    text = "".join(deltas(connection.reply)) if stream else connection.reply.body.decode()
    assert "!slow and long" in text


async def stopped_while_it_streams(app: Emulator, path: str) -> Connection:
    body = json.dumps(body_for(path, "!endless", stream=True)).encode()
    connection = Connection([body])
    scope = scope_of("POST", path, {"authorization": "Bearer sk-1"})
    task = asyncio.ensure_future(app(scope, connection.receive, connection.send))
    await connection.wrote.wait()
    app.barrier.lift()
    await task
    return connection


@pytest.mark.alone
@IN_EVERY_SHAPE
def test_a_stream_breaks_off_when_the_emulator_stops(path: str) -> None:
    connection = asyncio.run(stopped_while_it_streams(emulator.build(), path))
    assert not connection.reply.complete
