"""Reads a turn of the assistant, block by block."""

from abc import ABC, abstractmethod

from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.blocks.content import BlockReader, text_alone
from gateway.translate.parts.from_messages.turns import Block
from gateway.translate.schema.messages_blocks import BLOCKS
from gateway.translate.schema.unknown_fields import carry_unknown


class AssistantReader(ABC):
    """Reads the blocks of one turn, in order; subclasses write their content."""

    def __init__(self, context: Context, report: Report, reader: BlockReader) -> None:
        self._context = context
        self._report = report
        self._reader = reader

    def read(self, block: Block) -> None:
        """Take the next block; raises `UnsupportedParameter`."""
        kind, text = block.json["type"], text_alone(block.json)
        if text is not None:
            self._text(text, block)
        elif kind in ("thinking", "redacted_thinking"):
            carry_unknown(block.json, BLOCKS[kind], block.path, self._context, self._report)
            self._thought(block)
        elif kind == "tool_use":
            self._call(block)
        else:
            for each in self._reader.texts_of(block.json, block.path):
                self._text(each, block)

    @abstractmethod
    def _text(self, text: str, block: Block) -> None:
        """Write text of a block; it may be empty."""

    @abstractmethod
    def _thought(self, block: Block) -> None:
        """Write thinking, or report it."""

    @abstractmethod
    def _call(self, block: Block) -> None:
        """Write a call of a tool."""
