"""Reads the heads of nearly all replies that are not streams without a parser.

llhttp would read these heads in the same way. It reads all others: those of bodies in chunks, heads
in pieces, and unusual ones. Upstreams repeat their heads, except for the length of the body and, in
some cases, a few lines.
"""

import re
from functools import lru_cache
from typing import Final

from gateway.headers import BODILESS, HOP_BY_HOP
from gateway.shapes import RawHeaders, RepeatedFields, ReplyHeaders
from gateway.upstream.reply_fields import relayed_name

CommonHead = tuple[int, RawHeaders, int, int]
"""The status, the relayed fields, the length of the body, and the position where it begins."""

_END: Final = b"\r\n\r\n"
_END_SIZE: Final = len(_END)
_LONGEST: Final = 16 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [ -~]*(?<!ength: )")
"""A status line whose phrase cannot be mistaken for the field of the length."""
_LINE = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~\-]+): ([!-~](?:[ -~]*[!-~])?)")
"""A field whose value is printable ASCII, as it is usually written."""
_LENGTH: Final = b"content-length"
_BEFORE_DIGITS: Final = b"ength: "
"""The bytes before the digits of the length, in all usual spellings of the field's name."""
_BEFORE: Final = len(_BEFORE_DIGITS)
_MOST_DIGITS: Final = 15
_KEEP_ALIVE: Final = b"connection: keep-alive"
_ABOUT_THE_CONNECTION = HOP_BY_HOP - {b"keep-alive"}
_COOKIE: Final = b"set-cookie"
_SECRET = frozenset({_COOKIE, b"set-cookie2"})

_Field = tuple[bytes, bytes]
_NOT_RELAYED: Final = (b"", b"")
_LENGTH_LINE: Final = b"content-length: "
_ANY_LENGTH: Final = (_LENGTH, b"")
"""The field of the length, whose digits are not looked at."""
_MOST_LINES: Final = 4096
_LONGEST_LINE: Final = 256
_fields: dict[bytes, _Field] = {}
"""Known fields, by their lines."""

_MOST_HEADS: Final = 256
_LONGEST_HEAD: Final = 4096
_heads: dict[bytes, tuple[int, RepeatedFields]] = {}
"""Statuses and fields of known heads, by the head without the digits of the length."""
_MOST_SEEN: Final = 4096
_seen: set[int] = set()
"""The hashes of heads that have come once: a head is kept when it comes again."""


def read_common_head(data: bytes) -> CommonHead | None:
    """Read the head at the beginning of a reply if it is a common one; else None, for llhttp.

    A common head announces the length of its body, and nothing else about the connection.
    """
    end = data.find(_END, 0, _LONGEST)
    if end < 0:
        return None
    start = data.find(_BEFORE_DIGITS, 0, end) + _BEFORE
    if start < _BEFORE:
        return None
    stop = data.find(b"\r", start)
    digits = data[start:stop]
    if not digits.isdigit() or stop - start > _MOST_DIGITS:
        return None
    head = data[:start] + data[stop:end]
    known = _heads.get(head)
    if known is None:
        read = _read_lines(head, digits)
        return None if read is None else (*read, int(digits), end + _END_SIZE)
    status, repeated = known
    headers = ReplyHeaders(repeated, digits)
    return status, headers, headers.length, end + _END_SIZE


def _read_lines(head: bytes, digits: bytes) -> tuple[int, RawHeaders] | None:
    """Return the status and the fields of a head, which is known once it has come twice."""
    lines = head.split(b"\r\n")
    status = _status_in(lines.pop(0))
    relayed = _relayed(lines)
    if not status or relayed is None or relayed.count(_ANY_LENGTH) != 1:
        return None
    at = relayed.index(_ANY_LENGTH)
    if not _is_new(head) and len(head) <= _LONGEST_HEAD and _COOKIE not in head.lower():
        if len(_heads) >= _MOST_HEADS:
            _heads.clear()
        _heads[head] = status, RepeatedFields(tuple(relayed[:at]), tuple(relayed[at + 1 :]))
    relayed[at] = (_LENGTH, digits)
    return status, tuple(relayed)


def _is_new(head: bytes) -> bool:
    """Whether a head has not come yet, as far as that is known."""
    mark = hash(head)
    if mark in _seen:
        return False
    if len(_seen) >= _MOST_SEEN:
        _seen.clear()
    _seen.add(mark)
    return True


def _relayed(lines: list[bytes]) -> list[_Field] | None:
    """Return the relayed fields, `_ANY_LENGTH` among them; None if llhttp has to read the head."""
    known = _fields.get
    relayed: list[_Field] = []
    for line in lines:
        field = known(line) or _field_in(line)
        if field is None:
            return None
        if field is not _NOT_RELAYED:
            relayed.append(field)
    return relayed


@lru_cache(maxsize=256)
def _status_in(line: bytes) -> int:
    """Return the status in a status line; 0 if the line is not a common one."""
    found = _STATUS_LINE.fullmatch(line)
    status = 0 if found is None else int(found[1])
    return 0 if status in BODILESS else status


def _field_in(line: bytes) -> _Field | None:
    """Return the field in a line, and remember it; None if llhttp has to read it."""
    if line.lower() == _LENGTH_LINE:
        return _known(line, _ANY_LENGTH)
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    name, value = found[1].lower(), found[2]
    if name in _ABOUT_THE_CONNECTION:
        return _NOT_RELAYED if line.lower() == _KEEP_ALIVE else None
    if name == _LENGTH:
        return None  # a second length
    field = _NOT_RELAYED if relayed_name(name) is None else (name, value)
    if len(line) > _LONGEST_LINE or name in _SECRET:
        return field
    return _known(line, field)


def _known(line: bytes, field: _Field) -> _Field:
    if len(_fields) >= _MOST_LINES:
        _fields.clear()
    _fields[line] = field
    return field
