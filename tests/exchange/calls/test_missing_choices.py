"""Servers that leave out choices, and what their clients get all the same."""

import asyncio
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, TruncatedStream, UpstreamError, UpstreamReplied
from gateway.exchange.calls.missing_choices import MissingChoices
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene, chat_chunk, chat_completion, completion
from tests.fakes import EVENT_STREAM, JSON, Answer, FakeReply, error_reply, json_reply, stream_reply

CHAT, COMPLETIONS = Shape.CHAT, Shape.COMPLETIONS
OTHER = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
AT_CHAT = ModelRule("m", endpoints=(CHAT,))
AT_COMPLETIONS = ModelRule("m", endpoints=(COMPLETIONS,))
HELLO = [{"role": "user", "content": "Hi"}]
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def entry(number: int) -> Json:
    return {"token": "t", "logprob": -float(number), "bytes": None, "top_logprobs": []}


class OneChoice:
    """Answers as transformers serve does: one choice, whatever was asked for."""

    def __init__(self, **later: Answer) -> None:
        self.bodies: list[Json] = []
        self.later = later.get("later")

    def __call__(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.bodies.append(body)
        number = len(self.bodies)
        if number > 1 and self.later is not None:
            return self.later
        if call.path == "/completions":
            if not body.get("stream"):
                return json_reply(completion(f"text {number}"))
            pieces: list[Any] = [{"index": 0, "text": f"text {number}", "finish_reason": None}]
            pieces.append({"index": 0, "text": "", "finish_reason": "stop"})
            return stream_reply(*({"id": "c", "choices": [piece]} for piece in pieces))
        if not body.get("stream"):
            reply = chat_completion(f"text {number}")
            if body.get("logprobs"):
                reply["choices"][0]["logprobs"] = {"content": [entry(number)]}
            return json_reply(reply)
        return stream_reply(
            chat_chunk(f"text {number}"),
            chat_chunk(finish="stop"),
            {**chat_chunk(), "choices": [], "usage": USAGE},
            done=number % 2 == 1,
        )


def scene_of(server: Callable[[UpstreamCall], Answer], rule: ModelRule) -> Scene:
    return Scene(server, OTHER, rules=(rule,))


def texts(result: Exchanged, *, streamed: bool) -> list[str]:
    """Return the texts of the choices, after a look at their grammar."""
    if not streamed:
        choices = result.json["choices"]
        assert [choice["index"] for choice in choices] == list(range(len(choices)))
        return [choice.get("text") or choice["message"]["content"] for choice in choices]
    assert result.events[-1] == "[DONE]"
    said: dict[int, str] = {}
    ended: list[int] = []
    for event in result.events[:-1]:
        for choice in event["choices"]:
            assert choice["index"] not in ended
            text = choice.get("text") or choice.get("delta", {}).get("content") or ""
            said[choice["index"]] = said.get(choice["index"], "") + text
            if choice["finish_reason"]:
                ended.append(choice["index"])
    assert ended == sorted(said)
    return [said[index] for index in sorted(said)]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("client", "rule", "asked"),
    [
        (COMPLETIONS, AT_CHAT, {"prompt": "Hi"}),
        (CHAT, AT_COMPLETIONS, {"messages": HELLO}),
        (CHAT, ModelRule("alias", model="m", endpoints=(CHAT,)), {"messages": HELLO}),
        (COMPLETIONS, ModelRule("alias", model="m", endpoints=(COMPLETIONS,)), {"prompt": "Hi"}),
    ],
)
def test_choices_that_a_server_leaves_out_are_asked_for_again(
    client: Shape, rule: ModelRule, asked: Json, streamed: bool
) -> None:
    server = OneChoice()
    scene = scene_of(server, rule)
    body = {"model": rule.pattern, **asked, "n": 3, "seed": 7, "stream": streamed}
    result = scene.generate(client, body)
    assert texts(result, streamed=streamed) == ["text 1", "text 2", "text 3"]
    assert [sent.get("n") for sent in server.bodies] == [3, None, None]
    assert [sent["seed"] for sent in server.bodies] == [7, 8, 9]
    if rule.model is None:
        again = scene.generate(client, body)
        assert texts(again, streamed=streamed) == ["text 4", "text 5", "text 6"]
        # It is known now that the server knows no `n`.
        assert [sent.get("n") for sent in server.bodies[3:]] == [None, None, None]
        header = dict(again.decision.headers())[b"x-gateway-translation"]
        assert b"emulated=n,seed" in header


def test_null_among_the_choices_of_a_reply_is_none_of_them() -> None:
    reply = chat_completion("text")
    reply["choices"].insert(0, None)
    asked: list[Json] = []

    def server(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        asked.append(msgspec.json.decode(call.body))
        return json_reply(reply)

    body = {"model": "m", "prompt": "Hi", "n": 2}
    result = scene_of(server, AT_CHAT).generate(COMPLETIONS, body)
    assert texts(result, streamed=False) == ["text", "text"]
    assert [sent.get("n") for sent in asked] == [2, None]


@pytest.mark.parametrize(
    ("first", "second"),
    [(rb"\ud83d", rb"\ude00"), (rb"\ud83d", rb"\udc80"), (b"\xf0\x9f", b"\x92\x80")],
)
def test_part_of_a_character_and_a_number_that_is_none_are_in_each_choice(
    first: bytes, second: bytes
) -> None:
    def written(event: Json, number: bytes) -> bytes:
        data = msgspec.json.encode(event).replace(b"-1.5", number)
        return data.replace(b"ONE", first).replace(b"TWO", second)

    parts = {**chat_chunk("ONE"), "n": -1.5}, chat_chunk("TWO"), chat_chunk(finish="stop")
    # As Python's `json` writes them.
    sent = b"".join(b"data: %b\n\n" % written(part, b"-Infinity") for part in parts)
    reply = written(chat_completion("ONETWO ONE", n=-1.5), b"NaN")
    character = "\U0001f600" if second == rb"\ude00" else "\U0001f480"

    def server(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
        streamed = isinstance(call.body, bytes) and b'"stream":true' in call.body
        headers, body = (EVENT_STREAM, sent + b"data: [DONE]\n\n") if streamed else (JSON, reply)
        return FakeReply(200, headers, (body,))

    for streamed, said in ((True, character), (False, f"{character} \ufffd")):
        scene = scene_of(server, AT_CHAT)
        result = scene.generate(
            COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2, "stream": streamed}
        )
        assert texts(result, streamed=streamed) == [said, said]


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream", b"text/plain"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_choices_are_asked_for_again_whatever_the_answers_are_labelled(
    kind: bytes, *, streamed: bool, asked: bool
) -> None:
    server = OneChoice()

    def mislabelled(call: UpstreamCall) -> Answer:
        if call.method == "POST":
            assert isinstance(call.body, bytes)
            body = {**msgspec.json.decode(call.body), "stream": streamed}
            call = call.copy(body=msgspec.json.encode(body))
        answer = server(call)
        assert isinstance(answer, FakeReply)
        return replace(answer, headers=((b"content-type", kind),))

    rule = ModelRule("m", endpoints=(CHAT,), upstream="main")
    result = scene_of(mislabelled, rule).generate(
        COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 3, "stream": asked}
    )
    assert texts(result, streamed=asked) == ["text 1", "text 2", "text 3"]


def test_an_event_of_another_kind_is_none_of_a_choice() -> None:
    server = OneChoice()
    foreign = b"event: keepalive\ndata: 12:30\n\n"

    def beside(call: UpstreamCall) -> Answer:
        answer = server(call)
        assert isinstance(answer, FakeReply)
        return replace(answer, pieces=[foreign, *answer.pieces, foreign])

    rule = ModelRule("m", endpoints=(CHAT,), upstream="main")
    result = scene_of(beside, rule).generate(
        COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 3, "stream": True}
    )
    assert texts(result, streamed=True) == ["text 1", "text 2", "text 3"]


@pytest.mark.parametrize("event", [b"{oops", b"5"])
def test_what_is_not_an_event_of_a_further_choice_is_an_error(event: bytes) -> None:
    broken = FakeReply(200, EVENT_STREAM, (b"data: " + event + b"\n\n",))
    scene = scene_of(OneChoice(later=broken), AT_CHAT)
    result = scene.generate(COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2, "stream": True})
    assert "The upstream sent" in result.events[-1]["error"]["message"]


def test_usage_is_that_of_all_calls() -> None:
    server = OneChoice()
    whole = scene_of(server, AT_CHAT).generate(COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2})
    total = {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}
    assert whole.json["usage"] == total
    assert b"emulated=n" in dict(whole.decision.headers())[b"x-gateway-translation"]
    streamed = scene_of(OneChoice(), AT_CHAT).generate(
        COMPLETIONS,
        {
            "model": "m",
            "prompt": "Hi",
            "n": 2,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    )
    assert streamed.events[-2]["usage"] == total


THREE: Json = {"model": "m", "prompt": ["a", "b", "c"], "n": 2}
"""Takes six calls of a server that generates one choice."""


def test_there_are_no_more_calls_than_are_allowed() -> None:
    server = OneChoice()
    allowed = TranslationSettings(max_fanout=5)
    scene = Scene(server, OTHER, rules=(AT_CHAT,), translation=allowed)
    for calls in (5, 0):
        server.bodies.clear()
        with pytest.raises(InvalidRequest) as caught:
            scene.generate(COMPLETIONS, THREE)
        assert caught.value.code == "fanout_limit_exceeded"
        assert len(server.bodies) <= calls
    result = scene.generate(COMPLETIONS, {**THREE, "prompt": ["a", "b"]})
    assert len(texts(result, streamed=False)) == 4


def test_too_many_further_calls_are_an_error_within_a_stream() -> None:
    server = OneChoice()
    allowed = TranslationSettings(max_fanout=5)
    scene = Scene(server, OTHER, rules=(AT_CHAT,), translation=allowed)
    result = scene.generate(COMPLETIONS, {**THREE, "stream": True})
    error = result.events[-1]["error"]
    assert (error["code"], error["param"]) == ("fanout_limit_exceeded", "n")
    assert len(server.bodies) <= 5


@pytest.mark.parametrize("streamed", [False, True])
def test_calls_that_are_too_many_are_not_even_made(streamed: bool) -> None:
    alias = ModelRule("alias", model="m", endpoints=(CHAT,))
    scene = scene_of(OneChoice(), alias)
    body = {"model": "alias", "messages": HELLO, "n": 200_000, "stream": streamed}
    scene.generate(CHAT, {**body, "n": 1})
    tracemalloc.start()
    try:
        with suppress(InvalidRequest):
            scene.generate(CHAT, body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


@pytest.mark.parametrize(
    ("prompts", "at_once", "peak"), [(3, 4, 3), (3, 2, 2), (2, 8, 6), (1, 4, 3)]
)
def test_further_calls_are_as_many_at_a_time_as_are_allowed(
    prompts: int, at_once: int, peak: int
) -> None:
    allowed = TranslationSettings(fanout_concurrency=at_once)
    scene = Scene(OneChoice(), OTHER, rules=(AT_CHAT,), translation=allowed)
    opened = scene.network.send
    under_way: set[int] = set()
    peaks: list[int] = []

    async def counting(call: UpstreamCall) -> Any:
        under_way.add(id(call))
        peaks.append(len(under_way))
        for _ in range(10):
            await asyncio.sleep(0)
        under_way.discard(id(call))
        return await opened(call)

    scene.exchange.runner.send = counting
    prompt = ["a", "b", "c"][:prompts]
    result = scene.generate(COMPLETIONS, {"model": "m", "prompt": prompt, "n": 4})
    assert len(texts(result, streamed=False)) == 4 * prompts
    assert max(peaks) == peak


def test_the_best_of_several_is_chosen_among_all() -> None:
    server = OneChoice()
    scene = scene_of(server, AT_CHAT)
    result = scene.generate(COMPLETIONS, {"model": "m", "prompt": "Hi", "best_of": 3, "n": 2})
    assert texts(result, streamed=False) == ["text 1", "text 2"]
    assert len(server.bodies) == 3


def test_a_server_that_knows_n_is_asked_once() -> None:
    def server(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        if not body.get("stream"):
            choices = [{**chat_completion()["choices"][0], "index": index} for index in range(2)]
            return json_reply(chat_completion(choices=choices))
        events = [chat_chunk("a"), chat_chunk(finish="stop")]
        second = [{**event, "choices": [{**event["choices"][0], "index": 1}]} for event in events]
        return stream_reply(*events, *second)

    scene = scene_of(server, AT_CHAT)
    for streamed in (False, True):
        scene.network.calls.clear()
        result = scene.generate(
            COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2, "stream": streamed}
        )
        assert len(texts(result, streamed=streamed)) == 2
        assert len([call for call in scene.network.calls if call.method == "POST"]) == 1


def test_an_error_of_a_further_call_is_the_clients_to_see() -> None:
    refused = error_reply(429, "Slow down", code="rate_limit")
    scene = scene_of(OneChoice(later=refused), AT_CHAT)
    with pytest.raises(UpstreamReplied) as caught:
        scene.generate(COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2})
    assert (caught.value.status, caught.value.message) == (429, "Slow down")
    streamed = {"model": "m", "prompt": "Hi", "n": 2, "stream": True}
    result = scene_of(OneChoice(later=error_reply(429, "Slow down")), AT_CHAT).generate(
        COMPLETIONS, streamed
    )
    assert result.events[-2]["error"]["message"] == "Slow down"
    result = scene_of(OneChoice(later=FakeReply(503, (), (b"busy",))), AT_CHAT).generate(
        COMPLETIONS, streamed
    )
    assert "with status 503" in result.events[-1]["error"]["message"]
    moved = FakeReply(302, ((b"location", b"http://10.0.0.7/"),), (b"to 10.0.0.7",))
    result = scene_of(OneChoice(later=moved), AT_CHAT).generate(COMPLETIONS, streamed)
    assert "a redirect (status 302)" in result.events[-1]["error"]["message"]


def test_json_in_reply_to_a_further_stream_is_its_choice() -> None:
    scene = scene_of(OneChoice(later=json_reply(chat_completion("whole"))), AT_CHAT)
    result = scene.generate(COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2, "stream": True})
    assert texts(result, streamed=True) == ["text 1", "whole"]


def test_a_stream_that_breaks_off_is_not_asked_for_again() -> None:
    broken = stream_reply(chat_chunk("a"), done=False)
    calls: list[UpstreamCall] = []

    def server(call: UpstreamCall) -> Answer:
        calls.append(call)
        return broken

    result = scene_of(server, AT_CHAT).generate(
        COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2, "stream": True}
    )
    assert "ended before choice 0" in result.events[-1]["error"]["message"]
    assert len([call for call in calls if call.method == "POST"]) == 1


@pytest.mark.parametrize("odd", [b"[]", b"{", b'{"choices": []}'])
def test_what_is_not_a_reply_is_left_as_it_is(odd: bytes) -> None:
    scene = scene_of(lambda _: FakeReply(pieces=(odd,)), AT_CHAT)
    with pytest.raises(UpstreamError):
        scene.generate(COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2})


def call(body: Json) -> UpstreamCall:
    return UpstreamCall("main", "POST", "/chat/completions", msgspec.json.encode(body))


def test_replies_are_closed_whenever_they_are_given_up() -> None:
    async def scenario() -> None:
        replies = [
            stream_reply(chat_chunk("a"), chat_chunk(finish="stop")),
            stream_reply(chat_chunk("b"), chat_chunk("c"), chat_chunk(finish="stop")),
        ]
        left = list(replies)

        async def send(_: UpstreamCall) -> FakeReply:
            return left.pop(0)

        asking = MissingChoices(send, CHAT, 1, lambda _: None)
        unread = await asking(call({"n": 2}))
        await unread.aclose()
        assert replies[0].closed
        left[:] = replies = [replace(each, closed=False) for each in replies]
        reply = await asking(call({"n": 2}))
        pieces = reply.chunks()
        while b'"b"' not in await anext(pieces):
            pass
        await reply.aclose()
        assert [each.closed for each in replies] == [True, True]

    asyncio.run(scenario())


def test_one_choice_and_errors_come_as_they_are() -> None:
    async def scenario() -> None:
        replies = [json_reply(chat_completion()), error_reply(400, "no")]
        left = list(replies)

        async def send(_: UpstreamCall) -> FakeReply:
            return left.pop(0)

        asking = MissingChoices(send, CHAT, 1, lambda _: None)
        assert await asking(call({"n": 1})) is replies[0]
        assert await asking(call({"n": 2})) is replies[1]

    asyncio.run(scenario())


@pytest.mark.parametrize("whole", [b'{"object": "list"}', b'{"error": "no"}', b"[1]", b"{"])
def test_json_in_a_streams_place_that_is_not_a_reply_is_left_as_it_is(whole: bytes) -> None:
    async def scenario() -> None:
        replies = [FakeReply(200, JSON, (whole[:1], whole[1:]))]

        async def send(_: UpstreamCall) -> FakeReply:
            return replies.pop()

        asked = await MissingChoices(send, CHAT, 1, lambda _: None)(call({"n": 2, "stream": True}))
        assert b"".join([piece async for piece in asked.chunks()]) == whole

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("last", "written"),
    [
        (b"data: x", b"data: x\n\n"),
        (b"data: [1,\ndata: 2]", b"data: [1,\ndata: 2]\n\n"),
        (b"data: [DONE]", b""),
    ],
)
def test_events_that_are_not_json_go_through(last: bytes, written: bytes) -> None:
    async def scenario() -> None:
        pieces = (b"data: {\n\n", last)
        reply = FakeReply(200, ((b"content-type", b"text/event-stream"),), pieces)

        async def send(_: UpstreamCall) -> FakeReply:
            return reply

        asked = await MissingChoices(send, CHAT, 1, lambda _: None)(call({"n": 2}))
        assert b"".join([piece async for piece in asked.chunks()]) == b"data: {\n\n" + written

    asyncio.run(scenario())


def test_a_further_stream_that_breaks_off_is_reported() -> None:
    broken = stream_reply(chat_chunk("b"), done=False, error=TruncatedStream("gone"))
    result = scene_of(OneChoice(later=broken), AT_CHAT).generate(
        COMPLETIONS, {"model": "m", "prompt": "Hi", "n": 2, "stream": True}
    )
    assert result.events[-1]["error"]["message"] == "gone"
