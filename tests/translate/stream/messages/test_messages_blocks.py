"""Blocks begin once there is something in them, and end with what their type demands."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import unpack
from gateway.translate.stream.messages.messages_blocks import (
    Block,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    check_input,
    is_input,
    object_in,
)
from tests.translate.messages_client import context
from tests.translate.sealing import OpenSeal

SEALING = context(seal=OpenSeal())
THINKING = {"type": "thinking", "thinking": "", "signature": ""}


class Carrying(ThinkingBlock):
    def carried(self) -> Json:
        return {"item": 1}


def closed(block: ThinkingBlock, *pieces: str) -> Block:
    for piece in pieces:
        block.add(piece)
    block.close(truncated=False)
    return block


def test_text_begins_with_its_first_piece() -> None:
    block = TextBlock()
    assert (block.start, block.complete, block.is_cut_off) == (None, True, False)
    block.add("a")
    block.add("b")
    block.close(truncated=True)
    assert block.start == {"type": "text", "text": ""}
    assert [delta["text"] for delta in block.deltas] == ["a", "b"]


def test_shown_reasoning_is_signed_at_its_end() -> None:
    block = closed(Carrying(SEALING, is_shown=True), "h", "m")
    assert block.start == THINKING
    assert [delta["type"] for delta in block.deltas] == [
        *("thinking_delta", "thinking_delta", "signature_delta")
    ]
    assert unpack(block.deltas[-1]["signature"], "hm", SEALING) == {"item": 1}


def test_hidden_reasoning_is_its_signature() -> None:
    for pieces in (["hm"], []):
        block = closed(Carrying(SEALING, is_shown=False), *pieces)
        assert block.start == THINKING
        (delta,) = block.deltas
        assert unpack(delta["signature"], "", SEALING) == {"item": 1}


def test_reasoning_without_a_text_is_redacted() -> None:
    block = closed(Carrying(SEALING, is_shown=True))
    assert block.start is not None
    assert unpack(block.start["data"], "", SEALING) == {"item": 1}
    assert block.deltas == []


@pytest.mark.parametrize("of", [SEALING, context()])
def test_reasoning_with_nothing_in_it_never_begins(of: Context) -> None:
    block = closed(ThinkingBlock(of, is_shown=True))
    assert (block.start, block.deltas) == (None, [])


def test_a_call_has_its_input_in_pieces() -> None:
    block = ToolUseBlock()
    block.begin("call_1", "ls")
    for piece in ("", '{"a"', ":1}"):
        block.add_input(piece)
    assert block.start == {"type": "tool_use", "id": "call_1", "name": "ls", "input": {}}
    assert [delta["partial_json"] for delta in block.deltas] == ['{"a"', ":1}"]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([" ", " {", "}"], ["  {", "}"]),
        (["nu", "ll"], []),
        (['"{\\"a', '\\":1}"'], ['{"a":1}']),
        (['"', "{}", '"'], ["{}"]),
        (["[", "]"], ["[]"]),
        (['"{\\"a'], ['"{\\"a']),
        ([" "], [" "]),
    ],
)
def test_an_input_that_does_not_begin_as_an_object_waits(
    pieces: list[str], told: list[str]
) -> None:
    block = ToolUseBlock()
    for piece in pieces:
        block.add_input(piece)
        if not "".join(pieces).lstrip().startswith("{"):
            assert block.deltas == []
    block.end_input()
    assert [delta["partial_json"] for delta in block.deltas] == told


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", ""),
        (' {"a": 1}', ' {"a": 1}'),
        ("null", ""),
        ('" "', " "),
        ('"{}"', "{}"),
        ('"[]"', None),
        ("NaN", None),
        ("1", None),
        ("[" * 100_000, None),
    ],
)
def test_objects_in_texts(text: str, given: str | None) -> None:
    assert object_in(text) == given


@pytest.mark.parametrize("text", ["", " ", "{}", '{"a": [1, {}]}', '{"a": "\\ud83d"}'])
def test_the_text_of_an_object_is_an_input(text: str) -> None:
    assert is_input(text)
    check_input("ls", text)


@pytest.mark.parametrize("text", ["[]", "1", "{", '{"a": Infinity}', "x", '{"a":' * 100_000])
def test_texts_that_are_not_inputs(text: str) -> None:
    assert not is_input(text)
    with pytest.raises(UpstreamError, match="'ls'"):
        check_input("ls", text)
