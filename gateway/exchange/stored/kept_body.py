"""A stream whose response is kept before its client has the last event of it."""

import asyncio
from collections.abc import Callable, Coroutine

from gateway.errors import GatewayError
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.stored.recording import Watched
from gateway.shapes import Sink


class KeptBody(ReplyBody):
    """Passes a stream on, and holds its end back until the finished response is kept.

    A client that has the last event may at once leave, or continue from the response.
    """

    def __init__(
        self, body: ReplyBody, watched: Watched, keep: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        super().__init__()
        self._body = body
        self._watched = watched
        self._keep = keep
        self._keeping: asyncio.Task[None] | None = None
        self._is_kept = False
        self._held: list[bytes] = []

    @property
    def failure(self) -> GatewayError | None:
        """The error that the stream has told of."""
        return self._body.failure

    async def pipe(self, sink: Sink) -> None:
        """Send the stream; see `ReplyBody`."""

        def feed(piece: bytes) -> bool:
            if self._keeping is None and self._watched.response is not None:
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

    def resume(self) -> None:
        """Go on: the client has read."""
        self._body.resume()

    async def _release(self) -> None:
        if self._keeping is not None and not self._keeping.done():
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        await self._body.aclose()
