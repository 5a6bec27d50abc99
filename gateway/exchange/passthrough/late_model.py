"""Looks for a `model` that a multipart form names after a file, before any of the form is sent.

OpenAI's own example of a transcription (curl) has the file first. If such a form were sent on
unread, it would go to the default upstream, with that upstream's key and perhaps with a name of the
model that only the gateway knows.
"""

import re
from collections.abc import AsyncIterator

from gateway.errors import InvalidRequest
from gateway.exchange.passthrough.body_model import boundary_of
from gateway.exchange.passthrough.form_fields import head_of
from gateway.exchange.passthrough.request_body import READ_AHEAD_BYTES, Ahead

_HEAD = re.compile(head_of(b"model"), re.IGNORECASE)
_HEAD_ENDS = b"\r\n\r\n"
_LONGEST_HEAD = 8 * 1024
_LONGEST_VALUE = 512 + len(b"\r\n")


async def read_to_model(
    prefix: bytes, rest: AsyncIterator[bytes] | None, content_type: bytes, limit: int
) -> Ahead:
    """Read a form on, after `prefix`, until it has named its model, or to `limit` bytes.

    `content_type` is the header's value as it came.
    """
    boundary = boundary_of(content_type)
    if boundary is None:
        return Ahead(prefix, rest, len(prefix))
    form, search = bytearray(prefix), _Search(boundary)
    while (at := search.find(form, ended=rest is None)) is None:
        if rest is None or len(form) >= limit:
            # In a form that has no such part, only the beginning is searched, by a simple pattern.
            cut = min(len(prefix), 2 * READ_AHEAD_BYTES)
            named, after = bytes(form[:cut]), bytes(memoryview(form)[cut:])
            return Ahead(named, rest, len(form), after=after, is_cut=rest is not None)
        piece = await anext(rest, None)
        if piece is None:
            rest = None
        else:
            form += piece
    before = bytes(memoryview(form)[:at])
    return Ahead(bytes(memoryview(form)[at:]), rest, len(form), before)


def late_model(limit: int) -> InvalidRequest:
    """Return the error for a form whose model decides where it goes, and comes too late."""
    return InvalidRequest(
        f"Put the form field 'model' before the file: it decides where the request goes, and the "
        f"gateway looks for it in the first {limit} bytes.",
        param="model",
    )


class _Search:
    """Looks for the part that names the model, at each boundary once."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"--" + boundary
        self._from = 0

    def find(self, form: bytearray, *, ended: bool) -> int | None:
        """Return where the part begins; None if not found so far. `ended`: the form is complete."""
        while (at := form.find(self._mark, self._from)) >= 0:
            end = form.find(_HEAD_ENDS, at, at + _LONGEST_HEAD)
            value = end + len(_HEAD_ENDS)
            needed = at + _LONGEST_HEAD if end < 0 else value + _LONGEST_VALUE
            if not ended and len(form) < needed:
                self._from = at
                return None
            if end >= 0 and self._names_one(form, at, value):
                return at
            self._from = at + len(self._mark)
        self._from = max(self._from, len(form) - len(self._mark) + 1)
        return None

    def _names_one(self, form: bytearray, at: int, value: int) -> bool:
        """Whether the boundary at `at` begins a line, and a part that names a model at `value`."""
        begins_a_line = at == 0 or form[at - 2 : at] == b"\r\n"
        if not begins_a_line or _HEAD.search(form, at, value) is None:
            return False
        return form.find(b"\r\n", value, value + _LONGEST_VALUE) > value
