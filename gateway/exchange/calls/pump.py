"""Pushes translated streams: upstreams' bytes through the feeder into the client's sink.

What arrives together is translated together and sent as one piece, from within the upstream's read.
An error before the reply has begun is raised, so that the client gets an HTTP error; a later one
becomes an event in the stream. A stream that was cut off never gets the terminator. The client's
stream ends with the upstream's last event, whether or not the upstream's connection stays open.
"""

import asyncio

from gateway.errors import GatewayError
from gateway.exchange.bodies.apart import Held
from gateway.exchange.calls.feeding import Feeder
from gateway.exchange.calls.streams import Streams
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.keep_alive import KeepAlive
from gateway.exchange.reply.reading import REST_SECONDS, is_event_stream
from gateway.exchange.usage import Tokens
from gateway.shapes import RawHeaders, Sink


class Pump(ReplyBody):
    """The client's stream, made of the streams of one request's calls.

    Translation begins at once. What arrives before there is a sink, or while the client is slow, is
    held: at most one read of each stream. `interval` is the time between keep-alive comments, in
    seconds; `held` has the items of a large request.
    """

    def __init__(
        self, feeder: Feeder, streams: Streams, interval: float, held: Held | None = None
    ) -> None:
        super().__init__()
        self._feeder = feeder
        self._over = feeder.over
        self._streams = streams
        self._interval = interval
        self._keep_alive: KeepAlive | None = None
        self._sink: Sink | None = None
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._is_ready = True
        """Whether more may be read: False while the client is slow, or not there yet."""
        self._has_begun = False
        self._is_over = False
        self._error: Exception | None = None
        """The error to raise, because the stream cannot report it."""
        self._news: asyncio.Future[None] | None = None
        self._held_last = held
        """The request's items, released after the feeder: attributes are freed in their order."""
        streams.start(self)

    @property
    def failure(self) -> GatewayError | None:
        """The error that the client was sent as an event, by the gateway or by the upstream."""
        return self._feeder.failure

    @property
    def tokens(self) -> Tokens | None:
        """The tokens that the upstream counted, in all calls."""
        return self._feeder.tokens

    @property
    def is_complete(self) -> bool:
        """Whether the client's stream is at its end; see `ReplyBody`."""
        return self._is_over and not self._held and self._error is None

    async def begun(self, grace: float) -> None:
        """Wait until it is known how the stream begins, for at most `grace` seconds.

        Raises an error that comes before there is anything to send. Once this has returned, errors
        are events in the stream.
        """
        if not (self._held or self._is_over):
            late = self._loop.call_later(grace, self._wake)
            try:
                await self._next_news()
            finally:
                late.cancel()
        self._raise_error()
        self._has_begun = True
        if not (self._held or self._is_over):
            self._put(self._feeder.keep_alive())

    async def pipe(self, sink: Sink) -> None:
        """Send the stream; see `ReplyBody`."""
        self._sink = sink
        self._keep_alive = keep_alive = KeepAlive(self._interval, self._comment)
        try:
            self.resume()
            await self._streams.settled()
            while self._held:
                await self._next_news()
        finally:
            keep_alive.stop()
            self._sink = self._keep_alive = None
        self._raise_error()

    def resume(self) -> None:
        """Go on, now that the client has read; see `ReplyBody`."""
        self._is_ready = True
        if self._held:
            held = b"".join(self._held)
            self._held.clear()
            self._put(held)
        if self._is_ready:
            self._streams.resume()
        self._wake()

    def cut_off(self, error: GatewayError) -> bytes:
        """Return the held bytes and the error as an event; see `ReplyBody`."""
        out = b"".join(self._held)
        self._held.clear()
        if not self._is_over:
            self._feeder.break_off(error)
            self._is_over = True
            self._feeder.take_error()
            out += self._feeder.fail(error)
        return out

    async def _release(self) -> None:
        await self._streams.aclose()
        self._error = None

    # --- called by the streams ----------------------------------------------------------------

    def begin(self, call: int, headers: RawHeaders) -> None:
        """Note that a call was answered."""
        self._feeder.label(call, events=is_event_stream(headers))

    def feed(self, call: int, data: bytes) -> bool:
        """Translate a call's next bytes; return False until the client can take more."""
        over = self._over
        if over[call]:
            self._streams.abandon(call, 0)
            return False
        out = self._feeder.feed(call, data)
        if over[call]:
            return self._ended(call, out)
        return self._put(out) if out else self._is_ready

    def finish(self, call: int) -> None:
        """Take the end of a call's body."""
        if not self._over[call]:
            self._conclude(self._feeder.finish(call))

    def fail(self, call: int, error: Exception) -> None:
        """Note that a stream has failed; if more of it was needed, the client's has failed too."""
        if not self._over[call]:
            self._feeder.break_off(error)
            self._conclude(b"")

    # --- to the client ------------------------------------------------------------------------

    def _ended(self, call: int, out: bytes) -> bool:
        """Note that nothing more of a call is needed; return whether to read on to its end."""
        cut_short = self._feeder.broken or self._feeder.cut_short(call)
        self._conclude(out)
        self._streams.abandon(call, 0 if cut_short else REST_SECONDS)
        return not cut_short

    def _conclude(self, out: bytes) -> None:
        """Send a call's last bytes and, once all calls are over, end the client's stream."""
        feeder = self._feeder
        if feeder.done:
            self._is_over = True
            error = feeder.take_error()
            if error is None:
                out += feeder.terminator()
            else:
                self._streams.stop()
                if isinstance(error, GatewayError) and (out or self._held or self._has_begun):
                    out += feeder.fail(error)
                else:
                    self._error = error
            self._wake()
        if out:
            self._put(out)

    def _put(self, out: bytes) -> bool:
        sink, keep_alive = self._sink, self._keep_alive
        if sink is None or keep_alive is None or not self._is_ready:
            self._held.append(out)
            self._is_ready = False
            self._wake()
            return False
        keep_alive.quiet_since = self._loop.time()
        self._is_ready = ready = sink(out)
        return ready

    def _comment(self) -> None:
        """Show the client that the stream is alive, unless it has unread data."""
        if self._is_ready and not self._is_over:
            self._put(self._feeder.keep_alive())

    def _next_news(self) -> asyncio.Future[None]:
        self._news = news = self._loop.create_future()
        return news

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _raise_error(self) -> None:
        """Raise the error and forget it: its traceback keeps this object alive."""
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None
