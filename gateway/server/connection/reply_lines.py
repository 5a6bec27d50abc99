"""The lines of a reply's head that are made once: for a status, and for fields that repeat."""

from functools import lru_cache
from http import HTTPStatus
from typing import Final

from gateway import request_ids
from gateway.shapes import RepeatedFields

_LINES: Final = object()
"""The key of what is derived from fields that repeat."""


@lru_cache(maxsize=1000)
def status_line(status: int) -> bytes:
    """Return the status line; the phrase may be empty (RFC 9112 section 4)."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode("ascii"))


def lines_of(repeated: RepeatedFields) -> tuple[bytes, bytes, bytes, bool]:
    """Return the lines before and after the digits of a length, and the line of an upstream's id.

    That line is empty if there is no usable id. The last value is whether there is a line with the
    id under Anthropic's name.
    """
    known: tuple[bytes, bytes, bytes, bool] | None = repeated.derived.get(_LINES)
    if known is not None:
        return known
    fields = (*repeated.before, *repeated.after)
    before = b"".join(map(_copied_line, repeated.before)) + b"content-length: "
    after = b"\r\n" + b"".join(map(_copied_line, repeated.after))
    id_line, named = request_ids.line_among(fields), request_ids.has_anthropics(fields)
    repeated.derived[_LINES] = lines = (before, after, id_line, named)
    return lines


def _copied_line(field: tuple[bytes, bytes]) -> bytes:
    return b"" if field[0] == request_ids.HEADER else b"%b: %b\r\n" % field
