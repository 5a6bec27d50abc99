"""Tool calls of a stream."""

from collections.abc import Sequence

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    FULL,
    PATCH,
    ROLE,
    VLLM,
    context,
    deltas_of,
    ending,
    events_of,
    expected_chunk,
    finishes_of,
    folded,
    function_call,
    incomplete,
    item_events,
    message,
    response,
    run,
    streamed,
    text,
    translated,
    whole,
)


@pytest.mark.parametrize("arguments", ["{}", "", '{"x":1}'])
@pytest.mark.parametrize(
    "body", [ALL_TOOLS, {"functions": [{"name": "f"}]}], ids=["tools", "functions"]
)
def test_a_call_before_a_text_that_is_cut_has_all_of_its_arguments(
    body: Json, arguments: str
) -> None:
    asked = {**body, "stop": "END"}
    later = function_call("g", id="fc_2", call_id="call_2")
    reply = response(function_call("f", arguments), message(text("the END.")), later)
    choice = whole(asked, reply)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("the ", "stop")
    said = choice["message"]
    called = said["function_call"] if "functions" in body else said["tool_calls"][0]["function"]
    assert called == {"name": "f", "arguments": arguments or "{}"}
    assert len(said.get("tool_calls", "-")) == 1
    assert folded(streamed(asked, events_of(reply))) == choice
    assert folded(streamed(asked, [ending(reply)])) == choice


def test_tool_calls_have_their_own_indexes_and_names_once() -> None:
    deltas = deltas_of(streamed(ALL_TOOLS, events_of(FULL, size=4)))
    calls = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    assert calls == [
        {
            "index": 0,
            "id": "call_f",
            "type": "function",
            "function": {"name": "f", "arguments": ""},
        },
        {"index": 0, "function": {"arguments": '{"x"'}},
        {"index": 0, "function": {"arguments": ":1}"}},
        {
            "index": 1,
            "id": "call_g",
            "type": "function",
            "function": {"name": "g", "arguments": ""},
        },
        {
            "index": 2,
            "id": "call_patch",
            "type": "custom",
            "custom": {"name": "patch", "input": ""},
        },
        {"index": 2, "custom": {"input": "raw"}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_a_call_that_the_terminal_output_leaves_out_still_counts() -> None:
    reply = response(function_call())
    events = [*events_of(reply)[:-1], ending(response())]
    assert finishes_of(streamed(ALL_TOOLS, events)) == ["tool_calls"]


def test_legacy_functions_get_a_function_call() -> None:
    reply = response(function_call("f", "{}"), function_call("g", "{}"))
    chunks = streamed({"functions": [{"name": "f"}]}, events_of(reply))
    assert deltas_of(chunks) == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    assert finishes_of(chunks) == ["function_call"]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("calls", "dropped"),
    [
        ([function_call("f", "{}")], []),
        ([function_call("f", "{}"), function_call("g", "{}")], ["tool_calls"]),
        ([function_call("f", '{"a":1}{"a":2}')], ["tool_calls"]),
    ],
)
def test_calls_that_a_function_call_does_not_hold_are_reported(
    calls: Sequence[Json], dropped: Sequence[str], *, streams: bool
) -> None:
    translation = translated({"functions": [{"name": "f"}], "stream": streams})
    reply = response(*calls)
    if streams:
        run(translation.stream(), events_of(reply))
    else:
        translation.reply([reply])
    assert translation.report.dropped == dropped


def test_arguments_that_come_whole_are_sent_once() -> None:
    item = function_call("f", '{"x":1}')
    added, delta, *_, call_done, item_done = item_events(item, 0, size=99)
    for events in (
        [added, delta, call_done, item_done],
        [added, call_done, item_done],
        [added, item_done],
        [item_done],
        [call_done, item_done],
        [added],
        [],
    ):
        chunks = streamed(ALL_TOOLS, [*events, ending(response(item))])
        assert folded(chunks)["message"]["tool_calls"] == [
            {"id": "call_f", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
        ]


def test_arguments_that_are_there_when_a_call_begins_are_its_beginning() -> None:
    item = function_call("f", "{")
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    rest = {"type": "response.function_call_arguments.delta", "item_id": "fc_f", "delta": "}"}
    chunks = streamed(ALL_TOOLS, [added, rest, ending(response(function_call("f", "{}")))])
    assert folded(chunks)["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_name_that_comes_late_is_waited_for() -> None:
    item = function_call("f", "{}")
    nameless = {"type": "response.output_item.added", "item": {**item, "name": "", "arguments": ""}}
    delta = {"type": "response.function_call_arguments.delta", "item_id": "fc_f", "delta": "{}"}
    done = {"type": "response.output_item.done", "item": item}
    stream = translated({"stream": True, **ALL_TOOLS}).stream()
    assert [made for e in (nameless, delta) for made in stream.feed(0, e)] == [
        {**expected_chunk(ROLE), "id": f"chatcmpl-{1:032x}", "created": 1_700_000_000}
    ]
    (chunk,) = stream.feed(0, done)
    (call,) = chunk["choices"][0]["delta"]["tool_calls"]
    assert call["function"] == {"name": "f", "arguments": "{}"}


def test_a_call_that_never_gets_a_name_is_an_error() -> None:
    delta = {"type": "response.function_call_arguments.delta", "item_id": "x", "delta": "{}"}
    with pytest.raises(UpstreamError, match="without a name"):
        streamed({}, [delta, ending(response())])


def test_a_wrapped_custom_tool_is_unwrapped_when_it_is_complete() -> None:
    reply = response(function_call("patch", '{"input":"a\\nb"}'))
    chunks = streamed({"tools": PATCH}, events_of(reply, size=1), context(VLLM))
    pieces = [piece for delta in deltas_of(chunks) for piece in delta["tool_calls"]]
    assert pieces == [
        {
            "index": 0,
            "id": "call_patch",
            "type": "custom",
            "custom": {"name": "patch", "input": ""},
        },
        {"index": 0, "custom": {"input": "a\nb"}},
    ]


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input":"a\\nb', "a\nb"), ('{"input": "', ""), ('{"input":"\\u00', "")],
)
def test_a_wrapped_custom_tool_that_a_limit_cuts_off_is_unwrapped_as_far_as_it_goes(
    arguments: str, text: str, size: int
) -> None:
    reply = incomplete(function_call("patch", arguments))
    chunks = streamed({"tools": PATCH}, events_of(reply, size=size), context(VLLM))
    (answered,) = whole({"tools": PATCH}, reply, context(VLLM))["choices"]
    for choice in (folded(chunks), answered):
        assert choice["finish_reason"] == "length"
        assert choice["message"]["tool_calls"][0]["custom"]["input"] == text


@pytest.mark.parametrize("size", [1, 100])
def test_what_a_model_writes_beside_a_custom_tools_input_is_there(size: int) -> None:
    text = '{"why": "x", "input": "a"}'
    reply = response(function_call("patch", text))
    chunks = streamed({"tools": PATCH}, events_of(reply, size=size), context(VLLM))
    (answered,) = whole({"tools": PATCH}, reply, context(VLLM))["choices"]
    for choice in (folded(chunks), answered):
        custom = choice["message"]["tool_calls"][0]["custom"]
        assert custom == {"name": "patch", "input": "a", "native_arguments": text}


def test_a_wrapped_custom_tool_without_a_done_event_is_unwrapped_at_the_end() -> None:
    reply = response(function_call("patch", '{"input":"x"}'))
    events = [e for e in events_of(reply)[:-1] if not e["type"].endswith(".done")]
    chunks = streamed({"tools": PATCH}, [*events, ending(response())], context(VLLM))
    assert folded(chunks)["message"]["tool_calls"][0]["custom"]["input"] == "x"


def test_a_name_that_is_but_a_beginning_waits_for_the_call_to_end() -> None:
    tools: Json = {"tools": [{"type": "function", "function": {"name": "get_weather"}}]}
    item = function_call("get_", "{}")
    added, *deltas, done = item_events(item, 0)
    stream = translated({"stream": True, **tools}).stream()
    for event in (added, *deltas):
        assert deltas_of(stream.feed(0, event)) == []
    (made,) = deltas_of(stream.feed(0, done))
    assert made["tool_calls"][0]["function"]["name"] == "get_"
    other = function_call("got_", "{}")
    chunks = streamed(tools, [added, ending(response(other))])
    said = [call["function"]["name"] for call in folded(chunks)["message"]["tool_calls"]]
    assert said == ["got_", "get_"]
