"""The events of a fine-tuning job, as a stream that follows the job to its end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from gateway.errors import GatewayError, UpstreamError
from gateway.exchange.legacy.fine_tuning_calls import FineTuningCalls
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.keep_alive import KeepAlive
from gateway.shapes import Json, Shape, Sink
from gateway.translate.legacy.fine_tune_events import (
    MAX_FOLLOWED,
    EventFollower,
    is_over,
    poll_delays,
)
from gateway.translate.stream.sse import KEEPALIVE, encode_events, terminator

MAX_FAILED_POLLS: Final = 5

Sleep = Callable[[float], Awaitable[object]]

_PASSING: Final = frozenset({408, 429})
"""The 4xx statuses that are worth another poll."""


class JobEvents(ReplyBody):
    """Polls a job and sends its new events; `[DONE]` follows only the last event of an ended job.

    `job` and `events` are the result of the first poll. `sleep` waits the given seconds between
    polls; `interval` is that of keep-alive comments, in seconds.
    """

    def __init__(
        self,
        calls: FineTuningCalls,
        follower: EventFollower,
        job: Json,
        events: list[Json],
        *,
        sleep: Sleep,
        interval: float,
    ) -> None:
        super().__init__()
        self._calls = calls
        self._follower = follower
        self._job = job
        self._events = events
        self._sleep = sleep
        self._interval = interval
        self._ready = asyncio.Event()
        self._ready.set()
        self._failure: GatewayError | None = None

    @property
    def failure(self) -> GatewayError | None:
        """The error that the client was sent."""
        return self._failure

    async def pipe(self, sink: Sink) -> None:
        """Send the events; see `ReplyBody`."""

        def comment() -> None:
            if self._ready.is_set() and not sink(KEEPALIVE):
                self._ready.clear()

        keep_alive = KeepAlive(self._interval, comment)
        try:
            async for piece in self._followed():
                await self._ready.wait()
                keep_alive.note()
                if not sink(piece):
                    self._ready.clear()
        finally:
            keep_alive.stop()

    def resume(self) -> None:
        """Continue, since the client has read."""
        self._ready.set()

    def cut_off(self, error: GatewayError) -> bytes:
        """Return the error as an event."""
        self._failure = error.bare()
        return encode_events(Shape.CHAT, [dict(error.envelope())])

    async def _release(self) -> None:
        """Nothing is held between polls."""

    async def _followed(self) -> AsyncGenerator[bytes, None]:
        job, events, failed = self._job, self._events, 0
        for delay in poll_delays():
            if events:
                yield encode_events(Shape.CHAT, events)
            if is_over(job):
                closing = self._follower.closing(job)
                yield encode_events(Shape.CHAT, closing) + terminator(Shape.CHAT)
                return
            await self._sleep(delay)
            try:
                job, events = await self._calls.poll(self._follower)
                failed = 0
            except GatewayError as error:
                events = []
                failed += 1
                if failed == MAX_FAILED_POLLS or _lasts(error):
                    self._failure = error.bare()
                    yield encode_events(Shape.CHAT, [dict(error.envelope())])
                    return
        late = UpstreamError(
            f"The fine-tune has not ended within {MAX_FOLLOWED / 3600:g} hours. Request its events "
            "again to see the rest."
        )
        yield encode_events(Shape.CHAT, [dict(late.envelope())])


def _lasts(error: GatewayError) -> bool:
    return 400 <= error.status < 500 and error.status not in _PASSING
