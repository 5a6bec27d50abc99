"""Odd replies of chat and completions servers: streams end like whole replies."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from tests.exchange.scene import Scene
from tests.fakes import EVENT_STREAM, FakeReply, json_reply
from tests.translate.what_clients_see import reply_seen, stream_seen

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
PAIRS = [(client, home) for client in Shape for home in (CHAT, COMPLETIONS) if client is not home]
ASKED: dict[Shape, Json] = {
    COMPLETIONS: {"model": "m", "prompt": "Hi"},
    CHAT: {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"model": "m", "input": "Hi"},
    Shape.MESSAGES: {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hi"}],
    },
}


def seen(client: Shape, home: Shape, answer: FakeReply, *, stream: bool, **more: Any) -> str:
    """Return what a client sees of the answer of a server at `home`."""
    answer = replace(answer, closed=False)
    scene = Scene(lambda _: answer, rules=(ModelRule("m", endpoints=(home,)),))
    try:
        result = scene.generate(client, {**ASKED[client], "stream": stream, **more})
    except GatewayError as error:
        return f"error {error.status}"
    choices = stream_seen(client, result) if stream else reply_seen(client, result.json)
    return f"error {choices[0].error}" if choices[0].error else "; ".join(map(str, choices))


def choice(home: Shape, text: str = "hi", **more: Any) -> Json:
    said: Json = {"text": text} if home is COMPLETIONS else {"message": {"content": text}}
    return {"index": 0, "finish_reason": "stop", **said, **more}


def reply(*choices: Any) -> Json:
    return {"id": "x", "created": 1, "model": "m", "choices": list(choices)}


def sent(body: Json) -> FakeReply:
    return json_reply(body)


def ends(client: Shape) -> str:
    return {RESPONSES: "completed", Shape.MESSAGES: "end_turn"}.get(client, "stop")


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize(
    "odd",
    [
        *([{"index": index} for index in (1, 5, -1, "0", "5", "x", None, 1.5)]),
        *([{"finish_reason": word} for word in (None, "", "unknown")]),
    ],
)
def test_a_choice_is_read_alike_in_place_of_a_stream(client: Shape, home: Shape, odd: Json) -> None:
    body = reply(None, {**choice(home), **odd}, choice(home, "other", index=7))
    expected = f"says 'hi'; finish: {ends(client)}"
    for stream in (False, True):
        assert seen(client, home, sent(body), stream=stream) == expected


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_choice_without_an_end_and_a_text_is_an_error(client: Shape, home: Shape) -> None:
    for stream in (False, True):
        body = reply(choice(home, "", finish_reason=None))
        assert seen(client, home, sent(body), stream=stream) == "error 502"


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("odd", ["its own", "nothing", "a string", "a list"])
def test_a_choice_of_another_form_is_an_error(client: Shape, home: Shape, odd: str) -> None:
    others, nothing = choice(COMPLETIONS), {}
    if home is COMPLETIONS:
        others = {"index": 0, "finish_reason": "stop", "message": {"tool_calls": [{}]}}
        nothing = {"message": {"content": 5}}
    body = reply({"its own": others, "nothing": nothing, "a string": "x", "a list": []}[odd])
    for stream in (False, True):
        assert seen(client, home, sent(body), stream=stream) == "error 502"


@pytest.mark.parametrize("field", ["message", "delta"])
@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if pair[1] is COMPLETIONS])
def test_a_completion_may_have_the_form_of_chat(client: Shape, home: Shape, field: str) -> None:
    said = {"index": 0, "finish_reason": "stop", field: {"role": "assistant", "content": "hi"}}
    for stream in (False, True):
        expected = f"says 'hi'; finish: {ends(client)}"
        assert seen(client, home, sent(reply(said)), stream=stream) == expected


@pytest.mark.parametrize("more", [{}, {"message": None}, {"message": []}])
@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if pair[1] is CHAT])
def test_a_chat_reply_may_be_a_chunk(client: Shape, home: Shape, more: Json) -> None:
    said = {"role": "assistant", "content": "hi", "reasoning_content": None}
    whole = {"index": 0, "finish_reason": "stop", "delta": said, **more}
    for stream in (False, True):
        expected = f"says 'hi'; finish: {ends(client)}"
        assert seen(client, home, sent(reply(whole)), stream=stream) == expected


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_error_is_reported_whatever_its_choice_looks_like(client: Shape, home: Shape) -> None:
    error = {"message": "slow down", "code": 429}
    for body in ({**reply({}), "error": error}, reply({"error": error, "finish_reason": "error"})):
        for stream in (False, True):
            assert seen(client, home, sent(body), stream=stream) == "error 429"


def events(*result: Json) -> FakeReply:
    data = [b"data: " + msgspec.json.encode(each) + b"\n\n" for each in result]
    return FakeReply(200, EVENT_STREAM, (*data, b"data: [DONE]\n\n"))


def chunk(home: Shape, text: str, finish: str | None, index: Any) -> Json:
    said: Json = {"text": text} if home is COMPLETIONS else {"delta": {"content": text}}
    return {"id": "x", "choices": [{"index": index, "finish_reason": finish, **said}]}


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("index", [0, 1, "0", "3", None, -1])
def test_a_stream_is_read_alike_whoever_asked_for_it(
    client: Shape, home: Shape, index: Any
) -> None:
    result = [chunk(home, "h", None, index), chunk(home, "i", "stop", index)]
    for late, text in ((None, "hi"), (chunk(home, "!", None, index), "hi!")):
        answer = events(*result, *([late] if late else []))
        for stream in (False, True):
            assert seen(client, home, answer, stream=stream) == (
                f"says '{text}'; finish: {ends(client)}"
            )


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_stream_without_an_end_is_truncated_though_it_says_done(
    client: Shape, home: Shape
) -> None:
    answer = events(chunk(home, "h", None, 0), chunk(home, "i", None, 0))
    assert seen(client, home, answer, stream=False) == "error 502"
    assert seen(client, home, answer, stream=True).startswith("error ")


NO_ENDS = ["", "null", "None", "FINISH_REASON_UNSPECIFIED"]
"""Finish reasons in place of null."""


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("word", NO_ENDS)
def test_a_word_in_place_of_null_ends_nothing(client: Shape, home: Shape, word: str) -> None:
    begun = [chunk(home, "h", word, 0), chunk(home, "i", word, 0)]
    ended = {RESPONSES: "incomplete (max_output_tokens)", Shape.MESSAGES: "max_tokens"}
    answer = events(*begun, chunk(home, "", "length", 0))
    for stream in (False, True):
        expected = f"says 'hi'; finish: {ended.get(client, 'length')}"
        assert seen(client, home, answer, stream=stream) == expected
        assert seen(client, home, events(*begun), stream=stream).startswith("error ")
        whole = sent(reply(choice(home, finish_reason=word)))
        assert seen(client, home, whole, stream=stream) == f"says 'hi'; finish: {ends(client)}"


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("model", ["m", "alias"])
@pytest.mark.parametrize("word", NO_ENDS)
def test_nor_does_it_at_its_own_endpoint(shape: Shape, model: str, word: str) -> None:
    rules = (ModelRule("alias", model="m", endpoints=(shape,)), ModelRule("m", endpoints=(shape,)))
    data = msgspec.json.encode(chunk(shape, "h", word, 0))
    answer = FakeReply(200, EVENT_STREAM, (b"data: " + data + b"\n\n",))
    asked = {**ASKED[shape], "model": model, "stream": True}
    received = Scene(lambda _: answer, rules=rules).generate(shape, asked)
    assert received.events[-1]["error"]["code"] == "upstream_stream_truncated"


WHOLE: dict[Shape, Json] = {
    COMPLETIONS: reply(choice(COMPLETIONS)),
    CHAT: reply(choice(CHAT)),
    RESPONSES: {
        "id": "r",
        "status": "completed",
        "output": [{"type": "message", "id": "i", "content": [{"type": "text", "text": "hi"}]}],
    },
    Shape.MESSAGES: {
        "id": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
    },
}


@pytest.mark.parametrize(("client", "home"), list(permutations(Shape, 2)))
@pytest.mark.parametrize("names", ["a-df-z", "co", "i"])
def test_names_of_fields_may_have_escapes(client: Shape, home: Shape, names: str) -> None:
    text = msgspec.json.encode({**WHOLE[home], "error": None})
    escaped = re.sub(
        rb'"([%b])(\w*)":' % names.encode(), lambda at: b'"\\u00%02x%b":' % (*at[1], at[2]), text
    )
    answer = FakeReply(200, ((b"content-type", b"application/json"),), (escaped,))
    for stream in (False, True):
        expected = f"says 'hi'; finish: {ends(client)}"
        assert seen(client, home, answer, stream=stream) == expected


@pytest.mark.parametrize(
    ("client", "home"),
    [pair for pair in permutations(Shape, 2) if pair[1] in (RESPONSES, Shape.MESSAGES)],
)
@pytest.mark.parametrize(
    ("others", "is_read"), [([None], True), ([None, None], True), (["x"], False), ([[]], False)]
)
def test_null_among_items_or_blocks_is_passed_over(
    client: Shape, home: Shape, others: list[Any], *, is_read: bool
) -> None:
    listed = "output" if home is RESPONSES else "content"
    body = {**WHOLE[home], listed: [*others, *WHOLE[home][listed], *others]}
    answers = [sent(body)]
    if home is RESPONSES:
        answers.append(sent_events({"type": "response.completed", "response": body}))
    else:
        begun = {"type": "message_start", "message": {**body, "stop_reason": None}}
        ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
        answers.append(sent_events(begun, ended, {"type": "message_stop"}))
    for answer in answers:
        for stream in (False, True):
            expected = f"says 'hi'; finish: {ends(client)}" if is_read else "error"
            assert seen(client, home, answer, stream=stream).startswith(expected)


CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOLS: Json = {"tools": [{"type": "function", "name": "f", "parameters": {}}]}


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([None, CALL], "calls f {}; finish: completed"),
        ([CALL, None], "calls f {}; finish: completed"),
        ([5, CALL], "error"),
        (CALL, "calls f {}; finish: completed"),
        ([{**CALL, "id": 0}], "calls f {}; finish: completed"),
        ([{**CALL, "id": [0]}], "error"),
    ],
)
def test_null_among_calls_is_passed_over_and_one_may_be_alone(calls: Any, expected: str) -> None:
    said = {"content": None, "tool_calls": calls}
    ended: Json = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    answers = [
        sent(reply({"index": 0, "message": said, "finish_reason": "tool_calls"})),
        events({"choices": [{"index": 0, "delta": said}]}, {"choices": [ended]}),
    ]
    for answer in answers:
        for stream in (False, True):
            assert seen(RESPONSES, CHAT, answer, stream=stream, **TOOLS).startswith(expected)


@pytest.mark.parametrize("indexes", [(0, 0), ("0", "1"), (1, 2), (None, None), ("1", "0")])
@pytest.mark.parametrize(("client", "home"), [(CHAT, COMPLETIONS), (COMPLETIONS, CHAT)])
def test_several_choices_of_a_whole_reply(client: Shape, home: Shape, indexes: Any) -> None:
    body = reply(*(choice(home, text, index=i) for text, i in zip("ab", indexes, strict=True)))
    expected = "says 'a'; finish: stop; says 'b'; finish: stop"
    if indexes == ("1", "0"):
        expected = "says 'b'; finish: stop; says 'a'; finish: stop"
    for stream in (False, True):
        assert seen(client, home, sent(body), stream=stream, n=2) == expected


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_at_its_own_endpoint_the_end_of_a_reply_in_place_of_a_stream_is_a_stop(
    shape: Shape,
) -> None:
    rule = ModelRule("alias", model="m", endpoints=(shape,))
    body = reply(choice(shape, finish_reason=None))
    result = Scene(lambda _: sent(body), rules=(rule,)).generate(
        shape, {**ASKED[shape], "model": "alias", "stream": True}
    )
    finishes: Sequence[Any] = [
        each["finish_reason"] for event in result.events[:-1] for each in event["choices"]
    ]
    assert finishes == ([None, None, "stop"] if shape is CHAT else ["stop"])
    assert result.events[-1] == "[DONE]"


def response_event(name: str, **more: Any) -> Json:
    return {"type": f"response.{name}", "item_id": "i", "output_index": 0, **more}


def sent_events(*result: Json) -> FakeReply:
    data = [b"data: " + msgspec.json.encode(each) + b"\n\n" for each in result]
    return FakeReply(200, EVENT_STREAM, tuple(data))


TEXT = 'x["a"]["b"]'
"""Between two parts, a line break would follow its first half."""


def counted(first: int, step: int, last: int) -> list[Json]:
    """Return the events of a text whose pieces are counted, as vLLM did before its #35184."""
    part = {"type": "output_text", "text": TEXT, "annotations": []}
    item = {"id": "i", "type": "message", "role": "assistant", "content": [part]}
    pieces = [
        response_event("output_text.delta", content_index=first + step * n, delta=piece)
        for n, piece in enumerate((TEXT[:6], TEXT[6:]), start=1)
    ]
    return [
        response_event("output_item.added", item={**item, "content": []}),
        response_event("content_part.added", content_index=first, part={**part, "text": ""}),
        *pieces,
        response_event("output_text.done", content_index=last, text=TEXT),
        response_event("content_part.done", content_index=last, part=part),
        response_event("output_item.done", item=item),
        {"type": "response.completed", "response": {"id": "r", "output": [item]}},
    ]


@pytest.mark.parametrize("client", [CHAT, COMPLETIONS, Shape.MESSAGES])
@pytest.mark.parametrize("indexes", [(0, 0, 0), (0, 1, 2), (0, 1, 3), (4, 1, 7), (1, 0, 1)])
def test_a_text_is_one_however_its_pieces_are_counted(
    client: Shape, indexes: tuple[int, int, int]
) -> None:
    answer = sent_events(*counted(*indexes))
    for stream in (False, True):
        expected = f"says {TEXT!r}; finish: {ends(client)}"
        assert seen(client, RESPONSES, answer, stream=stream) == expected


@pytest.mark.parametrize("client", [CHAT, COMPLETIONS, Shape.MESSAGES])
@pytest.mark.parametrize("left_out", ["content_part", "content_part.added"])
@pytest.mark.parametrize("indexes", [(0, 0, 0), (0, 1, 0), (0, 1, 2), (0, 1, 3), (4, 1, 7)])
def test_so_it_is_behind_a_relay_that_announces_no_parts(
    client: Shape, left_out: str, indexes: tuple[int, int, int]
) -> None:
    told = counted(*indexes)
    answer = sent_events(*(each for each in told if left_out not in each["type"]))
    for stream in (False, True):
        expected = f"says {TEXT!r}; finish: {ends(client)}"
        assert seen(client, RESPONSES, answer, stream=stream) == expected


@pytest.mark.parametrize("last", [0, 2, 3])
@pytest.mark.parametrize("stream", [False, True])
def test_deltas_of_reasoning_with_counted_indexes_are_one_text(last: int, stream: bool) -> None:
    part = {"type": "reasoning_text", "text": "Hmm."}
    item = {"id": "i", "type": "reasoning", "summary": [], "content": [part]}
    pieces = [
        response_event("reasoning_text.delta", content_index=n, delta=piece)
        for n, piece in enumerate(("Hm", "m", "."))
    ]
    answered = counted(0, 0, 0)[-1]
    answered["response"]["output"].insert(0, item)
    answer = sent_events(
        *pieces,
        response_event("reasoning_text.done", content_index=last, text="Hmm."),
        response_event("reasoning_part.done", content_index=last, part=part),
        answered,
    )
    scene = Scene(lambda _: answer, rules=(ModelRule("m", endpoints=(RESPONSES,)),))
    result = scene.generate(CHAT, {**ASKED[CHAT], "stream": stream})
    said = [
        choice.get("delta", choice.get("message"))
        for event in (result.events[:-1] if stream else [result.json])
        for choice in event["choices"]
    ]
    assert "".join(each.get("reasoning_content") or "" for each in said) == "Hmm."


DEPTHS = [*range(100, 1000, 100), *range(900, 1000, 10), 5_000]
"""At some of these, what can be decoded is too deep for what follows; it depends on the stack."""


def nested(depth: int) -> Any:
    return msgspec.Raw(b'{"content":[' * (depth // 2) + b"1" + b"]}" * (depth // 2))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_reply_that_is_nested_deeply_is_no_fault_of_the_gateway(
    depth: int, is_streamed: bool, stream: bool
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": nested(depth)}}
    called = {"type": "function_call", "call_id": "c", "name": "f", "arguments": nested(depth)}
    used = {"type": "tool_use", "id": "t", "name": "f", "input": nested(depth)}
    said = {"role": "assistant", "content": "hi"}
    whole: dict[Shape, list[Json]] = {
        CHAT: [
            reply({"index": 0, "finish_reason": "stop", "message": {**said, key: value}})
            for key, value in (("reasoning_content", nested(depth)), ("tool_calls", [call]))
        ],
        COMPLETIONS: [reply(choice(COMPLETIONS, logprobs=nested(depth)))],
        RESPONSES: [{"id": "r", "status": "completed", "output": [called]}],
        Shape.MESSAGES: [{"type": "message", "content": [used], "stop_reason": "tool_use"}],
    }
    for home, replies in whole.items():
        for each in replies:
            answer = in_events(home, each) if is_streamed else sent(each)
            for client in set(Shape) - {home}:
                result = seen(client, home, answer, stream=stream)
                # The second is of a call for a messages client, in a stream that has begun.
                is_late = client is Shape.MESSAGES and result == "error api_error"
                assert not result.startswith("error") or result == "error 502" or is_late


def in_events(home: Shape, whole: Json) -> FakeReply:
    """Return a stream that says what a whole reply says."""
    if home is RESPONSES:
        events: list[Json] = [{"type": "response.completed", "response": whole}]
    elif home is Shape.MESSAGES:
        (block,) = whole["content"]
        events = [
            {"type": "message_start", "message": {**whole, "content": []}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"},
        ]
    else:
        (one,) = whole["choices"]
        events = [{"choices": [{**one, "delta": one.get("message")}]}]
    data = b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events)
    return FakeReply(200, EVENT_STREAM, (data + b"data: [DONE]\n\n",))
