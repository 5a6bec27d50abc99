"""Decompresses replies that came compressed, though no compression was asked for."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

from gateway.envelopes.codings import (
    CodingError,
    CutOff,
    Decompressor,
    coding_of,
    without_coding,
)
from gateway.errors import TruncatedStream, UpstreamError
from gateway.exchange.reply.reading import Allowance
from gateway.replies import BufferedReply, ChunkedReply
from gateway.shapes import UpstreamReply


def readable(reply: UpstreamReply) -> UpstreamReply:
    """Return the reply itself, or one that decompresses its body as it is read.

    Reading raises `UpstreamError` where it cannot be decompressed.
    """
    coding = coding_of(reply.headers)
    return _DecompressedReply(reply, coding) if coding else reply


def uncompressed(reply: BufferedReply, limit: int) -> BufferedReply:
    """Return a buffered reply without its compression, or itself if it has none.

    Raises `UpstreamError` if the body cannot be decompressed, or has more than `limit` bytes then.
    """
    coding = coding_of(reply.headers)
    if not coding:
        return reply
    body, allowance = bytearray(), Allowance(limit)
    try:
        decompressor = Decompressor(coding)
        for piece in decompressor.feed(reply.body):
            allowance.take(len(piece))
            body += piece
        body += decompressor.finish()
    except CodingError as error:
        raise unreadable(error) from None
    return replace(reply, headers=without_coding(reply.headers), body=bytes(body))


class _DecompressedReply(ChunkedReply):
    def __init__(self, reply: UpstreamReply, coding: bytes) -> None:
        super().__init__()
        self.status = reply.status
        self.headers = without_coding(reply.headers)
        self._reply = reply
        self._decompressor = Decompressor(coding)
        self._pieces = self._decompressed()

    def _read(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def _close(self) -> None:
        await self._pieces.aclose()
        await self._reply.aclose()

    async def _decompressed(self) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in self._reply.chunks():
                for piece in self._decompressor.feed(chunk):
                    yield piece
            if rest := self._decompressor.finish():
                yield rest
        except CodingError as error:
            raise unreadable(error) from None


def unreadable(error: CodingError) -> UpstreamError:
    """Return the error for a body whose compression cannot be taken off."""
    kind = TruncatedStream if isinstance(error, CutOff) else UpstreamError
    return kind(f"The upstream's reply cannot be used: {error}.")
