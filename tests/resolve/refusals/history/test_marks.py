"""Marks of what to cache are left out wherever relays take them."""

from copy import deepcopy

from gateway.resolve.refusals.history.hints import CACHE
from gateway.resolve.refusals.history.marks import without_marks
from gateway.shapes import Json

MARK: Json = {CACHE: {"type": "ephemeral"}}


def test_marks_are_left_out_of_messages_their_parts_and_tools() -> None:
    part = {"type": "text", "text": "a"}
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    tool = {"type": "function", "function": {"name": "f", "parameters": {CACHE: "a name"}}}
    body: Json = {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{**part, **MARK}], **MARK},
            {"role": "assistant", "tool_calls": [{**call, **MARK}]},
            "odd",
        ],
        "tools": [{**tool, **MARK}],
    }
    before = deepcopy(body)
    sent = dict(body)
    without_marks(sent)
    assert sent == {
        "model": "m",
        "messages": [
            {"role": "user", "content": [part]},
            {"role": "assistant", "tool_calls": [call]},
            "odd",
        ],
        "tools": [tool],
    }
    assert body == before


def test_what_is_no_list_stays() -> None:
    body: Json = {"messages": "none"}
    without_marks(body)
    assert body == {"messages": "none"}
