"""What real clients have in their input, at the emulator's own endpoint."""

from typing import Any

import pytest

from tests.demo.endpoints.test_responses import CLOCK, respond, response, streamed, text_of
from tests.demo.rules.test_responses import CALL, OUTPUT

USER = {"role": "user", "content": "hi"}
PASSED = {"internal_chat_message_metadata_passthrough": {"turn_id": "1"}}
CUSTOM = {"type": "custom_tool_call", "call_id": "call_2", "name": "exec", "input": "ls"}
CUSTOM_OUTPUT = {"type": "custom_tool_call_output", "call_id": "call_2", "output": "a b"}
SEARCH = {"call_id": "call_3", "execution": "client", "status": "completed"}
OFFER = {"type": "additional_tools", "role": "developer", "tools": [CLOCK]}


def test_calls_and_outputs_of_every_kind_are_taken() -> None:
    items = [
        {**USER, "type": "message", **PASSED},
        {**CALL, "id": "fc_1", "namespace": "mcp__clock", **PASSED},
        {**OUTPUT, "name": "clock", "namespace": "mcp__clock"},
        {"type": "tool_search_call", "arguments": {"query": "clock"}, **SEARCH},
        {"type": "tool_search_output", "tools": [CLOCK], **SEARCH},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"},
        {"type": "configuration_update", "reasoning": {"effort": "low"}},
        {**CUSTOM, "id": "ctc_1"},
        CUSTOM_OUTPUT,
    ]
    assert text_of(response(items)) == "The tool said: a b"


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([CUSTOM_OUTPUT], "input"),
        ([{**CUSTOM, "id": "fc_1"}], "input[0].id"),
        ([{"type": "compaction_trigger"}, USER], "input[0]"),
        ([{**OFFER, "role": "user"}], "input[0].role"),
        ([{**OFFER, "tools": [{"type": "function"}]}], "input[0].tools[0].name"),
    ],
)
def test_what_is_wrong_with_an_item_is_named(items: list[Any], param: str) -> None:
    status, _, named, _ = respond(items).error()
    assert (status, named) == (400, param)


@pytest.mark.parametrize(
    "offer", [OFFER, {"type": "tool_search_output", "tools": [CLOCK], **SEARCH}]
)
def test_tools_that_an_item_offers_can_be_called(offer: dict[str, Any]) -> None:
    (call,) = response([offer, {"role": "user", "content": "call clock"}])["output"]
    assert (call["type"], call["name"]) == ("function_call", "clock")


def test_a_trigger_is_answered_by_one_compaction() -> None:
    items = [USER, {"type": "compaction_trigger"}]
    (item,) = response(items)["output"]
    assert item["type"] == "compaction"
    events = streamed(items)
    assert [event["type"] for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert events[-2]["item"]["encrypted_content"] == item["encrypted_content"]
    assert text_of(response([item, {"role": "user", "content": "go on"}])) == "You said: go on"
