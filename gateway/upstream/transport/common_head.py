"""The heads of nearly all replies that are not streams, read without a parser.

What is read here llhttp reads in the same way. It reads everything else: bodies in chunks, heads in
pieces, and what is unusual. Most lines of a reply's head are those of the reply before.
"""

import re
from functools import lru_cache
from typing import Final

from gateway.headers import BODILESS, HOP_BY_HOP
from gateway.shapes import RawHeaders
from gateway.upstream.headers import relayed_name

CommonHead = tuple[int, RawHeaders, int, int]
"""The status, the fields that are relayed, the length of the body, and where that begins."""

_END: Final = b"\r\n\r\n"
_LONGEST: Final = 16 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [ -~]*")
_LINE = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~\-]+): ([!-~](?:[ -~]*[!-~])?)")
"""A field whose value is printable ASCII, as it is usually written."""
_LENGTH: Final = b"content-length"
_LENGTH_DIGITS: Final = 15
_KEEP_ALIVE: Final = b"connection: keep-alive"
_ABOUT_THE_CONNECTION = HOP_BY_HOP - {b"keep-alive"}
_SECRET = frozenset({b"set-cookie", b"set-cookie2"})

_Field = tuple[bytes, bytes]
_NOT_RELAYED: Final = (b"", b"")
_MOST_LINES: Final = 4096
_LONGEST_LINE: Final = 256
_fields: dict[bytes, _Field] = {}
"""Fields by their lines."""


def read_common_head(data: bytes) -> CommonHead | None:
    """Read the head at the beginning of a reply, if it is a common one; None: llhttp reads it.

    A common one announces the length of its body, and nothing else about the connection.
    """
    end = data.find(_END, 0, _LONGEST)
    lines = data[:end].split(b"\r\n")
    status = _status_in(lines.pop(0))
    if end < 0 or not status:
        return None
    known, relayed, length = _fields.get, [], b""
    for line in lines:
        field = known(line) or _field_in(line)
        if field is None:
            return None
        if field is not _NOT_RELAYED:
            relayed.append(field)
            if field[0] is _LENGTH:
                if length:
                    return None
                length = field[1]
    return (status, tuple(relayed), int(length), end + len(_END)) if length else None


@lru_cache(maxsize=256)
def _status_in(line: bytes) -> int:
    """Return the status in a status line; 0: it is not a common one."""
    found = _STATUS_LINE.fullmatch(line)
    status = 0 if found is None else int(found[1])
    return 0 if status in BODILESS else status


def _field_in(line: bytes) -> _Field | None:
    """Return the field in a line, which is known from now on; None: llhttp reads it."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    name, value = found[1].lower(), found[2]
    if name in _ABOUT_THE_CONNECTION:
        return _NOT_RELAYED if line.lower() == _KEEP_ALIVE else None
    if name == _LENGTH and not (value.isdigit() and len(value) <= _LENGTH_DIGITS):
        return None
    if name == _LENGTH:
        name = _LENGTH  # itself: compared by identity
    field = _NOT_RELAYED if relayed_name(name) is None else (name, value)
    if len(line) <= _LONGEST_LINE and name not in _SECRET:
        if len(_fields) >= _MOST_LINES:
            _fields.clear()
        _fields[line] = field
    return field
