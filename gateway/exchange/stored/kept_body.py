"""A reply stream that stores its response before the client gets the last event."""

import asyncio
from collections.abc import Callable, Coroutine

from gateway.errors import GatewayError
from gateway.exchange.reply.body import ReplyBody, WrappedBody
from gateway.exchange.stored.recording import RecordingTranslation
from gateway.shapes import Sink


class KeptBody(WrappedBody):
    """Forwards a stream, and holds back its end until the finished response is stored.

    A client may disconnect, or continue the response, as soon as it has the last event.
    """

    def __init__(
        self,
        body: ReplyBody,
        recording: RecordingTranslation,
        keep: Callable[[], Coroutine[None, None, object]],
    ) -> None:
        super().__init__(body)
        self._recording = recording
        self._keep = keep
        self._keeping: asyncio.Task[None] | None = None
        self._is_kept = False
        self._held: list[bytes] = []

    @property
    def is_complete(self) -> bool:
        """Whether the last event has been sent; see `ReplyBody`."""
        return (self._keeping is None or self._is_kept) and self._body.is_complete

    async def pipe(self, sink: Sink) -> None:
        """Send the stream; see `ReplyBody`."""

        def feed(piece: bytes) -> bool:
            if self._keeping is None and self._recording.response is not None:
                self._keeping = asyncio.create_task(keep())
            if self._keeping is None or self._is_kept:
                return sink(piece)
            self._held.append(piece)
            return False

        async def keep() -> None:
            await self._keep()
            self._is_kept = True
            if sink(b"".join(self._held)):
                self._body.resume()

        await self._body.pipe(feed)
        if self._keeping is not None:
            await self._keeping

    def cut_off(self, error: GatewayError) -> bytes | None:
        """Return what ends the stream; None while its response is being stored."""
        return self._body.cut_off(error) if self._keeping is None or self._is_kept else None

    async def _release(self) -> None:
        if self._keeping is not None and not self._keeping.done():
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        await self._body.aclose()
