"""Texts: whether they are UTF-8, how far two are the same, and the system's as the user's."""

from codecs import utf_8_decode
from typing import AnyStr, Final

_PIECE: Final = 8 * 1024
"""Bytes, or characters, that are decoded or compared in one call. What is made of them is thrown
away: of a whole body it would take twice the memory of that, and push everything else out of the
processor's caches."""


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


def shared_start(one: AnyStr, other: AnyStr) -> int:
    """Return the length of two texts' common prefix."""
    low, high = 0, min(len(one), len(other))
    while low + _PIECE <= high and one[low : low + _PIECE] == other[low : low + _PIECE]:
        low += _PIECE
    high = min(high, low + _PIECE)
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def in_system_tags(text: str) -> str:
    """Return the text of a system message as a message of the user has it.

    The model can still tell who says it.
    """
    return f"<system>\n{text}\n</system>"
