"""Signatures find the calls that they belong to."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.plan import plan
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    completion,
    fragment,
    tool_call,
)
from tests.translate.responses_via_chat.input.items import USER
from tests.translate.responses_via_chat.next_turn import (
    ASKED,
    DETAILS,
    SIGNED,
    brought_back,
    in_a_stream,
    sealing,
    whole,
)

OF_A_CALL: list[Json] = [
    {"thought_signature": "x"},
    {"provider_specific_fields": {"thought_signature": "x"}},
    {"function": {"thought_signature": "x"}},
    {"function": {"provider_specific_fields": {"thought_signature": "x"}}},
]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("signature", OF_A_CALL)
def test_signatures_belong_to_their_calls(signature: Json, *, streamed: bool) -> None:
    calls = [
        {**tool_call("f", "{}", "call_a"), **SIGNED},
        tool_call("f", "{}", "call_b"),
        tool_call("g", "{}", "call_c"),
    ]
    within = signature.get("function", {})
    calls[2] = {**calls[2], **signature, "function": {**calls[2]["function"], **within}}
    if streamed:
        pieces = [chunk(tool_calls=[{"index": k, **call}]) for k, call in enumerate(calls)]
        output = in_a_stream([*pieces, chunk(finish="tool_calls")], sealing)
    else:
        output = whole(completion(None, "tool_calls", tool_calls=calls), sealing())
    reasoning = [item for item in output if item["type"] == "reasoning"]
    assert [item["call_id"] for item in output if "call_id" in item] == [c["id"] for c in calls]
    assert all(item["content"] == item["summary"] == [] for item in reasoning)
    message, report = brought_back(output, sealing())
    assert message["tool_calls"] == calls
    assert report.dropped == []


@pytest.mark.parametrize("streamed", [True, False])
def test_signatures_find_calls_to_which_a_server_gives_one_id(*, streamed: bool) -> None:
    calls = [
        {**tool_call("f", '{"a": 1}', "x"), "thought_signature": "one"},
        {**tool_call("g", '{"a": 2}', "x"), "thought_signature": "two"},
    ]
    pieces = [chunk(tool_calls=[{"index": 0, **call}]) for call in calls]
    if streamed:
        output = in_a_stream([*pieces, chunk(finish="tool_calls")], sealing)
    else:
        output = whole(completion(None, "tool_calls", tool_calls=calls), sealing())
    message, report = brought_back(output, sealing())
    signatures = [call["thought_signature"] for call in message["tool_calls"]]
    assert signatures == ["one", "two"]
    first, second = (call["id"] for call in message["tool_calls"])
    assert first == "x"
    assert second not in ("x", "")
    assert report.dropped == []


def test_a_signature_belongs_to_the_first_of_two_calls_in_one_text() -> None:
    texts = '{"a": 1}{"a": 2}'
    piece = {**fragment(0, texts, name="f", call_id="x"), **SIGNED}
    events = [chunk(tool_calls=[piece]), chunk(finish="tool_calls")]
    message, _ = brought_back(in_a_stream(events, sealing), sealing())
    first, second = message["tool_calls"]
    assert first == {**tool_call("f", '{"a": 1}', "x"), **SIGNED}
    assert second.keys() == {"id", "type", "function"}


def test_a_signature_may_come_after_its_call_has_begun() -> None:
    events = [
        chunk("Let me see."),
        chunk(tool_calls=[fragment(0, "{", name="f", call_id="call_a")]),
        chunk(tool_calls=[{**fragment(0, "}"), "extra_content": {"google": {"a": 1}}}]),
        chunk(tool_calls=[{"index": 0, **SIGNED}]),
        chunk(reasoning_details=DETAILS),
        chunk(finish="tool_calls"),
    ]
    output = in_a_stream(events, sealing)
    assert [item["type"] for item in output] == ["message", "function_call", "reasoning"]
    message, _ = brought_back(output, sealing())
    both = {"google": {"a": 1, "thought_signature": "CvcB"}}
    assert message == {
        "role": "assistant",
        "content": "Let me see.",
        "reasoning_details": DETAILS,
        "tool_calls": [{**tool_call("f", "{}"), "extra_content": both}],
    }


def test_calls_with_the_same_id_in_two_turns_keep_their_own() -> None:
    """Gemini's calls have the same ids in every turn."""
    turns: list[Json] = [USER]
    for signature in ("one", "", "two"):
        signed = {"thought_signature": signature} if signature else {}
        call = {**tool_call("f", "{}", "function-call-1"), **signed}
        output = whole(completion(None, "tool_calls", tool_calls=[call]), sealing(), **ASKED)
        given = {"type": "function_call_output", "call_id": "function-call-1", "output": "sun"}
        turns += [*output, given]
    translation = plan(Shape.RESPONSES, Shape.CHAT, {"input": turns}, sealing())
    messages = translation.calls[0]["messages"]
    signatures = [
        m["tool_calls"][0].get("thought_signature") for m in messages if "tool_calls" in m
    ]
    assert signatures == ["one", None, "two"]


def test_a_signature_without_its_call_is_reported() -> None:
    call = {**tool_call("f", "{}"), **SIGNED}
    output = whole(completion("a", "tool_calls", tool_calls=[call]), sealing())
    message, report = brought_back(output[:2], sealing())
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1]"]


def test_an_upstreams_long_call_id_comes_back_to_it() -> None:
    """LiteLLM keeps Gemini's signatures in the ids of calls."""
    long_id = "call_1__thought__" + "x" * 100
    calls = [tool_call("f", "{}", long_id)]
    output = whole(completion(None, "tool_calls", tool_calls=calls), sealing())
    assert len(output[1]["call_id"]) <= 64
    body = {"input": [*output, {**USER}]}
    body["input"][-1] = {
        "type": "function_call_output",
        "call_id": output[1]["call_id"],
        "output": "sun",
    }
    sent = plan(Shape.RESPONSES, Shape.CHAT, body, sealing()).calls[0]["messages"]
    assert sent[0]["tool_calls"][0]["id"] == sent[1]["tool_call_id"] == long_id
