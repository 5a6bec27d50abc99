"""Holds back the beginning of an event until it is readable, so that no client gets half an event.

A stream that is passed on may break off in the middle of an event. The grammar says that half an
event is discarded, but official clients decode whatever follows `data:`, and fail in their JSON
reader before they get to the event with the reason. All other bytes pass unchanged, in their order,
as soon as a client can use them.
"""

from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.shapes import Shape, Sink
from gateway.translate.stream.last_events import LARGE, SMALL, LastEvents
from gateway.translate.stream.sse import SSEDecoder, is_done

MAX_HELD_BYTES = 256 * 1024
"""How much of an event is held back; a longer one passes in pieces."""

_BLANK_LINE = b"\n\n"
_ENDS = (_BLANK_LINE, b"\r\n\r\n")
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_LONGEST = 3
_DATA = b"data:"
_JSON_OPENS = (b"{", b"[")
_JSON_ENDS = (b"}", b"]")
_OPENING = 16
"""The number of bytes after `data:` within which its JSON begins."""


class WholeEvents:
    """Takes a stream in any pieces and returns the bytes that can pass.

    `shape` is the shape of its events, where it is known. Time is linear in the input.
    """

    __slots__ = ("_append", "_given_up", "_held", "_last", "_passed")

    def __init__(self, shape: Shape | None = None) -> None:
        self._held = bytearray()
        """The beginning of an event; of an event that was too long to be held, its last bytes so
        far."""
        self._given_up = False
        self._passed = b""
        """The last piece of a long event that has passed."""
        self._last = LastEvents(shape)
        self._append = self._last.append

    def tail(self, size: int) -> bytes:
        """Return the last bytes that passed, at most `size`."""
        return self._last.tail(size)

    def last(self) -> bytes:
        """Return what passed last: some events, or the last piece of a long one."""
        return self._last.kept() or self._passed

    def has_ended(self) -> bool:
        """Whether the stream's terminator has passed."""
        return self._last.has_ended()

    def into(self, sink: Sink) -> Sink:
        """Return a sink that takes the stream, and gives `sink` what can pass."""
        append = self._append

        def take(data: bytes) -> bool:
            if data.endswith(_BLANK_LINE) and SMALL < len(data) < LARGE and not self._held:
                append(data)  # as `take` does, for each event of a slow stream
                return sink(data)
            passing = self.take(data)
            return sink(passing) if passing else True

        return take

    def take(self, data: bytes) -> bytes:
        """Return what can pass now that `data` has come; most often `data` itself."""
        if self._given_up:
            return self._go_on(data)
        if not self._held and data.endswith(_ENDS):
            self._last.add(data)
            return data
        before = len(self._held)
        self._held += data
        end = self._end(max(before - _LONGEST, 0))
        if not end and len(self._held) > MAX_HELD_BYTES:
            self._given_up = True
            end = len(self._held)
        passing = bytes(self._held[:end])
        del self._held[:end]
        if self._given_up:
            self._held[:] = passing[-_LONGEST:]
            self._passed = passing
            self._last.blur()
        elif passing:
            self._last.add(passing)
        return passing

    def _go_on(self, data: bytes) -> bytes:
        """Return what can pass while a long event goes on: all of it, and what may follow it."""
        self._passed = data
        edge = self._held + data
        ends = [at + len(blank) for blank in _BLANK_LINES if (at := edge.find(blank)) >= 0]
        if not ends:
            self._held = edge[-_LONGEST:]
            return data
        self._given_up = False
        end = min(ends) - len(self._held)
        self._held.clear()
        return data[:end] + self.take(data[end:])

    def break_off(self) -> tuple[bytes, bool]:
        """Return what can pass of a stream that broke off, and whether it was complete anyway.

        An event that lacks only its blank line can pass; after a terminator nothing is missing.
        """
        held = self._rest()
        passing = held if _is_whole(_data_of(held)) else b""
        return self._passing_last(passing), self._last.has_ended()

    def finish(self) -> tuple[bytes, bool]:
        """Return what can pass at the end of a stream, and whether the stream is complete.

        A stream that ends within an event's JSON is not, whatever the framing says: a body that
        ends with its connection may end anywhere. Nor is one of `shape` in which other events must
        follow the last ones. After a terminator a stream always is complete. An event that has no
        data yet does not pass unless the stream is complete.
        """
        held = self._rest()
        data = _data_of(held)
        if not data:
            is_end = self._last.is_complete(held)
            return self._passing_last(held) if is_end else b"", is_end
        if data.lstrip().startswith(_JSON_OPENS) and not _is_whole(data):
            return b"", self._last.has_ended()
        passing = self._passing_last(held)
        return passing, self._last.is_complete()

    def _passing_last(self, passing: bytes) -> bytes:
        if passing:
            self._last.add(passing)
        return passing

    def _rest(self) -> bytes:
        held = b"" if self._given_up else bytes(self._held)
        self._held.clear()
        return held

    def _end(self, since: int) -> int:
        """Return the end of the part that can pass; before `since` no line ends."""
        held = self._held
        found = ((held.rfind(blank, since), len(blank)) for blank in _BLANK_LINES)
        end = max((at + length for at, length in found if at >= 0), default=0)
        line_end = held.rfind(b"\n", max(end, since))
        return line_end + 1 if line_end >= 0 and self._is_useful(end, line_end) else end

    def _is_useful(self, begin: int, line_end: int) -> bool:
        """Whether clients that read line by line can use the lines of an event so far.

        They can use a comment, data that is not JSON, and JSON that may end there.
        """
        held = self._held
        last = bytes(held[max(held.rfind(b"\n", begin, line_end) + 1, begin) : line_end]).rstrip()
        data = held.find(_DATA, begin, line_end)
        if data < 0:
            return not last or last.startswith(b":")
        behind = data + len(_DATA)
        opening = held[behind : min(behind + _OPENING, line_end)].lstrip()
        if not last.startswith(_DATA):
            return False
        return last.endswith(_JSON_ENDS) if opening.startswith(_JSON_OPENS) else True


def _data_of(held: bytes) -> bytes:
    """Return the data of the event that has begun."""
    decoder = SSEDecoder()
    events = [*decoder.feed(held), *decoder.finish()]
    return events[-1].data if events else b""


def _is_whole(data: bytes) -> bool:
    if is_done(data):
        return True
    try:
        decode(data)
    except NOT_JSON:
        return False
    return True
