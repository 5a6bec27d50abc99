"""Which blocks of the assistant are read as what, whatever endpoint they go to."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.assistant import AssistantReader
from gateway.translate.parts.from_messages.blocks.content import BlockReader
from gateway.translate.parts.from_messages.blocks.forms import CHAT
from gateway.translate.parts.from_messages.turns import Block
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import text, use


class Noting(AssistantReader):
    """Notes what the blocks are read as."""

    def __init__(self) -> None:
        report = Report(Shape.MESSAGES, Shape.CHAT)
        super().__init__(context(), report, BlockReader(CHAT, context(), report))
        self.seen: list[tuple[str, object]] = []

    def _text(self, text: str, block: Block) -> None:
        self.seen.append(("text", text))

    def _thought(self, block: Block) -> None:
        self.seen.append(("thought", block.path))

    def _call(self, block: Block) -> None:
        self.seen.append(("call", block.json["id"]))


@pytest.mark.parametrize(
    ("block", "seen"),
    [
        (text("a"), ("text", "a")),
        (text("a", citations=[{"type": "char_location"}]), ("text", "a")),
        (text(""), ("text", "")),
        ({"type": "thinking", "thinking": "t", "signature": "s"}, ("thought", "p[0]")),
        ({"type": "redacted_thinking", "data": "d"}, ("thought", "p[0]")),
        (use("call_1"), ("call", "call_1")),
        ({"type": "compaction", "content": "sum"}, ("text", "sum")),
    ],
)
def test_a_block_is_read_as_what_it_is(block: Json, seen: tuple[str, object]) -> None:
    reader = Noting()
    reader.read(Block(block, "p[0]"))
    assert reader.seen == [seen]
