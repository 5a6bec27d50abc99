"""Calls that are several, or half a one: an error for every client, unless a limit has cut them."""

import json
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.plan import plan
from gateway.translate.stream.folding.replies import events_as_whole
from gateway.translate.stream.messages.message_events import events_of
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


def of_messages(text: str, size: int, reason: str = "tool_use") -> list[Json]:
    """Return the events of a messages stream with a call whose input is this text, in pieces."""
    called = messages_upstreams.tool_use("f")
    begun, start, _, *rest = events_of(messages_upstreams.message(called, reason=reason))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return [
        *(begun, start),
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        *rest,
    ]


def of_messages_homes(client: Shape, asked: Json, events: list[Json]) -> list[list[Json]]:
    """Return the calls that a client of chat or responses gets: in a whole reply, in a stream."""
    of = messages_upstreams.context()
    whole = plan(client, Shape.MESSAGES, asked, of).reply([_whole(events)])
    fold = plan(client, Shape.MESSAGES, {**asked, "stream": True}, of).stream()
    sent = [event for each in events for event in fold.feed(0, each)]
    if client is Shape.RESPONSES:
        return [whole["output"], read(sent)["output"]]
    messages = (whole["choices"][0]["message"], cases.folded(sent)["message"])
    return [message["tool_calls"] for message in messages]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("between", ["", ",", " ,\n"])
@pytest.mark.parametrize("kind", ["function", "custom"])
def test_so_are_those_of_messages_homes(kind: str, between: str, *, size: int) -> None:
    given = {"function": ['{"x":1}', '{"x":[2]}', "[3]"], "custom": ['{"input":"a"}', '{"y":"b"}']}
    shown = {"function": given["function"], "custom": ["a", "b"]}[kind]
    field = "arguments" if kind == "function" else "input"
    for repeated in ("", given[kind][0]):
        events = of_messages(between.join([*given[kind], *([repeated] * bool(repeated))]), size)
        asked: Json = {"model": "m", "messages": messages_upstreams.HELLO, **CHAT_TOOLS[kind]}
        for calls in of_messages_homes(Shape.CHAT, asked, events):
            assert [(call[kind]["name"], call[kind][field]) for call in calls] == [
                ("f", text) for text in shown
            ]
            assert len({call["id"] for call in calls}) == len(calls)
        tool = FUNCTION if kind == "function" else CUSTOM
        asked = {"model": "m", "input": "x", "tools": [tool]}
        for items in of_messages_homes(Shape.RESPONSES, asked, events):
            assert [(item["name"], item[field]) for item in items] == [("f", t) for t in shown]


@pytest.mark.parametrize("size", [1, 100])
def test_half_a_call_of_a_messages_home_is_one_at_a_limit_alone(size: int) -> None:
    asked: Json = {"model": "m", "messages": messages_upstreams.HELLO, **cases.ALL_TOOLS}
    cut = of_messages('{"x":1}{"x":', size, reason="max_tokens")
    for calls in of_messages_homes(Shape.CHAT, asked, cut):
        assert [call["function"]["arguments"] for call in calls] == ['{"x":1}', '{"x":']
    of_responses: Json = {"model": "m", "input": "x", "tools": [FUNCTION]}
    for items in of_messages_homes(Shape.RESPONSES, of_responses, cut):
        assert [item["arguments"] for item in items] == ['{"x":1}', '{"x":']
        assert [item["status"] for item in items] == ["completed", "incomplete"]
    for client, body in ((Shape.CHAT, asked), (Shape.RESPONSES, of_responses)):
        with pytest.raises(UpstreamError, match="two tool calls in one"):
            of_messages_homes(client, body, of_messages('{"x":1}{"x":', size))


def test_a_function_call_is_the_first_of_several() -> None:
    functions = [{"name": "f", "parameters": {"type": "object"}}]
    asked = {"model": "m", "messages": messages_upstreams.HELLO, "functions": functions}
    of, events = messages_upstreams.context(), of_messages('{"x":1}{"x":2}', 3)
    whole = plan(Shape.CHAT, Shape.MESSAGES, asked, of).reply([_whole(events)])
    called = whole["choices"][0]["message"]["function_call"]
    assert called == {"name": "f", "arguments": '{"x":1}'}


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


def test_what_a_model_writes_after_its_json_stays_there() -> None:
    text = '{"x":1}</tool_call>'
    for given, shown in ((text, [text]), (f'{{"x":0}}, {text}', ['{"x":0}', text])):
        for size in (0, 1):
            output = responses_client("function", given, "tool_calls", size=size)
            calls = chat_client("function", given, cases.response, size=size)
            assert [item["arguments"] for item in output] == shown
            assert [call["function"]["arguments"] for call in calls] == shown


@pytest.mark.parametrize(
    "text", ['{"x":', '{"x":1', "no", '{"x":1e400}', '"x"', "[1]", "0", '{"x":NaN}']
)
def test_arguments_that_are_not_an_object_come_as_text_from_streams_of_messages(text: str) -> None:
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


@pytest.mark.parametrize("text", ['{"x":1}{"x":2}', '{"x":', "no", "[1]", '{"x":1e400}'])
def test_what_is_not_an_object_goes_back_to_messages_as_text(text: str) -> None:
    function = {"name": "f", "arguments": text}
    histories: dict[Shape, list[tuple[str, Json]]] = {
        Shape.CHAT: [
            (
                "messages[1].tool_calls[0].function.arguments",
                {
                    "messages": [
                        *messages_upstreams.HELLO,
                        {"role": "assistant", "tool_calls": [{"id": "a", "function": function}]},
                        {"role": "tool", "tool_call_id": "a", "content": "That is not JSON."},
                    ]
                },
            ),
            (
                "messages[1].function_call.arguments",
                {
                    "messages": [
                        *messages_upstreams.HELLO,
                        {"role": "assistant", "function_call": function},
                        {"role": "function", "name": "f", "content": "That is not JSON."},
                    ]
                },
            ),
        ],
        Shape.RESPONSES: [
            (
                "input[1].arguments",
                {
                    "input": [
                        {"role": "user", "content": "Hi"},
                        {"type": "function_call", "call_id": "a", **function},
                        {"type": "function_call_output", "call_id": "a", "output": "no"},
                    ]
                },
            )
        ],
    }
    for client, bodies in histories.items():
        for path, body in bodies:
            made = plan(client, Shape.MESSAGES, body, messages_upstreams.context())
            (block,) = made.calls[0]["messages"][1]["content"]
            assert (block["name"], block["input"]) == ("f", {"INVALID_JSON": text})
            assert f"{path}:text->object" in made.report.changed
