"""The types of agents' chat requests."""

import msgspec
import pytest
from msgspec.json import encode

from gateway.fast.agents.from_chat.chat_requests import (
    Assistant,
    ChatRequest,
    Output,
    others,
    read_chat_request,
    read_parts,
    read_tools,
)
from gateway.translate.schema.chat import CHAT_PARAMETERS
from tests.fast.agents.chat_traffic import FULL, IMAGE, TEXT
from tests.fast.both_paths import changed


def test_texts_stay_as_they_are_written() -> None:
    written = b'{"messages":[{"role":"tool","tool_call_id":"c","content":"\\u00e9\\/"}]}'
    (output,) = read_chat_request(written).messages
    assert isinstance(output, Output)
    assert bytes(output.content) == b'"\\u00e9\\/"'


def test_others_are_neither_the_conversation_nor_about_tools() -> None:
    about = ("messages", "tools", "tool_choice", "parallel_tool_calls")
    expected = {name: value for name, value in FULL.items() if name not in about}
    assert others(read_chat_request(encode({**FULL, "user": None}))) == expected


def test_there_are_no_parameters_but_those_that_are_known() -> None:
    extensions = {"chat_template_kwargs", "min_p", "repetition_penalty", "top_k"}
    assert set(ChatRequest.__struct_fields__) - extensions < CHAT_PARAMETERS.keys()


def test_messages_are_told_apart_by_their_role() -> None:
    roles = [type(each).__name__.lower() for each in read_chat_request(encode(FULL)).messages]
    known = ["output" if m["role"] == "tool" else m["role"] for m in FULL["messages"]]
    assert roles == known


def test_null_is_absent() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": None, "refusal": None}
    (read,) = read_chat_request(encode({"messages": [message]})).messages
    assert read == Assistant()


@pytest.mark.parametrize(
    "change",
    [
        ("messages", []),
        ("messages.0.role", "function"),
        ("messages.0.own", 1),
        ("messages.2.tool_calls.0.id", ""),
        ("messages.2.tool_calls.0.id", "x" * 65),
        ("functions", []),
        ("own", 1),
    ],
)
def test_anything_else_is_not_admitted(change: tuple[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_chat_request(encode(changed(FULL, [change])))


def test_what_is_not_utf8_is_not_admitted() -> None:
    with pytest.raises(UnicodeDecodeError):
        read_chat_request(b'{"messages":[{"role":"user","content":"\xff"}]}')


def test_parts_and_tools_are_read_when_they_are_needed() -> None:
    assert len(read_parts(encode([TEXT, IMAGE]))) == 2
    assert [tool.function.name for tool in read_tools(encode(FULL["tools"]))] == ["read", "now"]
    for wrong in ([], [{"type": "file"}], "x"):
        with pytest.raises(msgspec.ValidationError):
            read_parts(encode(wrong))
    with pytest.raises(msgspec.ValidationError):
        read_tools(encode([{"type": "custom", "custom": {"name": "f"}}]))
