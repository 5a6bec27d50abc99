"""Streams without a finish reason: complete after their usage and `[DONE]`, cut off elsewhere."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import TruncatedStream, UpstreamError
from gateway.exchange.calls.feeding import Feeder
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from gateway.translate.renaming import Renaming
from gateway.translate.stream.sse import encode_events
from tests.exchange.scene import Exchanged, Scene
from tests.fakes import EVENT_STREAM, FakeReply
from tests.translate.what_clients_see import reply_seen, stream_seen

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 22, "completion_tokens": 5, "total_tokens": 27}
COUNTED: Json = {"choices": [], "usage": USAGE}
ASKED: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"prompt": "Hello", "max_tokens": 9},
    Shape.CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    Shape.RESPONSES: {"input": "Hello"},
    Shape.MESSAGES: {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9},
}
PAIRS = [
    (client, home)
    for home in (Shape.CHAT, Shape.COMPLETIONS)
    for client in Shape
    if client is not home
]


def said(home: Shape, text: str, **more: Any) -> Json:
    piece = {"text": text} if home is Shape.COMPLETIONS else {"delta": {"content": text}}
    return {"id": "x", "choices": [{"index": 0, **piece}], **more}


def written(*events: Json) -> bytes:
    return encode_events(Shape.CHAT, events)


def exchanged(client: Shape, home: Shape, body: bytes, *, fast: bool) -> tuple[bytes, Feeder]:
    """Return what a client is sent of a stream, and what fed it."""
    context = Context("m", "m")
    translation = plan(client, home, {"model": "m", "stream": True, **ASKED[client]}, context)
    feeder = Feeder(client, home, 1, translation.stream(), fast=fast)
    sent = feeder.feed(0, body)
    return sent + feeder.finish(0), feeder


@pytest.mark.parametrize("counted", [COUNTED, {"usage": USAGE}, {**COUNTED, "choices": None}])
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_counted_stream_that_says_that_it_is_over_is_complete(
    client: Shape, home: Shape, counted: Json, *, fast: bool
) -> None:
    texts = [said(home, text) for text in ("Let", " me", " see.")]
    sent, feeder = exchanged(client, home, written(*texts, counted) + DONE, fast=fast)
    assert not feeder.broken
    assert feeder.tokens == (22, 5)
    whole = folded(client, home, written(*texts, counted), DONE).json
    assert "Let me see." in str(whole)
    finish = {Shape.RESPONSES: b'"completed"', Shape.MESSAGES: b'"end_turn"'}
    assert finish.get(client, b'"finish_reason":"stop"') in sent


@pytest.mark.parametrize(
    "events",
    [
        [said(Shape.CHAT, "Hi")],
        [said(Shape.CHAT, "Hi", usage=USAGE)],
        [COUNTED, said(Shape.CHAT, "Hi")],
        [said(Shape.CHAT, "Hi"), {"choices": [], "usage": {"prompt_tokens": 22}}],
        [said(Shape.CHAT, "Hi"), {"choices": [], "usage": None}],
    ],
)
def test_one_that_was_not_counted_as_a_whole_is_cut_off(events: Sequence[Json]) -> None:
    _, feeder = exchanged(Shape.MESSAGES, Shape.CHAT, written(*events) + DONE, fast=False)
    assert isinstance(feeder.take_error(), TruncatedStream)


def test_one_that_does_not_say_that_it_is_over_is_cut_off() -> None:
    events = written(said(Shape.CHAT, "Hi"), COUNTED)
    _, feeder = exchanged(Shape.MESSAGES, Shape.CHAT, events, fast=False)
    assert isinstance(feeder.take_error(), TruncatedStream)


def test_a_client_of_the_same_shape_gets_what_the_server_sent() -> None:
    context = Context(model_asked="m", model_sent="n")
    feeder = Feeder(Shape.CHAT, Shape.CHAT, 1, Renaming(Shape.CHAT, {}, context).stream())
    sent = feeder.feed(0, written(said(Shape.CHAT, "Hi"), COUNTED) + DONE)
    assert not feeder.broken
    assert feeder.done
    assert sent == written(said(Shape.CHAT, "Hi"), COUNTED)


def test_a_call_without_a_finish_reason_is_a_call() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    def answer(_: Any) -> FakeReply:
        return FakeReply(200, EVENT_STREAM, [written(chunk, COUNTED), DONE])

    tools = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    body = {"model": "gpt-3.5-turbo", "stream": True, "tools": tools, **ASKED[Shape.MESSAGES]}
    received: Exchanged = Scene(answer).generate(Shape.MESSAGES, body)
    (seen,) = stream_seen(Shape.MESSAGES, received)
    assert (seen.calls, seen.finish) == (["f {}"], "tool_use")


def folded(client: Shape, home: Shape, *pieces: bytes, **more: Any) -> Exchanged:
    """Return what a client gets of a stream that it has not asked for."""
    rule = ModelRule("m", "served", endpoints=(home,))
    scene = Scene(lambda _: FakeReply(200, EVENT_STREAM, pieces), rules=(rule,))
    return scene.generate(client, {"model": "m", **ASKED[client], **more})


@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("client", Shape)
def test_a_counted_stream_that_nobody_asked_for_is_complete(client: Shape, home: Shape) -> None:
    texts = [said(home, text) for text in ("Let", " me", " see.")]
    reply = folded(client, home, written(*texts, COUNTED), DONE).json
    finish = {Shape.MESSAGES: "end_turn", Shape.RESPONSES: "completed"}.get(client, "stop")
    if client is home:
        # What the server has left out stays so: that is no valid reply.
        (choice,) = reply["choices"]
        text = choice["text"] if home is Shape.COMPLETIONS else choice["message"]["content"]
        assert (text, choice["finish_reason"]) == ("Let me see.", finish)
    else:
        (seen,) = reply_seen(client, reply)
        assert (seen.text, seen.finish) == ("Let me see.", finish)
    for pieces in (
        [written(*texts), DONE],
        [written(*texts, COUNTED)],
        [written(COUNTED, *texts), DONE],
        [written(*texts, COUNTED), b"data: oops\n\n", DONE],
    ):
        with pytest.raises(UpstreamError):
            folded(client, home, *pieces)
    with pytest.raises(UpstreamError):
        folded(client, home, written(COUNTED), DONE)


def test_a_call_of_a_stream_that_nobody_asked_for_is_one() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    tools = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    pieces = (written(chunk, COUNTED), DONE)
    reply = folded(Shape.MESSAGES, Shape.CHAT, *pieces, tools=tools).json
    (seen,) = reply_seen(Shape.MESSAGES, reply)
    assert (seen.calls, seen.finish) == (["f {}"], "tool_use")
    reply = folded(Shape.CHAT, Shape.CHAT, *pieces).json
    assert reply["choices"][0]["finish_reason"] == "tool_calls"
    old = {"id": "x", "choices": [{"index": 0, "delta": {"function_call": function}}]}
    reply = folded(Shape.CHAT, Shape.CHAT, written(old, COUNTED), DONE).json
    assert reply["choices"][0]["finish_reason"] == "function_call"


@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("client", Shape)
def test_a_counted_stream_that_says_nothing_is_no_answer(client: Shape, home: Shape) -> None:
    pieces = (written(said(home, ""), COUNTED), DONE)
    if client is home:
        (choice,) = folded(client, home, *pieces).json["choices"]
        assert choice["finish_reason"] is None
    else:
        with pytest.raises(UpstreamError):
            folded(client, home, *pieces)
