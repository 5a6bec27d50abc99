"""Decodes and encodes large bodies piece by piece, so that other threads may run in between."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import msgspec

from gateway.shapes import Json

PIECE_BYTES = 128 * 1024
"""How much is decoded in one call, in half a millisecond; items of lists are never cut."""

_PIECE_ITEMS = 200
"""How many items of a list are encoded in one call."""

_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def decode_in_pieces(body: bytes) -> Json:
    """Decode an object, its long lists in pieces; raises as `msgspec.json.decode` does."""
    try:
        return {name: _decoded(raw) for name, raw in _fields_decoder.decode(body).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The position of a fault is to be that in the whole.
        whole: Json = msgspec.json.decode(body)
        return whole


def _decoded(raw: msgspec.Raw) -> Any:
    text = memoryview(raw)
    if len(text) < PIECE_BYTES or bytes(text[:1]) != b"[":
        return msgspec.json.decode(raw)
    decoded: list[Any] = []
    piece: list[msgspec.Raw] = []
    size = 0
    for item in _items_decoder.decode(raw):
        piece.append(item)
        size += len(memoryview(item))
        if size >= PIECE_BYTES:
            decoded += _decode_list(piece)
            piece.clear()
            size = 0
    return decoded + _decode_list(piece)


def _decode_list(items: Iterable[msgspec.Raw]) -> list[Any]:
    decoded: list[Any] = msgspec.json.decode(b"[%b]" % b",".join(items))
    return decoded


def encode_in_pieces(body: Json) -> bytes:
    """Encode an object, its long lists in pieces: the same bytes as encoding it whole gives."""
    encoded = BytesIO()
    # Not joined at the end: that would copy all of it in one call.
    write = encoded.write
    opening = b"{"
    for name, value in body.items():
        write(b"%b%b:" % (opening, msgspec.json.encode(name)))
        if isinstance(value, list) and len(value) > _PIECE_ITEMS:
            _write_list(write, value)
        else:
            write(msgspec.json.encode(value))
        opening = b","
    write(b"}" if body else b"{}")
    return encoded.getvalue()


def _write_list(write: Callable[[bytes | memoryview], object], items: list[Any]) -> None:
    opening = b"["
    for begin in range(0, len(items), _PIECE_ITEMS):
        write(opening)
        write(memoryview(msgspec.json.encode(items[begin : begin + _PIECE_ITEMS]))[1:-1])
        opening = b","
    write(b"]")
