"""A read that is one HTTP chunk with whole events: what a slow stream's reads are.

Between two chunks a parser learns nothing from such a read but its content, so it need not see it.
Whether it is there shows in a read of this kind that it does see: it gives exactly that content. If
it had been elsewhere, in the middle of a chunk say, the blank line before the last CRLF would be
part of a size, which is not HTTP.
"""

from typing import Final

_LONGEST: Final = 4096
"""Bytes of the longest read to look at: what is saved does not count in a longer one."""
_END: Final = b"\n\n\r\n"

_size_lines: Final[list[tuple[bytes, ...]]] = [()] * _LONGEST
"""By the length of a read, the lines that it may begin with, once they were needed."""


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

    There is none for some sizes, such as 21: the digit of one less would have to be two.
    """
    for digits in (1, 2, 3):
        content = size - digits - 4
        line = b"%x" % max(content, 0)
        if content > 0 and len(line) == digits:
            _size_lines[size] = (line + b"\r\n", line.upper() + b"\r\n")
    return _size_lines[size]
