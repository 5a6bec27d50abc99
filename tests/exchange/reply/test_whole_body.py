"""Replies in the other form than was asked for, or under a wrong label: known by their bytes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.reply.whole_body import ReportedError, whole_reply
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from tests.exchange.scene import Exchanged, Scene
from tests.fakes import ArrivedReply, FakeReply, error_reply
from tests.faults.payloads import TEXT, dumped, events, whole
from tests.messages_grammar import read_message

PAIRS = [(client, home) for client in Shape for home in Shape]
LABELS = (b"text/event-stream", b"application/json", b"text/plain; charset=utf-8", b"")
REQUESTS: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"model": "alias", "prompt": "Hello", "max_tokens": 99},
    Shape.CHAT: {"model": "alias", "messages": [{"role": "user", "content": "Hello"}]},
    Shape.RESPONSES: {"model": "alias", "input": "Hello"},
    Shape.MESSAGES: {
        "model": "alias",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hello"}],
    },
}


def headers(label: bytes) -> RawHeaders:
    return ((b"content-type", label),) if label else ()


def ask(client: Shape, home: Shape, reply: FakeReply, *, stream: bool) -> Exchanged:
    """Ask for a model that lives at `home`, under another name than its own."""
    rule = ModelRule("alias", "served", endpoints=(home,))
    scene = Scene(lambda _: reply, rules=(rule,))
    return scene.generate(client, {**REQUESTS[client], "stream": stream})


def by_path(refused: FakeReply, answer: FakeReply) -> Callable[[UpstreamCall], FakeReply]:
    """Refuse at chat, answer at completions, and have no model list."""
    replies = {"/chat/completions": refused, "/completions": answer}
    return lambda call: replies.get(call.path, error_reply(404, "no"))


def one_by_one(replies: Iterable[FakeReply]) -> Callable[[UpstreamCall], FakeReply]:
    left = iter(replies)
    return lambda _: next(left)


def text_of(shape: Shape, result: Exchanged) -> str:
    """Return the text of a whole reply, or of a stream that is complete."""
    assert result.reply.status == 200
    if (b"content-type", b"application/json") in result.reply.headers:
        return said(shape, result.json)
    events = result.events
    if shape is Shape.RESPONSES:
        assert events[-1]["type"] == "response.completed"
        return said(shape, events[-1]["response"])
    if shape is Shape.MESSAGES:
        return said(shape, read_message(events))
    assert events[-1] == "[DONE]"
    choices = [choice for event in events[:-1] for choice in event["choices"]]
    if shape is Shape.COMPLETIONS:
        return "".join(choice["text"] for choice in choices)
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def said(shape: Shape, reply: Json) -> str:
    if shape is Shape.RESPONSES:
        text: str = reply["output"][0]["content"][0]["text"]
        return text
    if shape is Shape.MESSAGES:
        block: Json = reply["content"][0]
        return str(block["text"])
    choice: Any = reply["choices"][0]
    found: str = choice["text"] if shape is Shape.COMPLETIONS else choice["message"]["content"]
    return found


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_plain_request_is_answered_whatever_form_the_reply_has(
    client: Shape, home: Shape, label: bytes
) -> None:
    for pieces in ([dumped(whole(home))], events(home), [b"".join(events(home))]):
        for kind in (FakeReply, ArrivedReply):
            result = ask(client, home, kind(200, headers(label), pieces), stream=False)
            assert text_of(client, result) == TEXT
            assert (b"content-type", b"application/json") in result.reply.headers


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_stream_is_one_whatever_its_label(client: Shape, home: Shape, label: bytes) -> None:
    good = events(home)
    for pieces in (good, [b"".join(good)], [bytes([byte]) for byte in b"".join(good)]):
        result = ask(client, home, FakeReply(200, headers(label), pieces), stream=True)
        assert text_of(client, result) == TEXT


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_json_in_a_streams_place_is_known_whatever_its_label(
    client: Shape, home: Shape, label: bytes
) -> None:
    if client is home:
        return  # what renames passes the reply on in one event, which is not a chunk
    raw = dumped(whole(home))
    for pieces in ([raw], [b" \n" + raw], [bytes([byte]) for byte in raw]):
        result = ask(client, home, FakeReply(200, headers(label), pieces), stream=True)
        assert text_of(client, result) == TEXT


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_half_a_character_is_not_an_error(client: Shape, home: Shape, stream: bool) -> None:
    smile = dumped("\U0001f4a1")[1:-1]
    for half, seen in ((rb"\ud83d", "\ufffd"), (rb"\ud83d\udca1", "\U0001f4a1")):
        raw = dumped(whole(home)).replace(smile, half)
        result = ask(client, home, FakeReply(200, headers(LABELS[1]), [raw]), stream=False)
        assert text_of(client, result) == TEXT.replace("\U0001f4a1", seen)
        pieces = [event.replace(smile, half) for event in events(home)]
        result = ask(client, home, FakeReply(200, headers(LABELS[0]), pieces), stream=stream)
        assert text_of(client, result) == TEXT.replace("\U0001f4a1", seen)
        assert result.body.decode("utf-8")


@pytest.mark.parametrize("home", Shape)
@pytest.mark.parametrize("client", Shape)
def test_a_stream_that_is_cut_off_is_not_a_whole_reply(client: Shape, home: Shape) -> None:
    good = events(home)
    for cut in range(1, len(events(home, until="unfinished"))):
        with pytest.raises(UpstreamError) as raised:
            ask(client, home, FakeReply(200, headers(LABELS[0]), good[:cut]), stream=False)
        assert raised.value.status == 502


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_in_an_odd_form_leads_on(label: bytes, stream: bool) -> None:
    refusal = (
        b'{"error":{"message":"This is not a chat model and thus not supported in the '
        b'v1/chat/completions endpoint. Did you mean to use v1/completions?",'
        b'"type":"invalid_request_error","param":"model","code":null}}'
    )
    good = events(Shape.COMPLETIONS) if stream else [dumped(whole(Shape.COMPLETIONS))]
    for alias in (ModelRule("alias", "served"), ModelRule("alias")):
        for pieces in (
            [refusal],
            [b"data: " + refusal + b"\n\n"],
            [b"data: null\n\ndata: " + refusal],
        ):
            for kind in (FakeReply, ArrivedReply):
                refused = kind(200, headers(label), pieces)
                answer = FakeReply(200, headers(LABELS[not stream]), good)
                scene = Scene(by_path(refused, answer), rules=(alias,))
                result = scene.generate(Shape.CHAT, {**REQUESTS[Shape.CHAT], "stream": stream})
                assert result.decision.endpoint == "/v1/completions"
                assert text_of(Shape.CHAT, result) == TEXT


@pytest.mark.parametrize("client", Shape)
@pytest.mark.parametrize("home", Shape)
def test_an_error_within_an_unasked_stream_is_the_answer(client: Shape, home: Shape) -> None:
    error = b'data: {"error":{"message":"Slow down","type":"x","code":429}}\n\n'
    pieces = [*events(home, until="text"), error]
    with pytest.raises(GatewayError) as raised:
        ask(client, home, FakeReply(200, headers(LABELS[0]), pieces), stream=False)
    assert "Slow down" in raised.value.message


def test_what_stands_after_a_complete_reply_is_of_no_matter() -> None:
    for home in Shape:
        body = b"".join([*events(home, until="finished"), b"data: oops\n\n", b"data: {}\n\n"])
        assert said(home, _json(whole_reply(home, body, dict))) == TEXT
    broken = b"".join([*events(Shape.CHAT, until="text"), b"data: oops\n\n"])
    with pytest.raises(UpstreamError, match="not JSON"):
        whole_reply(Shape.CHAT, broken, dict)
    with pytest.raises(TruncatedStream):
        whole_reply(Shape.CHAT, b"data: {}\n\n", dict)


def test_an_error_event_is_reported_as_the_body_that_says_the_same() -> None:
    result = whole_reply(Shape.CHAT, b"event: error\ndata: no luck\n\n", dict)
    assert result == ReportedError(b'{"error":"no luck"}')


def _json(reply: Json | ReportedError) -> Json:
    assert not isinstance(reply, ReportedError)
    return reply


def test_several_calls_may_each_be_answered_in_a_form_of_their_own() -> None:
    pieces: Sequence[Sequence[bytes]] = (
        events(Shape.CHAT),
        [dumped(whole(Shape.CHAT))],
        [b"".join(events(Shape.CHAT))],
    )
    for stream in (False, True):
        scene = Scene(
            one_by_one(FakeReply(200, headers(b""), each) for each in pieces),
            rules=(ModelRule("alias", "served", endpoints=(Shape.CHAT,)),),
        )
        body = {"model": "alias", "prompt": ["a", "b", "c"], "stream": stream}
        result = scene.generate(Shape.COMPLETIONS, body)
        if stream:
            chunks = [choice for event in result.events[:-1] for choice in event["choices"]]
            assert result.events[-1] == "[DONE]"
        else:
            chunks = result.json["choices"]
        texts = ["".join(c["text"] for c in chunks if c["index"] == index) for index in range(3)]
        assert texts == [TEXT] * 3


def test_calls_of_an_unasked_stream_are_kept_apart_as_in_one_that_was_asked_for() -> None:
    """Names in pieces are put together with the request's tools, whichever client asks."""
    fragments: list[Json] = [
        {"index": 0, "id": "x", "function": {"name": "get_", "arguments": " "}},
        {"index": 0, "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city":'}},
        {"index": 0, "function": {"arguments": '{"city":"A"}'}},
        {"index": 0, "id": "x", "function": {"name": "get_time", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": '{"zone":1}{"zone":2}'}},
    ]
    deltas: list[Json] = [{"tool_calls": [each]} for each in fragments]
    choices: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    pieces = [b"data: " + dumped({"id": "c", "choices": [each]}) + b"\n\n" for each in choices]
    expected = [("get_weather", '{"city":"A"}'), ("get_time", '{"zone":1}')]
    expected.append(("get_time", '{"zone":2}'))
    rule = ModelRule("alias", "served", endpoints=(Shape.CHAT,))
    for client in (Shape.CHAT, Shape.RESPONSES):
        functions = [{"name": "get_weather"}, {"name": "get_time"}]
        tools: list[Json] = [{"type": "function", "function": each} for each in functions]
        if client is Shape.RESPONSES:
            tools = [{"type": "function", **each} for each in functions]
        for wire in (pieces, [b"".join(pieces)]):
            scene = Scene(one_by_one([FakeReply(200, headers(LABELS[0]), wire)]), rules=(rule,))
            reply = scene.generate(client, {**REQUESTS[client], "tools": tools}).json
            if client is Shape.CHAT:
                calls = [each["function"] for each in reply["choices"][0]["message"]["tool_calls"]]
            else:
                calls = reply["output"]
            assert [(call["name"], call["arguments"]) for call in calls] == expected
