"""Responses streams as messages streams, with a shortcut for pieces of arguments.

A long call comes in thousands of events that have nothing but the next piece of its arguments. Such
an event is added to its call at once. All other events take the generic path, with which this
shares its state.
"""

from typing import Final

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import Call
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.output.fold import MessageFold
from gateway.translate.messages_via_responses.stream import MessagesStream
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.stream.messages.messages_frame import MessagesFrame

_PIECE: Final = "response.function_call_arguments.delta"
_FIELDS: Final = frozenset(
    {"type", "item_id", "output_index", "delta", "sequence_number", "obfuscation"}
)

_Place = tuple[object, object, type]
"""The fields of an event that name its call, and the type of the index."""


class _Fold(MessageFold):
    """The generic fold, which knows the call of the last piece."""

    def __init__(
        self, request: PreparedMessages, frame: MessagesFrame, context: Context, report: Report
    ) -> None:
        super().__init__(request, frame, context, report)
        self._last: tuple[_Place, Call] | None = None

    def feed(self, event: Json) -> None:
        """Take one event; raises as the generic path does."""
        self._last = None
        super().feed(event)

    def add(self, event: Json) -> bool:
        """Take an event if it is a further piece of the last event's call; return whether it is."""
        last, piece = self._last, event.get("delta")
        if last is None or last[0] != _place(event) or not isinstance(piece, str):
            return False
        self._content.add(last[1], piece)
        return True

    def _call_of(self, event: Json) -> Call:
        call = super()._call_of(event)
        if event["type"] == _PIECE:
            self._last = _place(event), call
        return call


def _place(event: Json) -> _Place:
    # 1, 1.0 and true are equal, but only the first is an index.
    index = event.get("output_index")
    return event.get("item_id"), index, type(index)


class CallsInEvents(MessagesStream):
    """The fold of the one call's stream (a `StreamTranslation`)."""

    def __init__(self, request: PreparedMessages, context: Context, report: Report) -> None:
        super().__init__(request, context, report)
        self._fold: _Fold = _Fold(request, self._frame, context, report)

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one event; raises as the generic path does."""
        if event.get("type") != _PIECE or not _FIELDS.issuperset(event) or self._frame.ended:
            return super().feed(call, event)
        if not self._fold.add(event):
            return super().feed(call, event)
        self._frame.advance()
        return self._frame.sent()
