"""A request that arrives whole, in one read: recognised, taken apart, and known again.

Nearly all requests for generation do: a head that the client repeats word for word on its
connection, but for the length, and a body of a few KB. Pure: bytes in, a request or nothing out.
Nothing means only that the general way (uvicorn's parser, then ASGI) must look at the bytes.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

import httptools

from gateway.server.http_limits import MAX_HEAD_BYTES
from gateway.shapes import ClientHeaders

_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,15})\r\n")
_NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"content-encoding"})
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a POST request. `headers` lacks the content-length: each body has its own."""

    raw_path: bytes
    """Percent-encoded, without the query."""
    query: bytes
    headers: ClientHeaders
    keep_alive: bool

    @property
    def path(self) -> str:
        """The path, decoded as ASGI's `scope["path"]` is."""
        return unquote(self.raw_path.decode("ascii"))


class KnownHead:
    """The bytes of a head, to know the next request by that has the same one.

    Same bytes, same meaning: whatever was found out about the head need not be found out again.
    """

    __slots__ = ("_after", "_before", "head")

    def __init__(self, before: bytes, after: bytes, head: RequestHead) -> None:
        self._before = before
        self._after = after
        self.head = head

    def body_of(self, data: bytes) -> bytes | None:
        """Return the body if `data` is a whole request with this head, else None."""
        if not data.startswith(self._before):
            return None
        start = len(self._before)
        end = data.find(b"\r", start, start + 16)
        digits = data[start:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self._after, end):
            return None
        begin = end + len(self._after)
        return data[begin:] if len(data) - begin == int(digits) else None


def read(data: bytes) -> KnownHead | None:
    """Return the head of a plain POST request that `data` holds from its first to its last byte.

    None for anything else: another method, a part of a request or more than one, a body without
    a length, an expectation, an upgrade, another version, and whatever llhttp refuses.
    """
    if not data.startswith(b"POST /"):
        return None
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    length = _LENGTH.search(data, 0, end + 2) if end > 0 else None
    if length is None or len(data) - end - len(_END) != int(length[1]):
        return None
    head = _Reader().head(data[: end + len(_END)], length[1])
    if head is None:
        return None
    return KnownHead(data[: length.start(1)], data[length.end(1) : end + len(_END)], head)


class _Reader:
    """Takes one head from llhttp, the parser of the general way."""

    def __init__(self) -> None:
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._lengths: list[bytes] = []
        self._is_plain = True
        self._complete = False
        self._keep_alive = False

    def head(self, data: bytes, length: bytes) -> RequestHead | None:
        """Return the head that `data` is; `length` is the content-length that it should have."""
        parser = httptools.HttpRequestParser(self)
        self._parser = parser
        try:
            parser.feed_data(data)
            url = httptools.parse_url(self._url)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        finally:
            del self._parser  # it refers to this object: a cycle that only the collector breaks
        is_good = self._complete and self._is_plain and url.path.isascii()
        if not is_good or self._lengths != [length]:
            return None
        return RequestHead(
            url.path, url.query or b"", ClientHeaders(self._fields), self._keep_alive
        )

    def on_url(self, url: bytes) -> None:
        """Take a part of the target (called by httptools)."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field (called by httptools)."""
        lower = name.lower()
        if lower == b"content-length":
            self._lengths.append(value)
        elif lower in _NOT_PLAIN:
            self._is_plain = False
        else:
            self._fields.append((lower, value))

    def on_headers_complete(self) -> None:
        """Take the end of the head (called by httptools)."""
        self._complete = self._parser.get_http_version() == "1.1"
        self._keep_alive = self._parser.should_keep_alive()
