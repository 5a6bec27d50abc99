"""Reads the events of one stream, and joins the characters that servers have cut in two.

Servers that cut texts by UTF-16 units send half a character at the end of one event and the other
half in the next one. Those that write a token's bytes, whatever they are, may cut a character into
up to four pieces, none of which is UTF-8.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from gateway.envelopes.upstream_json import (
    BLANK,
    of_bytes,
    read_with_bytes,
    whole_bytes,
    whole_characters,
)
from gateway.translate.parts.finish_reasons import ending_word
from gateway.translate.stream.response_ends import OTHER_END, documented

MAX_HELD_EVENTS = 16
"""How many events may be held; the first of them waits for the other half of a character."""

_FIRST_HALVES = ("\ud800", "\udbff")
_SECOND_HALVES = ("\udc00", "\udfff")
_OF_ONE_TEXT = ("type", "item_id", "output_index", "content_index", "summary_index", "index")
"""The fields that identify a text of a responses stream, or (the last one) of a messages stream.

A text of chat is identified by the indexes within its event.
"""
_OF_MESSAGES = frozenset({"content_block_delta", "ping"})
"""The events of messages that end no text."""

_OTHER_END = OTHER_END.encode()
_LONGEST_EMPTY = 16
"""The size in bytes up to which an event's data may be an empty value."""
_EMPTY = frozenset({b"", b"null", b'""', b"[]", b"{}"})
_REPLACEMENT = "\ufffd"

_Path = tuple[str | int, ...]
"""Identifies a string across events."""
_Place = tuple[Any, Any]
"""The list or dict that holds a string, and its key there."""
_CUT = re.compile(
    "(?:[\udcc2-\udcdf]|[\udce0-\udcef][\udc80-\udcbf]?|[\udcf0-\udcf4][\udc80-\udcbf]{0,2})\\Z"
)
"""The first bytes of an unfinished character at a text's end, as `read_with_bytes` writes them."""
_FURTHER_BYTES = ("\udc80", "\udcbf")
"""The lowest and the highest byte that can continue a character."""


class _Read(NamedTuple):
    """An event, and whether its texts have bytes that are not UTF-8."""

    event: Any
    has_bytes: bool

    def whole(self) -> Any:
        """Return the event with U+FFFD in place of parts of characters."""
        return (whole_bytes if self.has_bytes else whole_characters)(self.event)

    def open_texts(self) -> dict[_Path, _Place]:
        """Return the texts that end within a character."""
        return {
            path: (holder, key)
            for path, (holder, key) in _texts(self.event)
            if holder[key] and self._is_open(holder[key])
        }

    def _is_open(self, text: str) -> bool:
        if self.has_bytes:
            return _CUT.search(text) is not None
        return _is_half(text[-1], _FIRST_HALVES)


def is_empty_data(data: bytes) -> bool:
    """Whether an event's data is blank or an empty value, sent to keep a stream open."""
    return data.strip(BLANK) in _EMPTY


class EventReader:
    """Decodes the events of one stream, and completes characters that are cut in two.

    An event in which a text ends within a character waits for the event that continues this text.
    The events between them wait too, so that their order stays.
    """

    __slots__ = ("_held", "_open")

    def __init__(self) -> None:
        self._held: deque[_Read] = deque()
        self._open: dict[_Path, tuple[_Place, bool]] = {}
        """The texts that end within a character, and whether they do so in bytes that are not
        UTF-8."""

    def read(self, data: bytes) -> list[Any]:
        """Return the values that are ready; none for an empty event.

        The end of a response has its documented type. Raises `NOT_JSON`.
        """
        if len(data) <= _LONGEST_EMPTY and is_empty_data(data):
            return []
        try:
            event: Any = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            event, has_bytes = read_with_bytes(data)
            return self._with_halves(_Read(documented(event), has_bytes))
        if _OTHER_END in data:
            event = documented(event)
        return self._with_halves(_Read(event, has_bytes=False)) if self._held else [event]

    @property
    def waits(self) -> bool:
        """Whether an event waits for the rest of a character."""
        return bool(self._held)

    def flush(self) -> list[Any]:
        """Return the events that still wait, at the end of the stream."""
        held = [read.whole() for read in self._held]
        self._held.clear()
        self._open.clear()
        return held

    def _with_halves(self, read: _Read) -> list[Any]:
        self._join(read)
        self._held.append(read)
        if not _may_continue(read.event) or len(self._held) > MAX_HELD_EVENTS:
            return self.flush()
        self._open |= {path: (place, read.has_bytes) for path, place in read.open_texts().items()}
        ready = []
        while self._held and not self._held[0].open_texts():
            ready.append(self._held.popleft().whole())
        return ready

    def _join(self, read: _Read) -> None:
        """Complete waiting characters with the rest that this event has of them."""
        for path, (holder, key) in _texts(read.event):
            begun = self._open.get(path) if holder[key] else None
            if begun is None:
                continue
            del self._open[path]
            (begun_in, at), in_bytes = begun
            if in_bytes:
                self._join_bytes(path, (begun_in, at), (holder, key), read)
                continue
            text = holder[key]
            if not read.has_bytes and _is_half(text[0], _SECOND_HALVES):
                begun_in[at] += text[0]
                holder[key] = text[1:]
            else:
                begun_in[at] = begun_in[at][:-1] + _REPLACEMENT

    def _join_bytes(self, path: _Path, begun: _Place, further: _Place, read: _Read) -> None:
        """Move the bytes that continue a text to the character that they complete."""
        (begun_in, at), (holder, key) = begun, further
        while _CUT.search(begun_in[at]) is not None:
            text = holder[key]
            if not text:
                self._open[path] = begun, True
                return
            if not (read.has_bytes and _is_half(text[0], _FURTHER_BYTES)):
                begun_in[at] = of_bytes(begun_in[at])
                return
            begun_in[at] += text[0]
            holder[key] = text[1:]


def _is_half(character: str, halves: tuple[str, str]) -> bool:
    return halves[0] <= character <= halves[1]


def _may_continue(event: Any) -> bool:
    """Whether an event is a delta, or ends no text: texts may be continued after it."""
    if not isinstance(event, dict):
        return False
    kind, choices = event.get("type"), event.get("choices")
    if isinstance(kind, str):
        return kind in _OF_MESSAGES or kind.endswith(".delta")
    return isinstance(choices, list) and not any(
        not isinstance(choice, dict) or ending_word(choice) is not None for choice in choices
    )


def _texts(event: Any) -> Iterator[tuple[_Path, _Place]]:
    """Yield the identity of each string of an event, and its place."""
    about: _Path = ()
    if isinstance(event, dict) and "delta" in event:
        about = tuple(str(event.get(name)) for name in _OF_ONE_TEXT)
    yield from _below(event, about)


def _below(value: Any, path: _Path) -> Iterator[tuple[_Path, _Place]]:
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, each in pairs:
        step = key
        if isinstance(value, list) and isinstance(each, dict):
            index = each.get("index")
            step = index if isinstance(index, int) else key
        if isinstance(each, str):
            yield (*path, step), (value, key)
        else:
            yield from _below(each, (*path, step))
