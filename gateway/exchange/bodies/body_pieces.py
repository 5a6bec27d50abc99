"""Decodes, encodes and frees large bodies piece by piece, so that other threads may run in between.

Whatever is long is cut, wherever it is: lists, objects (a schema's properties) and texts.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from itertools import chain, islice
from typing import Any, TypeVar

import msgspec

from gateway.shapes import Json

PIECE_BYTES = 128 * 1024
"""How much is decoded in one call, in half a millisecond to two."""

HUGE_BYTES = 4 * 1024 * 1024
"""The size from which on a single value may take long to encode."""

_LONGEST_PIECE = 2 * PIECE_BYTES
_LONGEST_TEXT = 1024 * 1024
_FEW_COMMAS = 1_000
_MOST_TRIES = 6
"""How many commas are tried to find one between two values."""

_PIECE_ITEMS = 200
"""How many values of a list or an object are encoded, or looked at, in one go."""

_MOST_LEVELS = 32
"""The depth of nesting to which long values are cut, since each level is skimmed anew."""

_PIECE_PARTS = 4_000
"""How many values, names and stretches of text are encoded in one call."""

_FREED_AT_ONCE = 100

_HOLDERS = (dict, list, tuple)

_STRETCH = 32
"""The number of a text's characters that count as one part."""

_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items_decoder = msgspec.json.Decoder(list[msgspec.Raw])

_skimmer = msgspec.json.Decoder(msgspec.Raw)

_COMMAS = re.compile(rb",(?:(?<=[]}],)|(?<=[0-9\"el],)(?=\s*[0-9\"tfn-]))")
"""Commas that may be between two values. The expression begins with a comma, which is fast."""
_BETWEEN_CHARACTERS = re.compile(rb"[^\\]{12}|(?<=[^\\])(?=\\(?!u[dD][c-fC-F]))")
"""Matches up to a place where an encoded text may be cut, as no escape goes on there (the longest
has twelve bytes); a character in UTF-8 still may."""


def decode_in_pieces(body: bytes) -> Json:
    """Decode an object in pieces; raises as `msgspec.json.decode` does."""
    try:
        return dict(_decoded_long(_fields_decoder.decode(body), _MOST_LEVELS))
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The position of a fault is to be that in the whole.
        whole: Json = msgspec.json.decode(body)
        return whole


def _decoded(raw: msgspec.Raw, levels: int) -> Any:
    text = memoryview(raw)
    if len(text) >= PIECE_BYTES and levels and not _is_simple(text):
        match bytes(text[:1]):
            case b"{":
                return dict(chain.from_iterable(_decoded_fields(text, levels)))
            case b"[":
                return [*chain.from_iterable(_decoded_items(text, levels))]
            case b'"':
                return "".join(_decoded_text(text))
    return msgspec.json.decode(raw)


def _is_simple(text: memoryview) -> bool:
    """Whether only texts can be long in a value, such as an image, which are decoded fast."""
    return len(text) <= _LONGEST_TEXT and text.tobytes().count(b",") <= _FEW_COMMAS


def _decoded_fields(text: memoryview, levels: int) -> Iterator[Iterable[tuple[str, Any]]]:
    for piece in _cut_up(text):
        if len(piece) <= _LONGEST_PIECE:
            yield msgspec.json.decode(piece).items()
        else:
            yield _decoded_long(_fields_decoder.decode(piece), levels)


def _decoded_items(text: memoryview, levels: int) -> Iterator[Iterable[Any]]:
    for piece in _cut_up(text):
        if len(piece) <= _LONGEST_PIECE:
            yield msgspec.json.decode(piece)
        else:
            yield _decoded_values(_items_decoder.decode(piece), levels)


def _cut_up(text: memoryview) -> Iterator[bytes | memoryview]:
    """Cut a list, or an object, at commas, and yield the pieces as lists, or objects.

    Where no comma between two values is found, the last piece is long. If the text before a comma
    is a whole list, the text after it is one, too.
    """
    opening, closing = bytes(text[:1]), bytes(text[-1:])
    begin, end = 1, len(text) - 1
    while end - begin > _LONGEST_PIECE:
        commas = _COMMAS.finditer(text, begin + PIECE_BYTES, begin + _LONGEST_PIECE)
        for comma in islice(commas, _MOST_TRIES):
            piece = b"".join((opening, text[begin : comma.end() - 1], closing))
            if _is_whole(piece):
                break
        else:
            break
        yield piece
        begin = comma.end()
    yield text if begin == 1 else b"".join((opening, text[begin:end], closing))


def _is_whole(piece: bytes) -> bool:
    try:
        _skimmer.decode(piece)
    except msgspec.DecodeError:
        return False
    return True


def _decoded_long(fields: dict[str, msgspec.Raw], levels: int) -> Iterable[tuple[str, Any]]:
    return zip(fields, _decoded_values([*fields.values()], levels), strict=True)


def _decoded_values(values: Sequence[msgspec.Raw], levels: int) -> Iterator[Any]:
    for begin in range(0, len(values), _PIECE_ITEMS):
        piece = values[begin : begin + _PIECE_ITEMS]
        if sum(len(memoryview(raw)) for raw in piece) <= PIECE_BYTES:
            yield from msgspec.json.decode(b"[%b]" % b",".join(piece))
        else:
            for raw in piece:
                yield _decoded(raw, levels - 1)


def _decoded_text(text: memoryview) -> Iterator[str]:
    begin, end = 1, len(text) - 1
    while begin < end:
        found = _BETWEEN_CHARACTERS.search(text, begin + PIECE_BYTES, end)
        cut = end if found is None else found.end()
        while cut < end and text[cut] & 0xC0 == 0x80:
            cut += 1
        yield msgspec.json.decode(b"".join((b'"', text[begin:cut], b'"')))
        begin = cut


def encode_in_pieces(body: Json, size: int = 0) -> bytes:
    """Encode an object, its long lists in pieces; the bytes are those of encoding it whole.

    `size` is about how many bytes there will be. If an object is huge, all its long values are cut,
    which takes longer than encoding it, since all values are counted.
    """
    encoded = BytesIO()
    # Not joined at the end: that would copy all of it in one call.
    if size >= HUGE_BYTES:
        _write(encoded.write, body)
    else:
        _write_lists(encoded.write, body)
    return encoded.getvalue()


_Write = Callable[[bytes | memoryview], object]
_Some = TypeVar("_Some", Json, Sequence[Any])


def _write_lists(write: _Write, body: Json) -> None:
    opening = b"{"
    for name, value in body.items():
        write(b"%b%b:" % (opening, msgspec.json.encode(name)))
        if isinstance(value, list) and len(value) > _PIECE_ITEMS:
            starts = range(0, len(value), _PIECE_ITEMS)
            _write_pieces(write, (value[start : start + _PIECE_ITEMS] for start in starts))
        else:
            write(msgspec.json.encode(value))
        opening = b","
    write(b"}" if body else b"{}")


def _write_pieces(write: _Write, pieces: Iterable[Sequence[Any]]) -> None:
    opening = b"["
    for piece in pieces:
        write(opening)
        if len(piece) == 1:
            _write(write, piece[0])
        else:
            write(memoryview(msgspec.json.encode(piece))[1:-1])
        opening = b","
    write(b"]")


def _write(write: _Write, value: Any) -> None:
    if not _has_many_parts(value):
        write(msgspec.json.encode(value))
    elif isinstance(value, dict):
        _write_fields(write, value)
    elif isinstance(value, str):
        _write_text(write, value)
    else:
        _write_pieces(write, _short(lambda some: some, value))


def _has_many_parts(value: object) -> bool:
    """Whether encoding a value takes long enough to do it in pieces."""
    parts, left = 0, list[Any]([[value]])
    while left:
        values = left.pop()
        parts += len(values)
        if parts > _PIECE_PARTS:
            return True
        for inner in values.values() if isinstance(values, dict) else values:
            if isinstance(inner, str):
                parts += len(inner) // _STRETCH
            elif isinstance(inner, _HOLDERS):
                left.append(inner)
    return parts > _PIECE_PARTS


def _short(together: Callable[[Sequence[Any]], _Some], values: Sequence[Any]) -> Iterator[_Some]:
    """Yield values in groups that can be encoded in one call each; a long value is alone."""
    left = [values[begin : begin + _PIECE_ITEMS] for begin in range(0, len(values), _PIECE_ITEMS)]
    left.reverse()
    while left:
        some = left.pop()
        piece = together(some)
        if len(some) > 1 and _has_many_parts(piece):
            half = len(some) // 2
            left += some[half:], some[:half]
        else:
            yield piece


def _write_fields(write: _Write, fields: Json) -> None:
    opening = b"{"
    for piece in _short(dict, [*fields.items()]):
        write(opening)
        if len(piece) == 1:
            ((name, value),) = piece.items()
            write(b"%b:" % msgspec.json.encode(name))
            _write(write, value)
        else:
            write(memoryview(msgspec.json.encode(piece))[1:-1])
        opening = b","
    write(b"}")


def _write_text(write: _Write, text: str) -> None:
    write(b'"')
    for begin in range(0, len(text), PIECE_BYTES):
        write(memoryview(msgspec.json.encode(text[begin : begin + PIECE_BYTES]))[1:-1])
    write(b'"')


def free_in_pieces(items: list[Any], *, deep: bool = True) -> None:
    """Free items a few at a time, and if `deep`, what is in them likewise, which takes longer.

    The list is emptied; nothing else is changed.
    """
    while items:
        few = items[-_FREED_AT_ONCE:]
        del items[-_FREED_AT_ONCE:]
        for each in few if deep else ():
            if isinstance(each, dict):
                items += each.values()
                if len(each) > _FREED_AT_ONCE:
                    items += each
            elif isinstance(each, _HOLDERS):
                items += each
