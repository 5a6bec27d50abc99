"""Server-sent events: bytes to events, incrementally, and events to bytes.

The grammar is WHATWG HTML's, section "Server-sent events". The gateway writes a form that old and
new clients understand: one `data:` line of JSON per event, no `id:`, no empty data.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from gateway.envelopes.upstream_json import whole_characters
from gateway.errors import GatewayError, UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.parts.messages.errors import messages_error
from gateway.translate.stream.response_ends import OTHER_END
from gateway.translate.stream.response_errors import reported

DONE = b"[DONE]"
"""The data of the event that ends a completions or chat stream."""


def is_done(data: bytes) -> bool:
    """Whether an event's data ends the stream: by its beginning, as openai-python reads it."""
    return data.lstrip().startswith(DONE)


KEEPALIVE = b": keepalive\n"
"""A comment, to be written between events only.

With a single newline: some clients (openai-go) dispatch an empty event at a comment's blank line.
"""

RESPONSES_END = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
) | {OTHER_END}
"""The types of the events that end a responses stream, which has no `[DONE]`."""

MESSAGES_END = frozenset({"message_stop"})
"""The type of the event that ends a messages stream, which has no `[DONE]` either."""

ENDS = RESPONSES_END | MESSAGES_END | {"error"}
"""The types of the events after which no stream has another."""

MESSAGES_EVENTS: Final = ("message_", "content_block_", "ping")
"""The beginnings of the types of a messages stream's events, except `error`."""

NAMED: Final = (Shape.RESPONSES, Shape.MESSAGES)
"""The shapes whose events have their type as a name, too: Anthropic's clients dispatch on it."""

DEFAULT_MAX_EVENT_BYTES = 32 * 1024 * 1024

_SHORT = 4 * 1024
"""The size in bytes up to which data is tried as a single event."""
_BOM = b"\xef\xbb\xbf"
_LF: Final = ord("\n")
_CR: Final = ord("\r")
_ERROR = b"error"
"""The field in which llama.cpp before 2025 and others write an error, in place of `data`."""
_FIELDS = (b"data", b"event", b"id", b"retry", _ERROR)
_LONGEST_FIELD = len(b"event:")
_JSON_ENDS: Final = (b"}", b"]")
_JSON_OPENS: Final = (b"{", b"[")


def begins_events(data: bytes) -> bool | None:
    """Whether a body that begins like this is an event stream; None: not decided yet.

    A stream begins with a comment or a field of the grammar; JSON and HTML do not.
    """
    begun = data.lstrip(b"\xef\xbb\xbf\r\n")
    if begun.startswith(b":"):
        return True
    name, colon, _ = begun[:_LONGEST_FIELD].partition(b":")
    if colon:
        return name in _FIELDS
    return None if any(field.startswith(begun) for field in _FIELDS) else False


def _begins_another(line: bytes, before: bytes) -> bool:
    """Whether a line of data begins another event, although no blank line precedes it.

    Some servers leave the blank line out, between pieces of calls for instance (GLM and Kimi behind
    Baseten). One JSON text cannot go on like this, however it is spread over lines: here a value,
    or `[DONE]`, directly follows the end of a value.
    """
    return before.rstrip().endswith(_JSON_ENDS) and line.lstrip().startswith(_JSON_OPENS)


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event: its data, several `data:` lines joined by a newline, and its type, if given."""

    data: bytes
    event: str = ""


class SSEDecoder:
    """Takes a stream in any pieces and returns its events.

    Lines end in LF, CRLF or CR. Comments, `id:`, `retry:` and unknown fields are ignored, and so
    is an event whose data is empty: no client can parse it as JSON. `error: …` is the data of an
    event of that type. JSON that begins on the line after other JSON is an event of its own, with
    the name that is between them. Time is linear in the input, whatever the pieces. Raises
    `UpstreamError` once an event (or a line) has more than `max_event_bytes`, and from then on;
    the events before it are returned first.
    """

    def __init__(self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._short = min(max_event_bytes, _SHORT)
        self._size = 0
        self._line: list[bytes] = []
        self._at_start = True
        self._ended_in_cr = False
        self._data: list[bytes] = []
        self._event = b""
        self._named: bytes | None = None
        """The name of the data so far, once another name has come after it; None: none has."""

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Return the events that `data` completes."""
        only = self._only(data) if len(data) <= self._short else None
        if only is not None:
            return [only]
        if self._ended_in_cr and data:
            # The CR ended the line already; this LF belongs to it.
            data = data.removeprefix(b"\n")
            self._ended_in_cr = False
        if not data:
            return []
        self._ended_in_cr = data.endswith(b"\r")
        lines = data.splitlines()
        rest = b"" if data.endswith((b"\n", b"\r")) else lines.pop()
        events: list[ServerSentEvent] = []
        try:
            for line in lines:
                self._count(len(line) + 1)
                if self._line:
                    self._read_line(self._take_line(line), events)
                elif line.startswith(b"data: ") and not self._data:
                    # Most lines; no byte order mark.
                    self._at_start = False
                    self._data.append(line[6:])
                else:
                    self._read_line(line, events)
            if rest:
                self._count(len(rest))
                self._line.append(rest)
        except UpstreamError:
            if not events:
                raise
        return events

    def _only(self, data: bytes) -> ServerSentEvent | None:
        """Return the one event of `data` if it has one line of data, as most have; else None.

        Only for data that begins after a whole event, and whose lines end in LF.
        """
        if self._size or self._line or self._at_start or self._ended_in_cr or b"\r" in data:
            return None
        lines = data.count(b"\n") if data.endswith(b"\n\n") else 0
        if lines == 2 and data.startswith(b"data: "):
            name, value = b"", data[6:-2]
        elif lines == 3 and data.startswith(b"event: "):
            name, _, value = data[7:-2].partition(b"\ndata: ")
        else:
            return None
        return ServerSentEvent(value, name.decode("utf-8", "replace")) if value else None

    def finish(self) -> list[ServerSentEvent]:
        """Return the event at the end of the stream that lacks its blank line, if there is one.

        The grammar discards it, but some servers omit the last newlines. Its data may be cut off:
        if it is not valid JSON, the stream was truncated.
        """
        events: list[ServerSentEvent] = []
        self._count(0)
        if self._line:
            self._read_line(self._take_line(b""), events)
        self._read_line(b"", events)
        return events

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._max_event_bytes:
            raise UpstreamError(
                "The upstream sent a stream event of more than "
                f"{self._max_event_bytes} bytes, which cannot be translated."
            )

    def _take_line(self, end: bytes) -> bytes:
        self._line.append(end)
        line = b"".join(self._line)
        self._line.clear()
        return line

    def _read_line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._add(value.removeprefix(b" "), events)
        elif name == b"event":
            self._name(value.removeprefix(b" "))
        elif name == _ERROR:
            self._name(_ERROR)
            self._add(value.removeprefix(b" "), events)
        else:
            # Not kept, so not counted: comments may come for hours without a blank line.
            self._size -= len(line) + 1

    def _name(self, name: bytes) -> None:
        if self._data:
            self._named = self._event
        self._event = name

    def _add(self, line: bytes, events: list[ServerSentEvent]) -> None:
        """Take a line of data, which may begin another event."""
        if self._data and _begins_another(line, self._data[-1]):
            name = b""
            if self._named is not None:
                name, self._event = self._event, self._named
            self._dispatch(events)
            self._event = name
            self._size = len(line)
        self._data.append(line)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        data = b"\n".join(self._data)
        if data:
            event = self._event.decode("utf-8", "replace") if self._event else ""
            events.append(ServerSentEvent(data, event))
        self._data.clear()
        self._event, self._named = b"", None
        self._size = 0


def encode_events(shape: Shape, events: Iterable[Json]) -> bytes:
    """Return the events as one piece of a stream in `shape`, to be written together.

    Events of responses and messages are preceded by their `event: <type>` line.
    """
    pieces: list[bytes] = []
    for event in events:
        if shape in NAMED and "type" in event:
            pieces += (b"event: ", str(event["type"]).encode(), b"\n")
        pieces += (b"data: ", encode_json(event), b"\n\n")
    return b"".join(pieces)


def error_event(shape: Shape | None, error: GatewayError, number: int = 0) -> Json:
    """Return the event that reports an error to a stream's client, in the client's shape if known.

    `number` is the `sequence_number` of a responses event.
    """
    if shape is Shape.MESSAGES:
        return messages_error(error)
    if shape is Shape.RESPONSES:
        return {"type": "error", "sequence_number": number, **reported(error)}
    return dict(error.envelope())


def encode_json(value: Json) -> bytes:
    """Return UTF-8 JSON on one line; a number that is not finite becomes null.

    Half a character, which UTF-8 cannot express, becomes U+FFFD. Parts that are kept as they were
    written (`msgspec.Raw`) stay so, but lose line breaks, which are only between their tokens.
    """
    try:
        written = msgspec.json.encode(value)
    except UnicodeEncodeError:
        written = msgspec.json.encode(whole_characters(value))
    # To look for a number takes a fifth of the time of looking for bytes.
    if _LF in written or _CR in written:
        return written.translate(None, b"\r\n")
    return written


def terminator(shape: Shape) -> bytes:
    """Return the bytes that end a stream: `[DONE]`; empty for shapes that have an event for it."""
    return b"" if shape in NAMED else b"data: [DONE]\n\n"


def final_events(shape: Shape) -> frozenset[str]:
    """Return the types of the events that end a stream of this shape; empty: `[DONE]` ends it."""
    if shape is Shape.RESPONSES:
        return RESPONSES_END
    return MESSAGES_END if shape is Shape.MESSAGES else frozenset()
