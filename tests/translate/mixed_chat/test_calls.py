from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.mixed_chat.calls import as_functions, chunk_as_functions

FUNCTION: Json = {"id": "a", "type": "function", "function": {"name": "Read", "arguments": "{}"}}
CUSTOM: Json = {"id": "b", "type": "custom", "custom": {"name": "ApplyPatch", "input": "*** B"}}
CONVERTED: Json = {
    "id": "b",
    "type": "function",
    "function": {"name": "ApplyPatch", "arguments": "*** B"},
}


def choice(holder: str, *calls: Any) -> Json:
    return {"index": 0, holder: {"role": "assistant", "tool_calls": list(calls)}}


def test_custom_calls_become_functions() -> None:
    reply = {"id": "x", "choices": [choice("message", FUNCTION, CUSTOM)], "usage": {}}
    changed = as_functions(reply)
    assert changed == {**reply, "choices": [choice("message", FUNCTION, CONVERTED)]}
    assert reply["choices"] == [choice("message", FUNCTION, CUSTOM)]


def test_so_do_pieces_in_a_stream() -> None:
    first, more = {**CUSTOM, "index": 0}, {"index": 0, "custom": {"input": "egin"}}
    chunk = {"choices": [choice("delta", first, more)]}
    piece = {"index": 0, "function": {"arguments": "egin"}}
    assert chunk_as_functions(chunk)["choices"] == [
        choice("delta", {**CONVERTED, "index": 0}, piece)
    ]


@pytest.mark.parametrize(
    "choices",
    [
        None,
        [],
        ["none"],
        [{"index": 0}],
        [{"index": 0, "message": {"content": "Hi"}}],
        [choice("message", "none", {"custom": "none"})],
    ],
)
def test_all_else_stays_as_it_is(choices: Any) -> None:
    assert as_functions({"choices": choices}) == {"choices": choices}
