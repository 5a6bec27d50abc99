"""Requests that are joined of pieces."""

import pytest
from msgspec import Raw
from msgspec.json import decode, encode

from gateway.fast.agents.exchanges import IN_CHAT, IN_RESPONSES, Form, Written, joined, pieces_of
from gateway.shapes import Json

ID, NAME, ARGUMENTS, RESULT = Raw(b'"call_1"'), Raw(b'"f"'), b'"{}"', Raw(rb'"\u00e9\/"')


def exchange(form: Form) -> list[Written]:
    a, b, c, d, e, f = form
    return [a, ID, b, NAME, c, ARGUMENTS, d, ID, e, RESULT, f]


def test_a_call_and_its_result_are_two_messages_of_chat() -> None:
    sent = joined("messages", exchange(IN_CHAT), encode, {"model": "m", "messages": None})
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "call_1", "type": "function", "function": function}
    assert decode(sent)["messages"] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "é/"},
    ]
    assert RESULT in (Raw(sent[at : at + len(RESULT)]) for at in range(len(sent)))


def test_a_call_and_its_result_are_two_items_of_responses() -> None:
    sent = joined("input", exchange(IN_RESPONSES), encode, {"input": None})
    assert decode(sent)["input"] == [
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "é/"},
    ]


@pytest.mark.parametrize(
    "request_",
    [
        {"input": None},
        {"instructions": '"input":null', "input": None},
        {"instructions": 'x\\","input":null', "input": None, "metadata": {"input": None}},
        {"model": "m", "input": None, "tools": Raw(b'[{"input":null}]')},
        {"input": None, "tools": Raw(b"[]"), "stream": True},
        {"input": None, "tools": [{"name": "f"}], "stream": True},
    ],
)
def test_the_items_go_to_the_field_of_the_request(request_: Json) -> None:
    items: list[Written] = [b",", b'{"a":1}', b",", Raw(b'"b"')]
    expected = {**decode(encode(request_)), "input": [{"a": 1}, "b"]}
    given = list(request_)
    assert decode(joined("input", items, encode, request_)) == expected
    assert list(request_) == given


def test_what_is_in_pieces_stays_so() -> None:
    pieces = pieces_of([{"a": 1}, (b",", b"2"), "b"], encode)
    assert b"".join(pieces) == b',{"a":1},2,"b"'
