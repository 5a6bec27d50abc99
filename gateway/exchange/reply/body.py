"""Streamed bodies of replies to clients: pushed into a sink as they arrive."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator

from gateway.errors import GatewayError
from gateway.exchange.usage import Tokens
from gateway.shapes import Sink


class ReplyBody(ABC):
    """A streamed body. Its sender must `aclose()` it, sent or not.

    It is sent once: with `pipe()`, or by iterating over it where nothing can be pushed (ASGI).
    """

    def __init__(self) -> None:
        self._iterated: AsyncGenerator[bytes, None] | None = None

    @property
    @abstractmethod
    def failure(self) -> GatewayError | None:
        """The error that the client was sent inside the stream, `bare()`; None: none so far."""

    @property
    def tokens(self) -> Tokens | None:
        """The tokens that the upstream counted, once the body has been sent; None: not known."""
        return None

    @property
    def is_complete(self) -> bool:
        """Whether the sink has been given all that the client waits for.

        `pipe()` may still read on then, so that the upstream's connection can be used again.
        """
        return False

    @abstractmethod
    async def pipe(self, sink: Sink) -> None:
        """Give all of it to the sink, which gets nothing between returning False and `resume()`.

        Raises what reading raises, and what the sink raises: the body ends with that.
        """

    @abstractmethod
    def resume(self) -> None:
        """Go on after the sink has returned False."""

    def cut_off(self, error: GatewayError) -> bytes | None:  # noqa: ARG002
        """Return what ends the body with an error after `pipe()` was cancelled.

        None: nothing can be added to it.
        """
        return None

    @abstractmethod
    async def _release(self) -> None:
        """Free what is behind the body, sent or not; possibly more than once."""

    async def aclose(self) -> None:
        """Give up what is unsent."""
        try:
            if self._iterated is not None:
                await self._iterated.aclose()
        finally:
            await self._release()

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._iterated = self._pieces()
        return self._iterated

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        pieces: list[bytes] = []
        news = asyncio.Event()

        def sink(piece: bytes) -> bool:
            pieces.append(piece)
            news.set()
            return False

        piping = asyncio.ensure_future(self.pipe(sink))
        piping.add_done_callback(lambda _: news.set())
        try:
            while pieces or not piping.done():
                if not pieces:
                    news.clear()
                    self.resume()
                    await news.wait()
                else:
                    yield pieces.pop(0)
            await piping
        finally:
            piping.cancel()
            await asyncio.wait({piping})
            # An error that is raised keeps this frame alive, and the task its error.
            del piping


class WrappedBody(ReplyBody):
    """A body around another one, whose pieces `pipe()` changes or looks at as they pass."""

    def __init__(self, body: ReplyBody) -> None:
        super().__init__()
        self._body = body

    @property
    def failure(self) -> GatewayError | None:
        """The failure of the body within."""
        return self._body.failure

    @property
    def tokens(self) -> Tokens | None:
        """The tokens of the body within."""
        return self._body.tokens

    @property
    def is_complete(self) -> bool:
        """Whether the body within is complete."""
        return self._body.is_complete

    def resume(self) -> None:
        """Go on after the sink has returned False."""
        self._body.resume()

    def cut_off(self, error: GatewayError) -> bytes | None:
        """Return what ends the body within."""
        return self._body.cut_off(error)

    async def _release(self) -> None:
        await self._body.aclose()
