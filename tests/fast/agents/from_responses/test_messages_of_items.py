"""The items of agents' responses requests as turns of messages."""

import pytest
from msgspec.json import decode, encode

from gateway.fast.agents.from_responses.messages_of_items import ItemsAsTurns
from gateway.fast.agents.from_responses.responses_requests import read_responses_request
from gateway.fast.agents.uncommon import UNCOMMON, Uncommon
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from tests.fast.agents.messages_contexts import CONTEXTS

USER: Json = {"type": "message", "role": "user", "content": "Hi."}
SAID: Json = {"type": "message", "role": "assistant", "content": "Ho."}


def call(call_id: str, **more: object) -> Json:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": "f",
        "arguments": '{"a": 1}',
        **more,
    }


def output(call_id: str, given: object = "Done.", kind: str = "function") -> Json:
    return {"type": f"{kind}_call_output", "call_id": call_id, "output": given}


def custom(call_id: str) -> Json:
    return {"type": "custom_tool_call", "call_id": call_id, "name": "g", "input": "x"}


def turns(*items: Json) -> list[Json]:
    request = read_responses_request(encode({"model": "m", "input": items}))
    written = ItemsAsTurns(CONTEXTS["Claude"], Report(Shape.RESPONSES, Shape.MESSAGES))
    written.write(request.input)
    messages: list[Json] = decode(encode(written.writer.written()))["messages"]
    return messages


def kinds(*items: Json) -> list[list[str]]:
    return [
        ["text"] if isinstance(said, str) else [block["type"] for block in said]
        for said in (turn["content"] for turn in turns(*items))
    ]


def test_a_call_and_its_output_are_two_turns() -> None:
    assert turns(USER, call("a"), output("a"), call("b"), output("b"), USER)[1:] == [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": "Done."}],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "b", "name": "f", "input": {"a": 1}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": "Done."},
                {"type": "text", "text": "Hi."},
            ],
        },
    ]


def test_what_is_said_before_calls_is_in_their_turn() -> None:
    assert kinds(USER, SAID, call("a"), custom("b"), output("b", kind="custom_tool"), output("a"))[
        1:
    ] == [["text", "tool_use", "tool_use"], ["tool_result", "tool_result"]]
    assert kinds(USER, SAID, custom("b"), output("b", " ", kind="custom_tool"))[1:] == [
        ["text", "tool_use"],
        ["tool_result"],
    ]


@pytest.mark.parametrize("given", [" ", [{"type": "input_text", "text": "Done."}]])
def test_one_other_output_changes_no_other(given: object) -> None:
    plain = turns(USER, call("a"), output("a"), call("b"), output("b"))
    other = turns(USER, call("a"), output("a"), call("b"), output("b", given))
    assert plain[:-1] == other[:-1]


@pytest.mark.parametrize(
    "items",
    [
        [call("a"), output("b")],
        [call("a"), output("a"), output("a")],
        [call("a"), output("a"), call("a"), output("a")],
        [call("a"), custom("a"), output("a")],
        [call("a"), SAID, output("a"), output("a")],
        [call("a", namespace="n"), output("a")],
        [call("a")],
        [call("a"), USER],
        [output("a")],
        [SAID, output("a")],
    ],
)
def test_calls_and_outputs_that_do_not_alternate_are_uncommon(items: list[Json]) -> None:
    with pytest.raises(Uncommon):
        turns(USER, *items)


def test_what_is_not_an_object_is_uncommon() -> None:
    with pytest.raises(UNCOMMON):
        turns(USER, call("a"), output("a"), call("b", arguments="[]"), output("b"))
