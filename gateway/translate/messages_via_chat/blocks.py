"""Blocks of content made from a chat reply: calls in pieces, and reasoning with carried fields."""

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.parts.tools.names import goes_on
from gateway.translate.parts.upstream_errors import nameless_call
from gateway.translate.responses_via_chat.deltas.call_in_pieces import CallInPieces
from gateway.translate.responses_via_chat.deltas.carrier import Carrier
from gateway.translate.stream.messages.messages_blocks import (
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    check_input,
)


class RefusalBlock(TextBlock):
    """The text of a refusal, in a block apart from the text beside it."""


class CallBlock(CallInPieces, ToolUseBlock):
    """A call; it begins once its whole name is known, and its id or a part of its arguments.

    Servers send these in any order. `own_id` is the id of the call if the upstream gives none that
    can be used; `known_ids` has the ids of all calls that the client has seen.
    """

    def __init__(self, options: MessagesReplyOptions, own_id: str, known_ids: set[str]) -> None:
        CallInPieces.__init__(self)
        ToolUseBlock.__init__(self)
        self._options = options
        self._known_ids = known_ids
        self._is_over = False
        self.announced = False
        self.shown_id = own_id

    @property
    def complete(self) -> bool:
        """Whether the arguments are complete JSON, so that nothing can follow.

        Absent arguments may still come.
        """
        return self.announced and self._text.whole

    @property
    def is_closed(self) -> bool:
        """Whether the block has ended."""
        return self._is_over

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> str:
        """Add a piece of the call, and begin the block once possible; see `CallInPieces`."""
        if self.announced:
            name = ""
        rest = super().add("" if self._is_over else call_id, name, text, custom=custom)
        if self.announced:
            self._write()
        elif self.name and (not self._text.is_blank or self._is_identified()):
            self.announce()
        return rest

    def announce(self) -> None:
        """Begin the block, with the arguments so far; raises `UpstreamError` without a name."""
        self.name = self.name or self.likely_name
        if not self.name:
            raise nameless_call()
        if self.call_id and self.call_id not in self._known_ids:
            self.shown_id = self.call_id
        self._known_ids.add(self.shown_id)
        self.announced = True
        self.begin(self.shown_id, self._options.tool_names.get(self.name, self.name))
        self._write()

    def close(self, *, truncated: bool) -> None:
        """End the block; raises `UpstreamError` for arguments that are not an object."""
        if not self.announced and not (truncated and not (self.name or self.likely_name)):
            self.announce()
        if not truncated:
            check_input(self.name, self._text.text)
        self._is_over = True
        self._write()
        self.end_input()

    def _is_identified(self) -> bool:
        """Whether the call's id and its whole name are known."""
        return bool(self.call_id) and not goes_on(self.name, self._options.tools)

    def _write(self) -> None:
        if self._is_over or not self._text.is_placeholder:
            self.add_input("".join(self._unwritten))
            self._unwritten = []


class CarryingBlock(ThinkingBlock):
    """Reasoning that may carry fields of its message, and of its calls."""

    def __init__(self, context: Context, carrier: Carrier, *, is_shown: bool) -> None:
        super().__init__(context, is_shown=is_shown)
        self.carrier = carrier

    @property
    def complete(self) -> bool:
        """Whether the ids of all calls are known whose fields the block carries."""
        return self.carrier.is_ready

    def carried(self) -> Json:
        """Return the carried fields; none if they have nothing beyond the text."""
        return self.carrier.content() or {}
