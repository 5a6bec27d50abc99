"""The streams of the calls of one request, side by side."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from gateway.errors import GatewayError, UpstreamError
from gateway.exchange.reply.classify import ErrorReply, classify
from gateway.exchange.sending import cancel_all
from gateway.replies import BufferedReply
from gateway.shapes import Send, UpstreamCall, UpstreamReply


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that one of several streams brought: bytes, its end (None), or its error."""

    call: int
    what: bytes | Exception | None


def _late(failure: ErrorReply) -> GatewayError:
    return UpstreamError(
        f"The upstream answered one of the calls of this request with status {failure.status}.",
        upstream_status=failure.status,
    )


class SubStreams:
    """Several upstream streams read side by side, each at most two chunks ahead of the client.

    Read with `arrivals()`, which must be closed, and then `aclose()`d. `grace` is that of
    `classify`. `late` makes the error of a call that is refused when others have been answered.
    """

    def __init__(
        self,
        send: Send,
        calls: Sequence[UpstreamCall],
        concurrency: int,
        grace: float,
        late: Callable[[ErrorReply], GatewayError] = _late,
    ) -> None:
        self._send = send
        self._calls = calls
        self._grace = grace
        self._late = late
        self._gate = asyncio.Semaphore(concurrency)
        self._queue: asyncio.Queue[Arrival] = asyncio.Queue(maxsize=2 * concurrency)
        self._abandoned: set[int] = set()
        self._closed = False
        self._errors: dict[int, Exception] = {}
        # No future and no task holds an error: it would be a cycle once the error is raised.
        self._opened: list[asyncio.Future[ErrorReply | None]] = [
            asyncio.get_running_loop().create_future() for _ in calls
        ]
        self._tasks = [asyncio.create_task(self._pump(i)) for i in range(len(calls))]
        self._concurrency = concurrency
        self.replies: list[UpstreamReply | None] = [None] * len(calls)

    async def opened(self) -> ErrorReply | None:
        """Wait until every call that may run now has answered; return the first failure.

        Raises what `send` raised.
        """
        for position, future in enumerate(self._opened[: self._concurrency]):
            failure = await asyncio.shield(future)
            if position in self._errors:
                raise self._errors.pop(position)
            if failure is not None:
                return failure
        return None

    def abandon(self, call: int, after: float = 0) -> None:
        """Stop reading one stream; the rest goes on. Its end still arrives.

        If nothing else comes, that end is waited for `after` seconds: its connection can then be
        used again.
        """
        if call not in self._abandoned:
            self._abandoned.add(call)
            asyncio.get_running_loop().call_later(after, self._tasks[call].cancel)

    async def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Yield what arrives, until every stream has ended or one has failed."""
        running = len(self._calls)
        while running:
            arrival = await self._queue.get()
            if not isinstance(arrival.what, bytes):
                running -= 1
            yield arrival

    async def settle(self) -> None:
        """Wait until the streams are read to their ends or closed; all were abandoned before."""
        self._empty_queue()
        await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Stop everything, and forget what nobody took."""
        self._closed = True
        await cancel_all(self._tasks)
        self._tasks.clear()
        for future in self._opened:
            future.cancel()
        self._errors.clear()
        self._empty_queue()

    def _empty_queue(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    async def _pump(self, position: int) -> None:
        end: Exception | None = None
        try:
            async with self._gate:
                await self._read(position)
        except asyncio.CancelledError:
            if self._closed or position not in self._abandoned:
                raise
        except GatewayError as error:
            end = error.bare()
        except Exception as error:  # noqa: BLE001 - the reader raises it in its own task
            end = error
        opened = self._opened[position]
        if end is not None and not opened.done():
            self._errors[position] = end
            opened.set_result(None)
        await self._queue.put(Arrival(position, end))

    async def _read(self, position: int) -> None:
        reply = await self._send(self._calls[position])
        checked = await classify(reply, "events", self._grace, call=position)
        if isinstance(checked, ErrorReply):
            self._opened[position].set_result(checked)
            raise self._late(checked)
        self.replies[position] = checked
        self._opened[position].set_result(None)
        if isinstance(checked, BufferedReply):
            await self._queue.put(Arrival(position, checked.body))
        else:
            await self._relay(position, checked)

    async def _relay(self, position: int, reply: UpstreamReply) -> None:
        try:
            async for chunk in reply.chunks():
                if position in self._abandoned:
                    break
                await self._queue.put(Arrival(position, chunk))
        finally:
            await reply.aclose()
