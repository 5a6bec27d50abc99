"""The upstream streams of one request, side by side: sent for, classified, and piped."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from gateway.errors import GatewayError
from gateway.exchange.reply.classify import ErrorReply, answer_or_error
from gateway.exchange.reply.reading import reply_nested_too_deeply
from gateway.shapes import RawHeaders, Send, UpstreamCall, UpstreamReply


class Receiver(Protocol):
    """Receives the bodies of several streams; `call` is the index of a stream's call."""

    def begin(self, call: int, headers: RawHeaders) -> None:
        """Note that a call was answered."""

    def feed(self, call: int, data: bytes) -> bool:
        """Take bytes of a call's body; return False to get no more until `Streams.resume()`."""

    def finish(self, call: int) -> None:
        """Take the end of a call's body."""

    def fail(self, call: int, error: Exception) -> None:
        """Note that a call, or its body, has failed."""


class Streams:
    """Upstream streams side by side, each piped into a receiver by a task of its own.

    Callers `start()` it, wait until it is `opened()` and then until it is `settled()`; they
    `aclose()` it in any case. `grace` is as for `answer_or_error`. `late` returns, or raises, the
    error for a call that is refused after others have been answered.
    """

    def __init__(
        self,
        send: Send,
        calls: Sequence[UpstreamCall],
        concurrency: int,
        grace: float,
        late: Callable[[ErrorReply], GatewayError],
    ) -> None:
        self._send = send
        self._calls = calls
        self._concurrency = concurrency
        self._grace = grace
        self._late = late
        self._turns = asyncio.Semaphore(concurrency)
        self._loop = asyncio.get_running_loop()
        # No future and no task holds an error: it would be a cycle once the error is raised.
        self._opened: list[asyncio.Future[ErrorReply | None]] = [
            self._loop.create_future() for _ in calls
        ]
        self._errors: dict[int, Exception] = {}
        self._is_opening = True
        self._is_stopped = False
        self._tasks: list[asyncio.Task[None]] = []
        self._rests: dict[int, asyncio.TimerHandle] = {}
        """The timers that close streams which are only read on so that their connections can be
        used again, by call."""
        self._running = len(calls)
        self._settled: asyncio.Future[None] | None = None
        self.replies: list[UpstreamReply | None] = [None] * len(calls)

    def start(self, receiver: Receiver) -> None:
        """Send the calls, at most `concurrency` at a time."""
        for call in range(len(self._calls)):
            task = asyncio.create_task(self._run(call, receiver))
            task.add_done_callback(self._one_ended)
            self._tasks.append(task)

    async def opened(self) -> ErrorReply | None:
        """Wait until every call that may run now has been answered; return the first error.

        Raises what `send` raised.
        """
        for call, future in enumerate(self._opened[: self._concurrency]):
            failure = await future
            if call in self._errors:
                raise self._errors.pop(call)
            if failure is not None:
                return failure
        self._is_opening = False
        if self._is_stopped:
            self.stop()
        return None

    async def settled(self) -> None:
        """Wait until every stream has ended, failed, or been given up."""
        if self._running:
            self._settled = self._loop.create_future()
            await self._settled

    def resume(self) -> None:
        """Read on from all streams."""
        for reply in self.replies:
            if reply is not None:
                reply.resume_reading()

    def abandon(self, call: int, after: float) -> None:
        """Take nothing more of a stream, and close it unless it ends within `after` seconds.

        If nothing but its end comes, its connection can be used again.
        """
        if not after:
            self._tasks[call].cancel()
            return
        reply = self.replies[call]
        if reply is None or not reply.ended:
            self._rests[call] = self._loop.call_later(after, self._tasks[call].cancel)

    def stop(self) -> None:
        """Close all streams, but not before `opened()` has got the answers that it waits for."""
        self._is_stopped = True
        if not self._is_opening:
            for task in self._tasks:
                task.cancel()

    async def aclose(self) -> None:
        """Close all streams at once."""
        running = [task for task in self._tasks if not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        self._tasks.clear()
        self._errors.clear()
        for future in self._opened:
            future.cancel()

    def _one_ended(self, _: "asyncio.Task[None]") -> None:
        self._running -= 1
        if not self._running:
            for rest in self._rests.values():
                rest.cancel()
            self._rests.clear()
            if self._settled is not None and not self._settled.done():
                self._settled.set_result(None)

    async def _run(self, call: int, receiver: Receiver) -> None:
        try:
            async with self._turns:
                await self._read(call, receiver)
        except Exception as error:  # noqa: BLE001 - the receiver raises it in its own task
            known = _known(error)
            if not self._opened[call].done():
                self._errors[call] = known
            self._has_opened(call)
            receiver.fail(call, known)

    async def _read(self, call: int, receiver: Receiver) -> None:
        reply = await self._send(self._calls[call])
        answer = await answer_or_error(reply, "events", self._grace, call=call)
        if isinstance(answer, ErrorReply):
            self._has_opened(call, answer)
            raise self._late(answer)
        self.replies[call] = answer
        try:
            receiver.begin(call, answer.headers)
            self._has_opened(call)
            await answer.pipe(partial(receiver.feed, call))
        finally:
            await answer.aclose()
        receiver.finish(call)

    def _has_opened(self, call: int, failure: ErrorReply | None = None) -> None:
        """Tell `opened()` how a call was answered, if it still waits for that."""
        opened = self._opened[call]
        if not opened.done():
            opened.set_result(failure)


def _known(error: Exception) -> Exception:
    """Return an error that can be kept, without a traceback, and reported to the client."""
    if isinstance(error, RecursionError):
        return reply_nested_too_deeply()
    return error.bare() if isinstance(error, GatewayError) else error
