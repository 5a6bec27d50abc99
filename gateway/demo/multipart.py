"""Reads multipart/form-data as it arrives, without keeping it (RFC 7578, RFC 2046 section 5.1)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.demo.refusals import Refused

_LARGEST_HEAD = 16 * 1024
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))')
_PARAMETER = re.compile(r'[;\s](name|filename)="((?:[^"\\]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class PartStart:
    """A part begins: the form field's name, and the file's name if it is a file."""

    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """A piece of the current part's content."""

    data: bytes


def malformed(why: str) -> Refused:
    """Return the refusal of a body that is not proper multipart/form-data."""
    return Refused(400, f"Could not parse multipart form: {why}")


class MultipartReader:
    """Turns the body's chunks into part starts and data; holds back at most one boundary's length.

    Raises `Refused` if `content_type` is not multipart/form-data or the body does not follow it.
    """

    def __init__(self, content_type: str) -> None:
        match = _BOUNDARY.search(content_type)
        if not content_type.lower().startswith("multipart/form-data") or match is None:
            raise malformed("expected multipart/form-data with a boundary")
        self._delimiter = b"\r\n--" + (match.group(1) or match.group(2)).encode("latin-1")
        # The first delimiter may open the body, where no line break precedes it.
        self._unread = b"\r\n"
        self._state: Callable[[], Iterator[PartStart | PartData]] = self._read_preamble

    def feed(self, chunk: bytes) -> Iterator[PartStart | PartData]:
        """Yield the events that the next chunk completes."""
        self._unread += chunk
        while True:
            before = (self._state, len(self._unread))
            yield from self._state()
            if (self._state, len(self._unread)) == before:
                return

    def finish(self) -> None:
        """Note the end of the body; raises `Refused` if it is incomplete."""
        if self._state != self._skip:
            raise malformed("unexpected end of the body")

    def _read_preamble(self) -> Iterator[PartStart | PartData]:
        self._upto_delimiter()
        return iter(())

    def _read_data(self) -> Iterator[PartStart | PartData]:
        data = self._upto_delimiter()
        if data:
            yield PartData(data)

    def _upto_delimiter(self) -> bytes:
        end = self._unread.find(self._delimiter)
        if end >= 0:
            data, rest = self._unread[:end], self._unread[end + len(self._delimiter) :]
            self._unread = rest
            self._state = self._read_delimiter_end
            return data
        keep = len(self._delimiter) - 1
        data, self._unread = self._unread[:-keep], self._unread[-keep:]
        return data

    def _read_delimiter_end(self) -> Iterator[PartStart | PartData]:
        if self._unread.startswith(b"--"):
            self._state = self._skip
        elif self._unread.startswith(b"\r\n"):
            self._state = self._read_head
        elif len(self._unread) > 1:
            raise malformed("garbage after a boundary")
        return iter(())

    def _read_head(self) -> Iterator[PartStart | PartData]:
        end = self._unread.find(b"\r\n\r\n")
        if (len(self._unread) if end < 0 else end) > _LARGEST_HEAD:
            raise malformed("a part's head is too large")
        if end < 0:
            return
        head = self._unread[:end].decode("utf-8", errors="replace")
        found = dict(_PARAMETER.findall(head))
        if "name" not in found:
            raise malformed("a part has no name")
        self._unread = self._unread[end + 4 :]
        self._state = self._read_data
        yield PartStart(found["name"], found.get("filename"))

    def _skip(self) -> Iterator[PartStart | PartData]:
        self._unread = b""
        return iter(())
