"""Sends the calls of one attempt: one, or many side by side, and tells answers from refusals."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import RawHeaders, Send, UpstreamCall, UpstreamReply

MAX_ERROR_BYTES = 64 * 1024
MAX_WHOLE_BYTES = 256 * 1024 * 1024
SMALL_REPLY_BYTES = 2048


@dataclass(slots=True)
class Failure:
    """A reply that is an error, wholly read: it may be a refusal. Never changed."""

    call: int
    status: int
    headers: RawHeaders
    body: bytes = field(repr=False)


@dataclass(slots=True)
class Whole:
    """A successful reply, wholly read. Never changed."""

    status: int
    headers: RawHeaders
    body: bytes = field(repr=False)


def header(headers: RawHeaders, name: bytes) -> bytes:
    """Return the first value of a header field, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def is_event_stream(headers: RawHeaders) -> bool:
    """Whether the body is Server-Sent Events."""
    return header(headers, b"content-type").lower().startswith(b"text/event-stream")


def arrived(reply: UpstreamReply) -> bytes | None:
    """Return the whole body if it is here already, which most are, and the reply can tell."""
    whole = getattr(reply, "arrived", None)
    body: bytes | None = whole() if whole is not None else None
    return body


async def read_whole(reply: UpstreamReply, limit: int = MAX_WHOLE_BYTES) -> bytes:
    """Read a body to its end; raises `UpstreamError` when it passes `limit` bytes."""
    body = arrived(reply)
    if body is not None and len(body) <= limit:
        return body
    if body is not None:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async for chunk in reply.chunks():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            parts.append(chunk)
    finally:
        await reply.aclose()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> UpstreamError:
    return UpstreamError(f"The upstream's reply is larger than {limit} bytes.")


def told_at_once(call: int, reply: UpstreamReply) -> Failure | Whole | None:
    """Do what `failure_of` does, without waiting, for a success whose whole body is here.

    None: there is something to wait for, or it is an error.
    """
    if not 200 <= reply.status < 300 or (body := arrived(reply)) is None:
        return None
    headers = reply.headers
    if (
        len(body) <= SMALL_REPLY_BYTES
        and _only_looks_like_success(body)
        and header(headers, b"content-length").isdigit()
        and header(headers, b"content-type").startswith(b"application/json")
    ):
        return Failure(call, reply.status, headers, body)
    return Whole(reply.status, headers, body)


async def failure_of(call: int, reply: UpstreamReply) -> Failure | UpstreamReply | Whole:
    """Tell an error reply from an answer.

    Errors come back read (`Failure`), unless they are too large to be refusals: those come back as
    they are. A small JSON answer comes back read too (`Whole`), or as a `Failure` if it only looks
    like success: some servers wrap a refusal in status 200.
    """
    if 200 <= reply.status < 300:
        return await _check_success(call, reply)
    length = header(reply.headers, b"content-length")
    if length.isdigit() and int(length) > MAX_ERROR_BYTES:
        return reply
    try:
        body = await read_whole(reply, MAX_ERROR_BYTES)
    except TruncatedStream:
        body = b""
    return Failure(call, reply.status, reply.headers, body)


async def _check_success(call: int, reply: UpstreamReply) -> Failure | UpstreamReply | Whole:
    length = header(reply.headers, b"content-length")
    if not length.isdigit() or int(length) > SMALL_REPLY_BYTES:
        return reply
    if not header(reply.headers, b"content-type").startswith(b"application/json"):
        return reply
    body = await read_whole(reply, SMALL_REPLY_BYTES)
    if _only_looks_like_success(body):
        return Failure(call, reply.status, reply.headers, body)
    return Whole(reply.status, reply.headers, body)


def _only_looks_like_success(body: bytes) -> bool:
    return b'"error"' in body and b'"choices"' not in body and b'"output"' not in body


async def send_whole(
    send: Send, calls: Sequence[UpstreamCall], concurrency: int
) -> list[Whole] | Failure:
    """Send all calls and read all replies; the first failure in call order stops the rest.

    Raises what `send` raises, for the first call that meets it.
    """
    if len(calls) == 1:
        only = await read_answer(0, await send(calls[0]))
        return only if isinstance(only, Failure) else [only]
    gate = asyncio.Semaphore(concurrency)

    async def in_turn(position: int, call: UpstreamCall) -> Whole | Failure:
        async with gate:
            return await read_answer(position, await send(call))

    tasks = [asyncio.create_task(in_turn(i, call)) for i, call in enumerate(calls)]
    try:
        answers: list[Whole] = []
        for task in tasks:
            result = await task
            if isinstance(result, Failure):
                return result
            answers.append(result)
        return answers
    finally:
        await _cancel(tasks)


async def read_answer(call: int, reply: UpstreamReply) -> Whole | Failure:
    """Read a reply to its end, and tell an answer from an error; raises what reading raises."""
    checked = told_at_once(call, reply) or await failure_of(call, reply)
    if isinstance(checked, Whole | Failure):
        return checked
    body = await read_whole(checked)
    if not 200 <= checked.status < 300:
        return Failure(call, checked.status, checked.headers, body)
    return Whole(checked.status, checked.headers, body)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that one of several streams brought: bytes, its end (None), or its error."""

    call: int
    what: bytes | Exception | None


class SubStreams:
    """Several upstream streams read side by side, each at most two chunks ahead of the client.

    Built by `open_streams`; read with `arrivals()`, which must be closed.
    """

    def __init__(self, send: Send, calls: Sequence[UpstreamCall], concurrency: int) -> None:
        self._send = send
        self._calls = calls
        self._gate = asyncio.Semaphore(concurrency)
        self._queue: asyncio.Queue[Arrival] = asyncio.Queue(maxsize=2 * concurrency)
        self._abandoned: set[int] = set()
        self._opened = [asyncio.get_running_loop().create_future() for _ in calls]
        self._tasks = [asyncio.create_task(self._pump(i)) for i in range(len(calls))]
        self._concurrency = concurrency
        self.replies: list[UpstreamReply | Whole | None] = [None] * len(calls)

    async def opened(self) -> Failure | None:
        """Wait until every call that may run now has answered; return the first failure.

        Raises what `send` raised.
        """
        for future in self._opened[: self._concurrency]:
            failure: Failure | None = await asyncio.shield(future)
            if failure is not None:
                return failure
        return None

    def abandon(self, call: int) -> None:
        """Stop reading one stream; the rest goes on. Its end still arrives."""
        self._abandoned.add(call)

    async def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Yield what arrives, until every stream has ended or one has failed."""
        running = len(self._calls)
        while running:
            arrival = await self._queue.get()
            if not isinstance(arrival.what, bytes):
                running -= 1
            yield arrival

    async def aclose(self) -> None:
        """Stop everything."""
        await _cancel(self._tasks)
        for future in self._opened:
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()

    async def _pump(self, position: int) -> None:
        async with self._gate:
            try:
                await self._read(position)
            except Exception as error:  # noqa: BLE001 - the reader raises it in its own task
                if not self._opened[position].done():
                    self._opened[position].set_exception(error)
                await self._queue.put(Arrival(position, error))

    async def _read(self, position: int) -> None:
        reply = await self._send(self._calls[position])
        checked = await failure_of(position, reply)
        if isinstance(checked, Failure):
            self._opened[position].set_result(checked)
            await self._queue.put(Arrival(position, _late(checked)))
            return
        if not isinstance(checked, Whole) and not 200 <= checked.status < 300:
            await checked.aclose()
            raise UpstreamError(
                f"The upstream answered with status {checked.status}.",
                upstream_status=checked.status,
            )
        self.replies[position] = checked
        self._opened[position].set_result(None)
        if isinstance(checked, Whole):
            await self._queue.put(Arrival(position, checked.body))
        else:
            await self._relay(position, checked)
        await self._queue.put(Arrival(position, None))

    async def _relay(self, position: int, reply: UpstreamReply) -> None:
        try:
            async for chunk in reply.chunks():
                await self._queue.put(Arrival(position, chunk))
                if position in self._abandoned:
                    break
        finally:
            await reply.aclose()


def _late(failure: Failure) -> UpstreamError:
    return UpstreamError(
        f"The upstream answered one of the calls of this request with status {failure.status}.",
        upstream_status=failure.status,
    )


async def _cancel(tasks: Sequence[asyncio.Task[object]]) -> None:
    """Cancel what still runs and wait for it; late errors of cancelled work concern nobody."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
