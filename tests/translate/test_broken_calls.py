"""Calls that are several, or half a one: an error for every client, unless a limit has cut them."""

import json
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.plan import plan
from gateway.translate.stream.folding.replies import events_as_whole
from gateway.translate.stream.message_events import events_of
from tests.translate import messages_upstreams
from tests.translate.chat_via_responses import cases
from tests.translate.responses_via_chat import chat_backend
from tests.translate.responses_via_chat.client_stream import read

ROWS = ['"a""b"', "1 2", '"a", {"x":1}', '{"x":1}{"x":', '{"x":1}, {"x":']
HALVES = ['{"input":"ab', '{"input":"a\\', '{"input":"ab"', '{"inp']
FUNCTION: Json = {"type": "function", "name": "f", "parameters": {}, "strict": False}
CUSTOM: Json = {"type": "custom", "name": "f"}
CHAT_TOOLS = {
    "function": cases.ALL_TOOLS,
    "custom": {"tools": [{"type": "custom", "custom": CUSTOM}]},
}
BROKEN = [
    *(("function", text) for text in ROWS),
    *(("custom", text) for text in HALVES),
]


def responses_client(kind: str, text: str, finish: str, *, size: int) -> list[Json]:
    """Return the output that a client of responses gets, of a whole reply or of pieces."""
    of = chat_backend.context(chat_backend.SELF_HOSTED)
    tools = [FUNCTION if kind == "function" else CUSTOM]
    output: list[Json]
    if not size:
        call = chat_backend.tool_call("f", text)
        reply = chat_backend.completion(None, finish, tool_calls=[call])
        output = chat_backend.asking(of, tools=tools).reply([reply])["output"]
        return output
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    deltas = [chat_backend.fragment(0, piece) for piece in pieces]
    deltas[0] = chat_backend.fragment(0, pieces[0], name="f", call_id="call_a")
    fold = chat_backend.asking(of, tools=tools, stream=True).stream()
    chunks = [chat_backend.chunk(tool_calls=[delta]) for delta in deltas]
    chunks.append(chat_backend.chunk(finish=finish))
    output = read([event for each in chunks for event in fold.feed(0, each)] + fold.end(0))[
        "output"
    ]
    return output


def chat_client(kind: str, text: str, ended: Any, *, size: int) -> list[Json]:
    """Return the calls that a client of chat gets, of a whole reply or of pieces."""
    body, of = CHAT_TOOLS[kind], cases.context(cases.VLLM)
    reply = ended(cases.function_call("f", text))
    if not size:
        choice = cases.whole(body, reply, of)["choices"][0]
    else:
        choice = cases.folded(cases.streamed(body, cases.events_of(reply, size), of))
    calls: list[Json] = choice["message"]["tool_calls"]
    return calls


@pytest.mark.parametrize("size", [0, 1, 100])
@pytest.mark.parametrize(("kind", "text"), BROKEN)
def test_a_reply_that_nothing_has_cut_short_is_an_error(kind: str, text: str, size: int) -> None:
    for finish in ("tool_calls", "stop"):
        with pytest.raises(UpstreamError, match=r"two tool calls in one|middle of its input"):
            responses_client(kind, text, finish, size=size)
    with pytest.raises(UpstreamError, match=r"two tool calls in one|middle of its input"):
        chat_client(kind, text, cases.response, size=size)


@pytest.mark.parametrize("size", [0, 1, 100])
@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("function", '{"x":1}{"x":', ['{"x":1}', '{"x":']),
        ("custom", '{"input":"ab', ["ab"]),
        ("custom", '{"inp', [""]),
    ],
)
def test_what_a_limit_has_cut_comes_as_far_as_it_goes(
    kind: str, text: str, shown: list[str], size: int
) -> None:
    output = responses_client(kind, text, "length", size=size)
    assert [item.get("arguments", item.get("input")) for item in output] == shown
    assert output[-1]["status"] == "incomplete"
    calls = chat_client(kind, text, cases.incomplete, size=size)
    field = "arguments" if kind == "function" else "input"
    assert [call[kind][field] for call in calls] == shown


@pytest.mark.parametrize("size", [0, 1, 2, 100])
@pytest.mark.parametrize("between", ["", ",", " ,\n", "\n\n"])
def test_texts_in_a_row_are_calls_in_a_row(between: str, size: int) -> None:
    texts = ['{"x":1}', '{"x":[2]}', "[3]"]
    row = between.join(texts) + between
    output = responses_client("function", row, "tool_calls", size=size)
    assert [item["arguments"] for item in output] == texts
    calls = chat_client("function", row, cases.response, size=size)
    assert [call["function"]["arguments"] for call in calls] == texts
    inputs = ["a", "b,{"]
    row = between.join(json.dumps({"input": each}) for each in inputs)
    output = responses_client("custom", row, "tool_calls", size=size)
    assert [item["input"] for item in output] == inputs
    calls = chat_client("custom", row, cases.response, size=size)
    assert [call["custom"]["input"] for call in calls] == inputs


def test_of_calls_side_by_side_each_that_is_cut_off_is_incomplete() -> None:
    tools = [FUNCTION, {**CUSTOM, "name": "g"}]
    calls = [
        chat_backend.tool_call("g", '{"input":"a', "call_a"),
        chat_backend.tool_call("f", "{}", "call_b"),
        chat_backend.tool_call("f", '{"x', "call_c"),
    ]
    of = chat_backend.context(chat_backend.SELF_HOSTED)
    reply = chat_backend.completion(None, "length", tool_calls=calls)
    output = chat_backend.replied(reply, of, tools=tools)["output"]
    assert [item["status"] for item in output] == ["incomplete", "completed", "incomplete"]
    assert output[0]["input"] == "a"


def test_what_a_model_writes_behind_its_json_stays_there() -> None:
    text = '{"x":1}</tool_call>'
    for given, shown in ((text, [text]), (f'{{"x":0}}, {text}', ['{"x":0}', text])):
        for size in (0, 1):
            output = responses_client("function", given, "tool_calls", size=size)
            calls = chat_client("function", given, cases.response, size=size)
            assert [item["arguments"] for item in output] == shown
            assert [call["function"]["arguments"] for call in calls] == shown


@pytest.mark.parametrize(
    "text", ['{"x":', '{"x":1', "no", '{"x":1e400}', '"x"', "[1]", "null", "0", '{"x":NaN}']
)
def test_arguments_that_are_no_object_come_as_text_from_streams_of_messages(text: str) -> None:
    called = messages_upstreams.tool_use("f")
    events = list(events_of(messages_upstreams.message(called, reason="tool_use")))
    events[2]["delta"]["partial_json"] = text
    of = messages_upstreams.context()
    asked = {"model": "m", "messages": messages_upstreams.HELLO, **cases.ALL_TOOLS}
    folded = [plan(Shape.CHAT, Shape.MESSAGES, asked, of).reply([_whole(events)])]
    fold = plan(Shape.CHAT, Shape.MESSAGES, {**asked, "stream": True}, of).stream()
    folded.append({"choices": [cases.folded([e for each in events for e in fold.feed(0, each)])]})
    for reply in folded:
        (call,) = reply["choices"][0]["message"]["tool_calls"]
        assert call["function"]["arguments"] == text
    asked = {"model": "m", "input": "x", "tools": [FUNCTION]}
    responses = [plan(Shape.RESPONSES, Shape.MESSAGES, asked, of).reply([_whole(events)])]
    fold = plan(Shape.RESPONSES, Shape.MESSAGES, {**asked, "stream": True}, of).stream()
    responses.append([e for each in events for e in fold.feed(0, each)][-1]["response"])
    for response in responses:
        assert [item["arguments"] for item in response["output"]] == [text]


def _whole(events: list[Json]) -> Json:
    return events_as_whole(Shape.MESSAGES, events)
