"""Whether a stream that is passed on is complete, judged by its last events.

The passing bytes are not decoded. The last pieces are kept, and read once the stream is over: a
stream that ends correctly as far as HTTP goes may have been cut off behind the server.
"""

import re
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.shapes import Json, Shape
from gateway.translate.parts.upstream_errors import upstream_error
from gateway.translate.stream.reply_choices import ChoiceEnds
from gateway.translate.stream.sse import (
    ENDS,
    MESSAGES_EVENTS,
    NAMED,
    SSEDecoder,
    begins_events,
    is_done,
    terminator,
)

MAX_PIECES = 8
"""How many pieces are kept: at most usage, sources and timings follow a finish reason."""
LARGE = 16 * 1024
"""The size in bytes from which on a piece is kept alone."""

_DONE = terminator(Shape.CHAT)
_SHORT = 4
"""The size in bytes up to which a piece may be no more than the end of an event."""
SMALL = 64
"""The size in bytes up to which pieces may be comments: those that keep a stream alive are shorter,
and nearly all events are longer."""
_COMMENTS = re.compile(rb"(?::[^\r\n]*)?(?:[\r\n](?::[^\r\n]*)?)*")
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")


class LastEvents:
    """Keeps the last pieces of a stream, each of which begins and ends with a line.

    `shape` is the shape of its events; None: unknown.
    """

    __slots__ = ("_is_blurred", "_pieces", "_shape", "append")

    def __init__(self, shape: Shape | None = None) -> None:
        self._shape = shape
        self._pieces: deque[bytes] = deque(maxlen=MAX_PIECES)
        self.append = self._pieces.append
        """Takes a piece whose size is between `SMALL` and `LARGE`."""
        self._is_blurred = False

    def tail(self, size: int) -> bytes:
        """Return the last bytes as they passed, at most `size`."""
        kept: list[bytes] = []
        for piece in reversed(self._pieces):
            kept.append(piece[-size:])
            size -= len(piece)
            if size <= 0:
                break
        return b"".join(reversed(kept))

    def kept(self) -> bytes:
        """Return the last pieces as they passed; empty: there is none."""
        return b"".join(self._pieces)

    def add(self, piece: bytes) -> None:
        """Take a piece that passes; comments between events are not kept, however many come."""
        last = self._pieces[-1] if self._pieces else _BLANK_LINES[0]
        if len(piece) >= LARGE:
            self._pieces.clear()
            self.append(piece)
        elif len(piece) <= SMALL and last.endswith(_BLANK_LINES) and _COMMENTS.fullmatch(piece):
            return
        elif len(piece) <= _SHORT and self._pieces and len(last) < LARGE:
            self._pieces[-1] = last + piece
        else:
            self.append(piece)

    def blur(self) -> None:
        """Record that a part of an event passes, which cannot be read alone."""
        self._pieces.clear()
        self._is_blurred = True

    def has_ended(self) -> bool:
        """Whether the stream has had its terminator, after which nothing belongs."""
        return any(map(self._is_terminator, self._read()))

    def is_complete(self, rest: bytes = b"") -> bool:
        """Whether the stream may end here, or with a `rest` in which there is no data.

        It may end after its terminator, after an error, and whenever nothing shows that more must
        come. A chat or completions stream without `[DONE]`, which some servers never send, may end
        once each choice has its finish reason.
        """
        if self._shape is None or (self._pieces and self._pieces[-1].endswith(_DONE)):
            return True
        events = self._read()
        if not events:
            return self._may_hold_more(rest)
        if any(self._is_terminator(event) or _is_error(event) for event in events):
            return True
        if self._shape is Shape.RESPONSES:
            return not any(event.kind.startswith("response.") for event in events)
        if self._shape is Shape.MESSAGES:
            return not any(event.kind.startswith(MESSAGES_EVENTS) for event in events)
        return _all_finished(events)

    def _may_hold_more(self, rest: bytes) -> bool:
        """Whether the stream may have had other content than comments and fields without data."""
        if self._is_blurred or len(self._pieces) == MAX_PIECES:
            return True
        return begins_events(self.kept() + rest) is False

    def _is_terminator(self, event: "_Event") -> bool:
        if is_done(event.data) or not ENDS.isdisjoint((event.name, event.kind)):
            return True
        # Some clients of responses recognise documented error events only.
        return self._shape not in NAMED and _is_error(event)

    def _read(self) -> list["_Event"]:
        decoder = SSEDecoder()
        events = [*decoder.feed(self.kept()), *decoder.finish()]
        return [_Event(event.event, event.data, _decoded(event.data)) for event in events]


class _Event(NamedTuple):
    name: str
    data: bytes
    value: Json
    """The decoded data; empty for anything but a JSON object."""

    @property
    def kind(self) -> str:
        """The type that the data names."""
        return str(self.value.get("type"))


def _is_error(event: _Event) -> bool:
    return upstream_error(event.value) is not None


def _all_finished(events: Iterable[_Event]) -> bool:
    ends = ChoiceEnds()
    for event in events:
        ends.take(event.value)
    return ends.are_all


def _decoded(data: bytes) -> Json:
    try:
        decoded = decode(data)
    except NOT_JSON:
        return {}
    return decoded if isinstance(decoded, dict) else {}
