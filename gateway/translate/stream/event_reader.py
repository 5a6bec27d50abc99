"""Reads the events of one stream, and joins the characters that servers have cut in two.

Servers that cut texts by UTF-16 units send half a character at the end of one event and the other
half in the next one.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.envelopes.upstream_json import read_leniently, whole_characters
from gateway.translate.parts.finish_reasons import ending_word
from gateway.translate.stream.response_ends import OTHER_END, documented

MAX_HELD_EVENTS = 16
"""How many events may wait for the other half of a character in the first of them."""

_FIRST_HALVES = ("\ud800", "\udbff")
_SECOND_HALVES = ("\udc00", "\udfff")
_OF_ONE_TEXT = ("type", "item_id", "output_index", "content_index", "summary_index", "index")
"""What identifies a text of a stream of responses, or (the last) of messages.

A text of chat is identified by the indexes within.
"""
_OF_MESSAGES = frozenset({"content_block_delta", "ping"})
"""The events of messages that end no text."""

_OTHER_END = OTHER_END.encode()
_LONGEST_EMPTY = 16
"""The size up to which an event may be empty."""
_BLANK = b" \t\r\n\xef\xbb\xbf"
"""White space, and the bytes of a byte order mark."""
_EMPTY = frozenset({b"", b"null", b'""', b"[]", b"{}"})
_REPLACEMENT = "\ufffd"

_Path = tuple[str | int, ...]
"""Identifies a string across events."""
_Place = tuple[Any, Any]
"""The list or dict that holds a string, and its key there."""


def is_empty_data(data: bytes) -> bool:
    """Whether an event's data is blank or an empty value, sent to keep a stream open."""
    return data.strip(_BLANK) in _EMPTY


class EventReader:
    """Decodes the events of one stream, and completes characters that are cut in two.

    An event that ends a text with half a character waits for the one that continues this text, and
    the events between them wait too, in their order.
    """

    __slots__ = ("_held", "_open")

    def __init__(self) -> None:
        self._held: deque[Any] = deque()
        self._open: dict[_Path, _Place] = {}
        """The texts that end with half a character."""

    def read(self, data: bytes) -> list[Any]:
        """Return the values that are ready; none for an empty event.

        The end of a response has its documented type. Raises `NOT_JSON`.
        """
        if len(data) <= _LONGEST_EMPTY and is_empty_data(data):
            return []
        try:
            event: Any = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._with_halves(documented(read_leniently(data)))
        if _OTHER_END in data:
            event = documented(event)
        return self._with_halves(event) if self._held else [event]

    @property
    def waits(self) -> bool:
        """Whether an event waits for the other half of a character."""
        return bool(self._held)

    def flush(self) -> list[Any]:
        """Return the events that still wait, at the end of the stream."""
        held = [whole_characters(event) for event in self._held]
        self._held.clear()
        self._open.clear()
        return held

    def _with_halves(self, event: Any) -> list[Any]:
        self._join(event)
        self._held.append(event)
        if not _may_continue(event) or len(self._held) > MAX_HELD_EVENTS:
            return self.flush()
        self._open |= _open_texts(event)
        ready = []
        while self._held and not _open_texts(self._held[0]):
            ready.append(whole_characters(self._held.popleft()))
        return ready

    def _join(self, event: Any) -> None:
        """Complete the characters whose second halves the event has."""
        for path, (holder, key) in _texts(event):
            begun = self._open.get(path) if holder[key] else None
            if begun is None:
                continue
            del self._open[path]
            text = holder[key]
            if _is_half(text[0], _SECOND_HALVES):
                begun[0][begun[1]] += text[0]
                holder[key] = text[1:]
            else:
                begun[0][begun[1]] = begun[0][begun[1]][:-1] + _REPLACEMENT


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


def _open_texts(event: Any) -> dict[_Path, _Place]:
    """Return the texts of an event that end with the first half of a character."""
    return {
        path: (holder, key)
        for path, (holder, key) in _texts(event)
        if holder[key] and _is_half(holder[key][-1], _FIRST_HALVES)
    }


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
