"""Decodes JSON of many megabytes in slices. Pure.

The long part of a server's reply is one list: bare, or in an object. It is cut into parts between
entries, which are found by their brackets, and each part is decoded when it is needed, as a list of
its own. Only the decoder validates: a list is valid if all of its parts are.
"""

import re
from collections.abc import Iterator

import msgspec

from gateway.envelopes.slices import Work
from gateway.envelopes.upstream_json import decode

SLICE_BYTES = 32 * 1024
"""How much is decoded in one slice; entries are never cut."""

_TO_NEXT_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+[{}\[\]]', re.DOTALL)
_COMMA = re.compile(rb"[ \t\r\n]*+,")
_BRACKET, _OPENING = ord("["), b"[{"


class LongList:
    """A list that is decoded part by part, each time it is iterated over."""

    __slots__ = ("_checked", "_text", "begins", "end")

    def __init__(self, text: bytes | bytearray, begin: int) -> None:
        self._text = text
        self.begins = [begin]
        """Where its parts begin; each but the first follows a comma."""
        self.end = begin
        self._checked = 0

    def parts(self) -> Iterator[list[object]]:
        """Yield its entries, part by part.

        Raises `NOT_JSON` where an entry is invalid.
        """
        for number in range(len(self.begins)):
            yield self._part(number)
            self._checked = max(self._checked, number + 1)

    def last(self) -> list[object]:
        """Return the entries of its last part."""
        return self._part(len(self.begins) - 1)

    def check(self) -> Work[None]:
        """Decode the parts that have not been decoded yet. Raises `NOT_JSON`."""
        for number in range(self._checked, len(self.begins)):
            self._part(number)
            yield

    def _part(self, number: int) -> list[object]:
        is_last = number + 1 == len(self.begins)
        end = self.end if is_last else self.begins[number + 1] - 1
        text = self._text[self.begins[number] : end]
        entries: list[object] = decode(b"".join((b"[", text, b"]")))
        if not entries and len(self.begins) > 1:
            raise msgspec.DecodeError("a comma without an entry")
        return entries


def decoded(text: bytes | bytearray) -> Work[object]:
    """Decode JSON; a long list, the outermost or in the outermost object, becomes a `LongList`.

    Raises `NOT_JSON`, as `upstream_json.decode` does for the same texts, except for faults in long
    lists, which `LongList.check` finds.
    """
    if len(text) <= SLICE_BYTES:
        return decode(text)
    frame, kept = bytearray(), 0
    lists = yield from _lists(text)
    for number, found in enumerate(lists):
        # In the frame a number stands for the entries of the list.
        frame += text[kept : found.begins[0]]
        frame += b"%d" % number
        kept = found.end
    frame += text[kept:]
    return _filled(decode(frame), lists)


def check(payload: object) -> Work[None]:
    """Find faults in the long lists of a decoded value. Raises `NOT_JSON`."""
    for value in payload.values() if isinstance(payload, dict) else (payload,):
        if isinstance(value, LongList):
            yield from value.check()


def _filled(frame: object, lists: list[LongList]) -> object:
    """Put the lists in place of their numbers."""
    if isinstance(frame, list):
        return _whole_if_short(lists[frame[0]])
    if not isinstance(frame, dict):
        return frame
    return {
        key: _whole_if_short(lists[value[0]]) if isinstance(value, list) else value
        for key, value in frame.items()
    }


def _whole_if_short(found: LongList) -> list[object] | LongList:
    return found if len(found.begins) > 1 else found.last()


def _lists(text: bytes | bytearray) -> Work[list[LongList]]:
    """Find the outermost list of a text, or the lists of its outermost object.

    Raises `NOT_JSON` for a list without an end.
    """
    found: list[LongList] = []
    current: LongList | None = None
    depth = inside = at = rested = 0
    while (to_bracket := _TO_NEXT_BRACKET.match(text, at)) is not None:
        at = to_bracket.end()
        bracket = text[at - 1]
        if bracket in _OPENING:
            depth += 1
            if depth == 1:
                inside = 1 if bracket == _BRACKET else 2
            if depth == inside and bracket == _BRACKET:
                current = LongList(text, at)
        else:
            if current is not None and depth == inside:
                current.end = at - 1
                found.append(current)
                current = None
            depth -= 1
            if depth <= 0:
                break
            if current is not None and depth == inside:
                at = _cut(current, text, at)
        if at - rested >= SLICE_BYTES:
            rested = at
            yield
    if current is not None:
        raise msgspec.DecodeError("a list without its end")
    return found


def _cut(current: LongList, text: bytes | bytearray, at: int) -> int:
    """Begin another part after an entry if the current one is long enough; return the position.

    Without a comma no part begins: the list has ended, or has a fault.
    """
    if at - current.begins[-1] < SLICE_BYTES or (comma := _COMMA.match(text, at)) is None:
        return at
    current.begins.append(comma.end())
    return comma.end()
