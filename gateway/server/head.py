"""The head of a request: taken apart, checked against RFC 9112, and known again when it repeats.

llhttp (httptools) does the parsing and refuses what is malformed. It is fed a head and nothing
else, so what it would do with a body never matters (see `body.py`). Pure: bytes in, a head out.
"""

import re
from dataclasses import dataclass
from typing import Final

import httptools

from gateway.api.guard import is_host
from gateway.errors import GatewayError, InvalidRequest, PayloadTooLarge
from gateway.request import Head
from gateway.shapes import ClientHeaders

MAX_HEAD_BYTES: Final = 72 * 1024
"""Bytes of a whole head: a target of 8 KiB and fields of 64 KiB (`api/guard.py`)."""
END: Final = b"\r\n\r\n"

_LENGTH_LINE = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,15})\r\n")
_DIGITS = re.compile(rb"\d{1,19}")
_REQUEST_LINE = re.compile(rb"[A-Z-]+ [^ ]+ HTTP/\d\.\d\r\n")
"""llhttp takes RTSP's and ICE's, more than one space, and a line without a version."""
_ABSOLUTE_FORM = re.compile(rb"(?i)https?://")
_CLOSE = re.compile(rb"(?i)(?:^|,)[ \t]*close[ \t]*(?:,|$)")


@dataclass(frozen=True, slots=True)
class ReceivedHead:
    """A head, and how the message around it is framed."""

    head: Head
    length: int | None
    """Bytes of the body; None: it is chunked."""
    keep_alive: bool
    is_http_1_0: bool
    expects_continue: bool
    head_only: bool = False
    """Whether the reply has no body, whatever its head says (HEAD)."""


class RepeatedHead:
    """The bytes of a head, to know the next request by that has the same one.

    Clients send the same head again and again on a connection, but for the length. Same bytes,
    same meaning: whatever was found out about the head need not be found out again.
    """

    __slots__ = ("_after", "_before", "received")

    def __init__(self, before: bytes, after: bytes, received: ReceivedHead) -> None:
        self._before = before
        self._after = after
        self.received = received

    def match(self, data: bytes) -> tuple[int, int] | None:
        """Return where the body begins and its length if `data` begins with this head."""
        if not data.startswith(self._before):
            return None
        start = len(self._before)
        end = data.find(b"\r", start, start + 16)
        digits = data[start:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self._after, end):
            return None
        return end + len(self._after), int(digits)


def repeatable(data: bytes, received: ReceivedHead) -> RepeatedHead | None:
    """Return what knows the next head by; None for a head that is not worth it.

    `data` is the whole head, as it came. Only heads of bodies with a length that is written
    once, and that are not special in any way.
    """
    plain = not (received.is_http_1_0 or received.expects_continue)
    if received.length is None or received.head.method != "POST" or not plain:
        return None
    line = _LENGTH_LINE.search(data)
    if line is None or int(line[1]) != received.length:
        return None
    return RepeatedHead(data[: line.start(1)], data[line.end(1) :], received)


class HeadParser:
    """Parses one head, fed as it arrives; garbage is refused before the head is complete."""

    __slots__ = ("_complete", "_fields", "_keep_alive", "_parser", "_url")

    def __init__(self) -> None:
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._complete = False
        self._keep_alive = False
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Take a part of a head, and nothing behind it; raises `GatewayError` for a bad one."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # it would leave the rest to another protocol: there is no rest
        except httptools.HttpParserError as error:
            raise self._malformed(str(error)) from None

    def finish(self, data: bytes) -> ReceivedHead:
        """Return the head, all of it fed; raises `GatewayError` for one that is not served.

        `data` is the same head as a whole.
        """
        parser = self._parser
        version = parser.get_http_version()
        if not _REQUEST_LINE.match(data):
            raise invalid("its first line is not a method, a target and a version")
        if version not in ("0.0", "1.0", "1.1"):
            raise _wrong_version(version)
        if not self._complete:
            raise invalid("its head does not end where its lines do")
        method = parser.get_method().decode("latin-1")
        fields, lengths, codings = _without_framing(self._fields)
        is_http_1_0 = version == "1.0"
        length = _framing(lengths, codings, is_http_1_0=is_http_1_0)
        expects = any(n == b"expect" and v.lower() == b"100-continue" for n, v in fields)
        path, query, fields = _target(self._url, fields)
        return ReceivedHead(
            Head(method, path, query, ClientHeaders(fields)),
            length,
            keep_alive=self._keep_alive and not is_http_1_0,
            is_http_1_0=is_http_1_0,
            expects_continue=expects and not is_http_1_0,
            head_only=method == "HEAD",
        )

    def close(self) -> None:
        """Let go of the parser: it refers to this object, and the two would be a cycle."""
        del self._parser

    def on_url(self, url: bytes) -> None:
        """Take a part of the target (called by httptools)."""
        if self._complete:
            raise ValueError("a second head follows within the first")
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field (called by httptools)."""
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the end of the head (called by httptools)."""
        self._complete = True
        self._keep_alive = not any(
            name == b"connection" and _CLOSE.search(value) for name, value in self._fields
        )

    def _malformed(self, reason: str) -> GatewayError:
        version = self._parser.get_http_version()
        if version not in ("0.0", "1.0", "1.1"):
            return _wrong_version(version)
        if "Transfer-Encoding" in reason:
            return _check_codings(self._fields) or invalid(reason)
        return invalid(reason)


def parse(data: bytes) -> ReceivedHead:
    """Take a whole head apart; raises `GatewayError` for one that is malformed or not served."""
    parser = HeadParser()
    try:
        parser.feed(data)
        return parser.finish(data)
    finally:
        parser.close()


def too_large() -> GatewayError:
    """Return the error for a head that does not end."""
    return PayloadTooLarge(
        f"The request head is longer than {MAX_HEAD_BYTES} bytes.",
        status=431,
        code="headers_too_large",
    )


def _without_framing(
    fields: list[tuple[bytes, bytes]],
) -> tuple[list[tuple[bytes, bytes]], list[bytes], list[bytes]]:
    """Return the fields without those of the framing, and the values of these."""
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if lengths or codings:
        framing = (b"content-length", b"transfer-encoding")
        fields = [field for field in fields if field[0] not in framing]
    return fields, lengths, codings


def _framing(lengths: list[bytes], codings: list[bytes], *, is_http_1_0: bool) -> int | None:
    """Return the body's length, or None for a chunked one (RFC 9112 section 6)."""
    if codings:
        if is_http_1_0:
            raise invalid("an HTTP/1.0 request has a Transfer-Encoding")
        refused = _check_codings([(b"transfer-encoding", value) for value in codings])
        if refused is not None:
            raise refused
        if lengths:
            raise invalid("it has a Content-Length and a Transfer-Encoding")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _DIGITS.fullmatch(lengths[0].strip(b" \t")):
        raise invalid("its Content-Length is not one number")
    return int(lengths[0])


def _check_codings(fields: list[tuple[bytes, bytes]]) -> GatewayError | None:
    """Return what is wrong with the transfer codings: only `chunked`, once, is understood."""
    codings = [
        coding.strip(b" \t").lower()
        for name, value in fields
        if name == b"transfer-encoding"
        for coding in value.split(b",")
    ]
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
    """Return path, query and fields; of an absolute target, its authority becomes the host."""
    target = target.partition(b"#")[0]
    if not _ABSOLUTE_FORM.match(target):
        path, _, query = target.partition(b"?")
        return path, query, fields
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserError:
        raise invalid("its target is not a URL") from None
    if not url.host or url.userinfo:
        raise invalid("its target has no host, or a user")
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) != 1 or not is_host(hosts[0]):
        raise invalid("it has not exactly one Host field that is a name and maybe a port")
    host = target[target.index(b"//") + 2 :].partition(b"/")[0].partition(b"?")[0]
    kept = [field for field in fields if field[0] != b"host"]
    return url.path or b"/", url.query or b"", [(b"host", host), *kept]


def invalid(reason: str) -> InvalidRequest:
    """Return the error for a request that is not HTTP, for a reason (the rest of a sentence)."""
    return InvalidRequest(f"This request is not valid HTTP: {reason}.", code="invalid_http")


def _wrong_version(version: str) -> GatewayError:
    return GatewayError(
        f"HTTP version {version} is not served on this connection; use version 1.1.",
        status=505,
        type="invalid_request_error",
        code="unsupported_http_version",
    )
