"""Recognises reads that are one HTTP chunk with whole events, as a slow stream's reads are.

Between two chunks a parser learns nothing but the content from such a read, so it can be skipped.
That the parser is between two chunks is known from an earlier read of this kind that it has parsed,
and that gave exactly its content. Elsewhere, in the middle of a chunk for example, the blank line
before the last CRLF would have been part of a size, which is not HTTP.
"""

from typing import Final

_LONGEST: Final = 4096
"""The longest read to look at, in bytes: in a longer one the saving does not matter."""
_END: Final = b"\n\n\r\n"

_size_lines: Final[list[tuple[bytes, ...]]] = [()] * _LONGEST
"""The lines that a read may begin with, by the read's length; filled as they are needed."""


def events_in(read: bytes) -> bytes:
    """Return the content of a read that is one chunk and ends with a blank line; else nothing."""
    size = len(read)
    if size < _LONGEST and read.endswith(_END):
        lines = _size_lines[size] or _lines_for(size)
        if read.startswith(lines):
            return read[len(lines[0]) : -2]
    return b""


def _lines_for(size: int) -> tuple[bytes, ...]:
    """Return the lines that a chunk of this many bytes, its framing included, can begin with.

    Some sizes, such as 21, have no such line: a chunk with one digit is too short for them, and one
    with two digits too long.
    """
    for digits in (1, 2, 3):
        content = size - digits - 4
        line = b"%x" % max(content, 0)
        if content > 0 and len(line) == digits:
            _size_lines[size] = (line + b"\r\n", line.upper() + b"\r\n")
    return _size_lines[size]
