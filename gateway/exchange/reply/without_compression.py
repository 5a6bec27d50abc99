"""Decompresses replies for clients on sockets, where no header field can name a compression.

A reply that the gateway reads is decompressed as it is read (`decompressed.py`); this module is for
replies that would be passed on as they came.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from gateway.envelopes.codings import CodingError, Decompressor, coding_of, without_coding
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.classify import uncompressed_error
from gateway.exchange.reply.decompressed import unreadable
from gateway.exchange.usage import TAIL, Tokens, tokens_in
from gateway.replies import BufferedReply
from gateway.shapes import Sink


def without_compression(reply: ClientReply) -> ClientReply:
    """Return a reply whose body is not compressed: the reply itself, if that is not.

    Reading the body raises `UpstreamError` if it cannot be decompressed; the text of an error reply
    says so instead.
    """
    coding = coding_of(tuple(reply.headers))
    if not coding:
        return reply
    if isinstance(reply.body, bytes):
        came = BufferedReply(reply.status, tuple(reply.headers), reply.body)
        if reply.status >= 400:
            error = uncompressed_error(came)
            return ClientReply(reply.status, list(error.headers), error.body)
        body = _Uncompressed(came.chunks(), coding)
    else:
        body = _Uncompressed(aiter(reply.body), coding, reply.body)
    return ClientReply(reply.status, list(without_coding(tuple(reply.headers))), body)


class _Uncompressed(ReplyBody):
    """A body without its compression, in bounded pieces; `behind` is the compressed body."""

    def __init__(
        self, came: AsyncIterator[bytes], coding: bytes, behind: ReplyBody | None = None
    ) -> None:
        super().__init__()
        self._came = came
        self._decompressor = Decompressor(coding)
        self._behind = behind
        self._end = b""
        self._resumed = asyncio.Event()

    @property
    def failure(self) -> GatewayError | None:
        return None if self._behind is None else self._behind.failure

    @property
    def tokens(self) -> Tokens | None:
        return tokens_in(self._end)

    async def pipe(self, sink: Sink) -> None:
        try:
            async for chunk in self._came:
                await self._give(self._decompressor.feed(chunk), sink)
            await self._give(iter((self._decompressor.finish(),)), sink)
        except CodingError as error:
            raise unreadable(error) from None

    def resume(self) -> None:
        self._resumed.set()

    async def _give(self, pieces: Iterator[bytes], sink: Sink) -> None:
        for piece in pieces:
            self._end = (self._end + piece)[-TAIL:]
            self._resumed.clear()
            if piece and not sink(piece):
                await self._resumed.wait()

    async def _release(self) -> None:
        if self._behind is not None:
            await self._behind.aclose()
