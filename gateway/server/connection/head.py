"""The head of a request: parsed, checked against RFC 9112, and recognised when it repeats.

llhttp (httptools) parses it and refuses malformed ones. It is fed only the head, so its handling of
bodies does not matter (see `body.py`). Pure: bytes in, a head out.
"""

import re
from dataclasses import dataclass
from typing import Final

import httptools

from gateway.errors import GatewayError, InvalidRequest, PayloadTooLarge
from gateway.headers import host_of
from gateway.request import Head
from gateway.shapes import ClientHeaders

MAX_HEAD_BYTES: Final = 72 * 1024
"""Bytes of a whole head: a target of 8 KiB and fields of 64 KiB (`api/guard.py`)."""
END: Final = b"\r\n\r\n"

_LENGTH_LINE = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,15})\r\n")
_DIGITS = re.compile(rb"\d{1,19}")
_REQUEST_LINE = re.compile(rb"([A-Z-]+) ([^ ]+) HTTP/(\d\.\d)\r\n")
"""Stricter than llhttp, which takes RTSP and ICE, several spaces, and a line without a version."""
_ABSOLUTE_FORM = re.compile(rb"(?i)https?://")
_VERSIONS = frozenset({b"1.0", b"1.1"})
_ABOUT_THE_MESSAGE = frozenset({b"content-length", b"transfer-encoding", b"expect", b"connection"})
_UPGRADE = re.compile(rb"(?i)(?:^|(?<=[, \t]))upgrade(?=[, \t]|$)")
_CLOSE = re.compile(rb"(?i)(?:^|,)[ \t]*close[ \t]*(?:,|$)")
_CONTINUE = re.compile(rb"(?i)(?:^|,)[ \t]*100-continue[ \t]*(?:,|$)")
"""The only expectation that is met; others are ignored, as RFC 9110 section 10.1.1 allows."""


@dataclass(slots=True)
class ReceivedHead:
    """A head, and the framing of its message. Never changed."""

    head: Head
    length: int | None
    """Bytes of the body; None for a chunked one."""
    keep_alive: bool
    is_http_1_0: bool
    expects_continue: bool
    head_only: bool = False
    """Whether the reply has no body, whatever its head says (for HEAD)."""


MALFORMED: Final = ReceivedHead(
    Head("", b"", b"", ClientHeaders()),
    length=None,
    keep_alive=False,
    is_http_1_0=False,
    expects_continue=False,
)
"""Stands for the head of a request whose real head could not be read."""


class RepeatedHead:
    """The bytes of a head, to recognise the next request that has the same one.

    Clients repeat the same head on a connection, except for the length. The same bytes have the
    same meaning, so neither parsing nor checks have to be repeated.
    """

    __slots__ = ("_after", "_before", "_rest", "_start", "received")

    def __init__(self, before: bytes, after: bytes, received: ReceivedHead) -> None:
        self._before = before
        self._after = after
        self._start, self._rest = len(before), len(after)
        self.received = received

    def match(self, data: bytes) -> tuple[int, int] | None:
        """Return the body's position and length if `data` begins with this head."""
        if not data.startswith(self._before):
            return None
        start = self._start
        end = data.find(b"\r", start, start + 16)
        digits = data[start:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self._after, end):
            return None
        return end + self._rest, int(digits)


def repeatable(data: bytes, received: ReceivedHead) -> RepeatedHead | None:
    """Return the `RepeatedHead` of this head; None for heads that are not eligible.

    `data` is the whole head as received. Eligible are POSTs with one Content-Length, without
    `Expect`, in HTTP/1.1.
    """
    if received.length is None or received.head.method != "POST":
        return None
    if received.is_http_1_0 or received.expects_continue:
        return None
    line = _LENGTH_LINE.search(data)
    if line is None or int(line[1]) != received.length:
        return None
    return RepeatedHead(data[: line.start(1)], data[line.end(1) :], received)


class HeadParser:
    """Parses one head, fed as it arrives; refuses garbage before the head is complete."""

    __slots__ = ("_complete", "_fields", "_parser", "on_header")

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._complete = False
        fields = self._fields
        # Called by httptools for each field. It leaves the blanks after a value, which are no part
        # of it (RFC 9112 section 5.1).
        self.on_header = lambda name, value: fields.append((name.lower(), value.rstrip(b" \t")))
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Take a part of a head, nothing beyond; raises `GatewayError` if it is malformed."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # the rest would belong to another protocol, but there is none
        except httptools.HttpParserError as error:
            raise self._malformed(str(error)) from None

    def finish(self, data: bytes) -> ReceivedHead:
        """Return the complete head; raises `GatewayError` if it is malformed or not supported.

        `data` is the same head as a whole.
        """
        line = _REQUEST_LINE.match(data)
        if line is None:
            raise invalid("its first line is not a method, a target and a version")
        method, target, version = line.groups()
        if version not in _VERSIONS:
            raise _wrong_version(version.decode("ascii"))
        if not self._complete:
            raise invalid("its head does not end where its lines do")
        is_http_1_0 = version == b"1.0"
        framing = _Framing(self._fields)
        length = framing.length(is_http_1_0=is_http_1_0)
        others = _without_upgrades(framing.others) if is_http_1_0 else framing.others
        path, query, fields = _target(target, others)
        return ReceivedHead(
            Head(method.decode("ascii"), path, query, ClientHeaders(fields)),
            length,
            framing.keep_alive and not is_http_1_0,
            is_http_1_0,
            framing.expects_continue and not is_http_1_0,
            method == b"HEAD",
        )

    def close(self) -> None:
        """Drop the parser: it refers to this object, and the two would be a cycle."""
        del self._parser

    def on_headers_complete(self) -> None:
        """Note the end of the head (called by httptools)."""
        if self._complete:
            raise ValueError("a second head follows within the first")
        self._complete = True

    def _malformed(self, reason: str) -> GatewayError:
        version = self._parser.get_http_version()
        if version not in ("0.0", "1.0", "1.1"):
            return _wrong_version(version)
        if "Transfer-Encoding" in reason:
            codings = [value for name, value in self._fields if name == b"transfer-encoding"]
            return _check_codings(codings) or invalid(reason)
        return invalid(reason)


def parse(data: bytes) -> ReceivedHead:
    """Parse a whole head; raises `GatewayError` if it is malformed or not supported."""
    parser = HeadParser()
    try:
        parser.feed(data)
        return parser.finish(data)
    finally:
        parser.close()


def too_large() -> GatewayError:
    """Return the error for a head that is too long."""
    return PayloadTooLarge(
        f"The request head is longer than {MAX_HEAD_BYTES} bytes.",
        status=431,
        code="headers_too_large",
    )


class _Framing:
    """A head's fields that frame the message, and the others."""

    __slots__ = ("_codings", "_lengths", "expects_continue", "keep_alive", "others")

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._lengths: list[bytes] = []
        self._codings: list[bytes] = []
        self.others: list[tuple[bytes, bytes]] = []
        self.keep_alive = True
        self.expects_continue = False
        for field in fields:
            name, value = field
            if name not in _ABOUT_THE_MESSAGE:
                self.others.append(field)
            elif name == b"content-length":
                self._lengths.append(value)
            elif name == b"transfer-encoding":
                self._codings.append(value)
            else:
                self.others.append(field)
                if name == b"expect":
                    self.expects_continue |= _CONTINUE.search(value) is not None
                elif _CLOSE.search(value):
                    self.keep_alive = False

    def length(self, *, is_http_1_0: bool) -> int | None:
        """Return the body's length, or None if it is chunked (RFC 9112 section 6)."""
        lengths = self._lengths
        if self._codings:
            if is_http_1_0:
                raise invalid("an HTTP/1.0 request has a Transfer-Encoding")
            refused = _check_codings(self._codings)
            if refused is not None:
                raise refused
            if lengths:
                raise invalid("it has a Content-Length and a Transfer-Encoding")
            return None
        if not lengths:
            return 0
        if len(lengths) > 1 or not _DIGITS.fullmatch(lengths[0]):
            raise invalid("its Content-Length is not one number")
        return int(lengths[0])


def _without_upgrades(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the fields of an HTTP/1.0 request, which cannot be upgraded (RFC 9110 section 7.8)."""
    return [
        (name, _UPGRADE.sub(b"", value) if name == b"connection" else value)
        for name, value in fields
    ]


def _check_codings(values: list[bytes]) -> GatewayError | None:
    """Return the error of transfer codings other than a single `chunked`, or None."""
    codings = [coding.strip(b" \t").lower() for value in values for coding in value.split(b",")]
    unknown = [coding for coding in codings if coding != b"chunked"]
    if unknown and codings[-1] == b"chunked":
        return GatewayError(
            f"The transfer coding {unknown[0][:32].decode('latin-1')!r} is not supported; send "
            "the body with a Content-Length, or chunked.",
            status=501,
            type="invalid_request_error",
            code="unsupported_transfer_encoding",
        )
    if codings not in ([], [b"chunked"]):
        return invalid("its Transfer-Encoding is not 'chunked'")
    return None


def _target(
    target: bytes, fields: list[tuple[bytes, bytes]]
) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]]:
    """Return path, query and fields; the authority of an absolute target becomes the host."""
    target = target.partition(b"#")[0]
    if target.startswith(b"/") or not _ABSOLUTE_FORM.match(target):
        path, _, query = target.partition(b"?")
        return path, query, fields
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserError:
        raise invalid("its target is not a URL") from None
    if not url.host or url.userinfo:
        raise invalid("its target has no host, or a user")
    if host_of(fields) is None:
        raise invalid("it must have exactly one Host field: a name and an optional port")
    host = target[target.index(b"//") + 2 :].partition(b"/")[0].partition(b"?")[0]
    kept = [field for field in fields if field[0] != b"host"]
    return url.path or b"/", url.query or b"", [(b"host", host), *kept]


def invalid(reason: str) -> InvalidRequest:
    """Return the error for a request that is not HTTP; `reason` completes the sentence."""
    return InvalidRequest(f"This request is not valid HTTP: {reason}.", code="invalid_http")


def _wrong_version(version: str) -> GatewayError:
    return GatewayError(
        f"HTTP version {version} is not supported on this connection; use version 1.1.",
        status=505,
        type="invalid_request_error",
        code="unsupported_http_version",
    )
