"""Reads the bodies of upstream replies up to a limit, and the header fields that describe them."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Final

from gateway.envelopes.codings import coding_of
from gateway.envelopes.upstream_json import NOT_JSON, decode, is_cut_off
from gateway.errors import GatewayError, Reason, TruncatedStream, UpstreamError
from gateway.request_ids import HEADER, id_in, line_among
from gateway.shapes import Json, RawHeaders, UpstreamReply

MAX_ERROR_BYTES: Final = 64 * 1024
"""The most bytes that are read of an error."""

MAX_WHOLE_BYTES = 256 * 1024 * 1024
"""The most bytes of the whole replies to one request, all calls together."""

_LABELS_OF_JSON: Final = (b"application/json", b"text/plain", b"text/html")
"""The last one is PHP's default, which relays written in PHP leave as it is."""

REST_SECONDS: Final = 0.1
"""How long a body may take to end after its last event, for its connection to be used again."""


def header(headers: RawHeaders, name: bytes) -> bytes:
    """Return the first value of a header field, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def is_event_stream(headers: RawHeaders) -> bool:
    """Whether the body is Server-Sent Events."""
    return header(headers, b"content-type").lower().startswith(b"text/event-stream")


def may_be_json(headers: RawHeaders) -> bool:
    """Whether a body can be JSON by its Content-Type, which may be missing, or that of a text."""
    kind = header(headers, b"content-type").lower()
    if not kind or kind.startswith(_LABELS_OF_JSON):
        return True
    return kind.partition(b";")[0].rstrip().endswith(b"+json")


def may_hold_json(headers: RawHeaders) -> bool:
    """Whether a body can be JSON, whatever was asked for: servers label errors as events, too."""
    return may_be_json(headers) or is_event_stream(headers)


def is_compressed(headers: RawHeaders) -> bool:
    """Whether the body is compressed, by its head."""
    return bool(coding_of(headers))


def content_length(headers: RawHeaders) -> int | None:
    """Return the length that a head announces; None if it announces none."""
    length = header(headers, b"content-length")
    return int(length) if length.isdigit() else None


def identified(error: GatewayError, headers: Iterable[tuple[bytes, bytes]]) -> GatewayError:
    """Return an error about a reply with the id by which its server knows the request."""
    line = b"" if error.headers else line_among(headers)
    if line:
        error.headers = ((HEADER.decode(), id_in(line)),)
    return error


class Allowance:
    """How many bytes the whole replies to one request may still have; None: `MAX_WHOLE_BYTES`."""

    __slots__ = ("_left", "_limit")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = self._left = MAX_WHOLE_BYTES if limit is None else limit

    def take(self, size: int) -> None:
        """Use `size` bytes of the allowance; raises `UpstreamError` if fewer are left."""
        self._left -= size
        if self._left < 0:
            raise UpstreamError(f"The upstream's reply is larger than {self._limit} bytes.")


async def read_whole(
    reply: UpstreamReply,
    limit: int | Allowance | None = None,
    *,
    is_last: Callable[[bytes], bool] | None = None,
) -> bytes:
    """Read a body to its end; raises `UpstreamError` when it passes `limit` bytes.

    `is_last` says of each piece whether no more is needed after it. Then the end of the body is
    waited for only for `REST_SECONDS`, so that the connection can be used again.
    """
    allowance = limit if isinstance(limit, Allowance) else Allowance(limit)
    try:
        if (body := reply.arrived()) is not None:
            allowance.take(len(body))
            return body
        pieces = reply.chunks()
        return await joined(pieces if is_last is None else _up_to(pieces, is_last), allowance)
    except GatewayError as error:
        identified(error, reply.headers)
        raise
    finally:
        await reply.aclose()


async def _up_to(
    pieces: AsyncIterator[bytes], is_last: Callable[[bytes], bool]
) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield piece
        if is_last(piece):
            break
    with suppress(GatewayError, TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            async for _ in pieces:
                pass


async def joined(pieces: AsyncIterable[bytes], allowance: Allowance) -> bytes:
    """Return all pieces of a body as one; raises `UpstreamError` beyond the allowance."""
    parts: list[bytes] = []
    async for piece in pieces:
        allowance.take(len(piece))
        parts.append(piece)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decode_object(data: bytes, *, whole: bool = False) -> Json:
    """Decode one JSON object of an upstream; raises `UpstreamError`.

    For a `whole` body that breaks off, that is `TruncatedStream`: without a length in the head, the
    end of a body does not show that it is complete.
    """
    try:
        decoded = decode(data)
    except NOT_JSON:
        raise (unread(data) if whole else not_json()) from None
    return checked_object(decoded)


def unread(body: bytes) -> UpstreamError:
    """Return the error for a whole reply that is not JSON; its text says what the reply is."""
    if is_cut_off(body):
        return TruncatedStream(
            "The upstream's reply ended before it was complete. Retry the request."
        )
    said = body.lstrip()
    if not said:
        return UpstreamError("The upstream's reply is empty.")
    if said.startswith(b"<"):
        return UpstreamError(
            "The upstream sent a web page instead of JSON. Ask the gateway's operator to check its "
            "base_url."
        )
    return not_json()


def not_json() -> UpstreamError:
    """Return the error for an upstream's reply, or event, that is not JSON."""
    return UpstreamError("The upstream sent something that is not JSON.")


def unknown_error() -> UpstreamError:
    """Return the error for an upstream's error in no known envelope, under a status of success."""
    return UpstreamError("The upstream replied with an error.", reason=Reason.ERROR_REPLY)


def reply_nested_too_deeply() -> UpstreamError:
    """Return the error for a reply, or an event, that could be decoded but not worked on."""
    return UpstreamError("The upstream's reply cannot be used: it is nested too deeply.")


def checked_object(decoded: object) -> Json:
    """Return a decoded value of an upstream if it is an object; raises `UpstreamError` if not."""
    if not isinstance(decoded, dict):
        raise UpstreamError("The upstream sent JSON that is not an object.")
    return decoded
