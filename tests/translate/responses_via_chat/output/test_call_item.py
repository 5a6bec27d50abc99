"""Calls as output items."""

import pytest

from gateway.errors import UpstreamError
from gateway.translate.responses_via_chat.output.call_item import CallItem
from gateway.translate.responses_via_chat.tools.definitions import ToolNames
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    chunk,
    completion,
    context,
    fragment,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import deltas, kinds, read, texts
from tests.translate.responses_via_chat.input.items import USER
from tests.translate.responses_via_chat.tools.tools import PATCH, F

APPLY_PATCH = {"type": "custom", "name": "apply_patch"}


def test_a_call_is_announced_once_its_name_and_id_are_known() -> None:
    name_first = [
        chunk(tool_calls=[fragment(0, name="f")]),
        chunk(tool_calls=[fragment(0, call_id="call_a")]),
        chunk(tool_calls=[fragment(0, '{"a":1}')]),
        chunk(finish="tool_calls"),
    ]
    id_first = [
        chunk(tool_calls=[fragment(0, call_id="call_a")]),
        chunk(tool_calls=[fragment(0, '{"a"')]),
        chunk(tool_calls=[fragment(0, ":1}", name="f")]),
        chunk(finish="tool_calls"),
    ]
    for chat in (name_first, id_first):
        (call,) = read(stream_of(chat, tools=[F]))["output"]
        assert (call["call_id"], call["name"], call["arguments"]) == ("call_a", "f", '{"a":1}')


def test_a_call_without_an_id_gets_one() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, "{}", name="f")]),
            chunk(tool_calls=[fragment(1, name="g")]),
            chunk(finish="stop"),
        ],
        tools=[F],
    )
    first, second = read(events)["output"]
    assert first["call_id"] == f"call_{2:032x}"
    assert second["call_id"] == f"call_{3:032x}"


def test_a_call_id_of_more_than_64_characters_is_replaced() -> None:
    events = stream_of(
        [chunk(tool_calls=[fragment(0, "{}", name="f", call_id="x" * 65)]), chunk(finish="stop")]
    )
    (call,) = read(events)["output"]
    assert len(call["call_id"]) == 37


def test_a_call_without_a_name_is_an_error() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, "{}", call_id="call_a")]))
    fold.feed(0, chunk("waits"))
    fold.feed(0, chunk(finish="stop"))
    with pytest.raises(UpstreamError, match="without a name"):
        fold.end(0)


def test_a_custom_tool_sent_as_a_function_comes_back_as_a_custom_call() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"input": "*** Beg', name="apply_patch", call_id="c")]),
            chunk(tool_calls=[fragment(0, 'in\\n"}')]),
            chunk(finish="tool_calls"),
        ],
        lambda: context(SELF_HOSTED),
        tools=[APPLY_PATCH],
    )
    assert kinds(events) == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    (call,) = read(events)["output"]
    assert call == {
        "id": f"ctc_{2:032x}",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "c",
        "name": "apply_patch",
        "input": "*** Begin\n",
    }


def test_an_empty_custom_call_has_an_empty_input() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, name="apply_patch", call_id="c")]),
            chunk("then"),
            chunk(finish="tool_calls"),
        ],
        lambda: context(SELF_HOSTED),
        tools=[APPLY_PATCH],
    )
    assert texts(read(events)) == ["apply_patch()", "then"]


def test_a_custom_call_of_a_backend_that_has_them_is_streamed() -> None:
    custom = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "apply_patch"}}
    events = stream_of(
        [
            chunk(tool_calls=[{**custom, "custom": {"name": "apply_patch", "input": "a"}}]),
            chunk(tool_calls=[{"index": 0, "custom": {"input": "{}"}}]),
            chunk("then"),
            chunk(finish="tool_calls"),
        ],
        tools=[APPLY_PATCH],
    )
    assert deltas(events) == ["a", "{}", "then"]
    assert texts(read(events)) == ["apply_patch(a{})", "then"]


def test_a_call_of_a_tool_in_a_namespace_gets_its_names_back() -> None:
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [F]}
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, "{}", name="crm__f", call_id="call_a")]),
            chunk(finish="tool_calls"),
        ],
        tools=[namespace],
    )
    (call,) = read(events)["output"]
    assert (call["namespace"], call["name"]) == ("crm", "f")


@pytest.mark.parametrize("streamed", [True, False])
def test_what_a_model_writes_beside_a_custom_tools_input_comes_back_to_it(
    *, streamed: bool
) -> None:
    """The item has it in a field of the gateway's own."""
    text = '{"why": "x",  "input": "a"}'
    if streamed:
        events = [chunk(tool_calls=[fragment(0, "", name="patch", call_id="call_a")])]
        events += [chunk(tool_calls=[fragment(0, piece)]) for piece in (text[:9], text[9:])]
        events.append(chunk(finish="tool_calls"))
        made = stream_of(events, lambda: context(SELF_HOSTED), tools=[PATCH])
        (item,) = made[-1]["response"]["output"]
    else:
        reply = completion(None, "tool_calls", tool_calls=[tool_call("patch", text)])
        (item,) = replied(reply, context(SELF_HOSTED), tools=[PATCH])["output"]
    assert (item["type"], item["input"], item["native_arguments"]) == (
        "custom_tool_call",
        "a",
        text,
    )
    output = {"type": "custom_tool_call_output", "call_id": "call_a", "output": "ok"}
    for able, sent in (
        (SELF_HOSTED, {"function": {"name": "patch", "arguments": text}}),
        (OPENAI, {"custom": {"name": "patch", "input": "a"}}),
    ):
        translation = asking(context(able), input=[USER, item, output])
        (call,) = translation.calls[0]["messages"][1]["tool_calls"]
        assert call.items() >= sent.items()
        assert translation.report.dropped == (
            ["input[1].native_arguments"] if able is OPENAI else []
        )
    bare = completion(None, "tool_calls", tool_calls=[tool_call("patch", '{"input": "a"}')])
    (item,) = replied(bare, context(SELF_HOSTED), tools=[PATCH])["output"]
    assert "native_arguments" not in item


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input": "*** Begin\\nfo', "*** Begin\nfo"), ('{"input":"a\\', "a"), ('{"inp', "")],
)
def test_a_custom_tools_input_that_a_limit_cuts_off_is_shown_without_its_wrapper(
    arguments: str, text: str, size: int
) -> None:
    reply = completion(None, "length", tool_calls=[tool_call("patch", arguments)])
    pieces = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    events = [chunk(tool_calls=[fragment(0, name="patch", call_id="c")])]
    events += [chunk(tool_calls=[fragment(0, piece)]) for piece in pieces]
    stream = stream_of(
        [*events, chunk(finish="length")], lambda: context(SELF_HOSTED), tools=[PATCH]
    )
    for response in (replied(reply, context(SELF_HOSTED), tools=[PATCH]), read(stream)):
        (item,) = response["output"]
        assert (response["status"], item["status"]) == ("incomplete", "incomplete")
        assert (item["type"], item["input"]) == ("custom_tool_call", text)
    assert "".join(event["delta"] for event in stream if "delta" in event) == text


def test_a_call_of_which_nothing_came_can_be_cut_off() -> None:
    item = CallItem(0, "x", ToolNames(), set())
    item.add("call_a", "f", "", custom=False)
    before, item.lacks_its_end = item.is_cut_off, True
    assert (before, item.is_cut_off) == (False, True)
    item.close("incomplete")
    assert (item.resource()["arguments"], item.resource()["status"]) == ("", "incomplete")
