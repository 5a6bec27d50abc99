"""Whether a body is UTF-8, without keeping what it says."""

from codecs import utf_8_decode
from typing import Final

_PIECE: Final = 8 * 1024
"""Bytes that are decoded in one call. What is made of them is thrown away: of a whole body it would
take twice the memory of that, and push everything else out of the processor's caches."""


def check_utf8(body: bytes) -> None:
    """Raise `UnicodeDecodeError`, with the position in the whole, for what is not UTF-8.

    Other threads can run between two pieces.
    """
    if body.isascii():
        return
    view, size, position = memoryview(body), len(body), 0
    try:
        while position < size:
            end = position + _PIECE
            # Half a character at the end of a piece is left to the next one.
            position += utf_8_decode(view[position:end], "strict", end >= size)[1]
    except UnicodeDecodeError:
        body.decode("utf-8")
