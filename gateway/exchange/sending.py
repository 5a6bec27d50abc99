"""Sends the calls of one attempt, reads replies up to a limit, tells answers from refusals."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.message import ClientReply
from gateway.exchange.reply.peek import look
from gateway.exchange.reply.wrapped_errors import (
    SMALL_REPLY_BYTES,
    json_error,
    only_looks_like_success,
)
from gateway.replies import BufferedReply
from gateway.shapes import RawHeaders, Send, UpstreamCall, UpstreamReply
from gateway.translate.stream.sse import begins_events

MAX_ERROR_BYTES = 64 * 1024
"""What is read of an error."""

MAX_WHOLE_BYTES = 256 * 1024 * 1024
"""What the whole replies to one request may have, all calls together."""

REST_SECONDS = 0.1
"""How long a body may take to end after its last event, for its connection to be used again."""


@dataclass(slots=True)
class Failure:
    """A reply that is an error, read: it may be a refusal. Never changed.

    `partial`: the body is not all of it, because it broke off or is too long. It is not to be
    passed on then, and neither are the headers that describe it. `told`: what the client gets of
    an error that came as the first event of a stream, unless it is a refusal that leads on.
    `body` is that error alone, as JSON.
    """

    call: int
    status: int
    headers: RawHeaders
    body: bytes = field(repr=False)
    partial: bool = False
    told: ClientReply | GatewayError | None = field(default=None, repr=False)


def header(headers: RawHeaders, name: bytes) -> bytes:
    """Return the first value of a header field, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def is_event_stream(headers: RawHeaders) -> bool:
    """Whether the body is Server-Sent Events."""
    return header(headers, b"content-type").lower().startswith(b"text/event-stream")


class Allowance:
    """How many bytes the whole replies to one request may still have; None: `MAX_WHOLE_BYTES`."""

    __slots__ = ("_left", "_limit")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = self._left = MAX_WHOLE_BYTES if limit is None else limit

    def take(self, size: int) -> None:
        """Use some of it; raises `UpstreamError` where there is not as much."""
        self._left -= size
        if self._left < 0:
            raise UpstreamError(f"The upstream's reply is larger than {self._limit} bytes.")


async def read_whole(reply: UpstreamReply, limit: int | Allowance | None = None) -> bytes:
    """Read a body to its end; raises `UpstreamError` when it passes `limit` bytes."""
    allowance = limit if isinstance(limit, Allowance) else Allowance(limit)
    body = reply.arrived()
    if body is not None:
        allowance.take(len(body))
        return body
    parts: list[bytes] = []
    try:
        async for chunk in reply.chunks():
            allowance.take(len(chunk))
            parts.append(chunk)
    finally:
        await reply.aclose()
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_failure(call: int, reply: UpstreamReply) -> Failure:
    """Read an error, or as much of it as there may be; raises `UpstreamTimeout`."""
    body = b""
    partial = False
    try:
        async for chunk in reply.chunks():
            body += chunk
            if len(body) > MAX_ERROR_BYTES:
                body, partial = body[:MAX_ERROR_BYTES], True
                break
    except TruncatedStream:
        body, partial = b"", True
    finally:
        await reply.aclose()
    return Failure(call, reply.status, reply.headers, body, partial)


def told_at_once(call: int, reply: UpstreamReply) -> Failure | BufferedReply | None:
    """Do what `failure_of` does, without waiting, for a success whose whole body is here.

    None: there is something to wait for, or it is an error.
    """
    if not 200 <= reply.status < 300 or (body := reply.arrived()) is None:
        return None
    return _told(call, reply, body)


async def failure_of(call: int, reply: UpstreamReply, grace: float) -> Failure | UpstreamReply:
    """Tell an error reply from an answer; event streams are not looked into.

    Errors come back read (`Failure`), unless they are too large to be refusals: those come back as
    they are. A small JSON answer comes back read too (`BufferedReply`), or as a `Failure` if it
    only looks like success: some servers wrap a refusal in status 200. Where its length is not
    known, its beginning is waited for up to `grace` seconds. Raises what reading raises.
    """
    if 200 <= reply.status < 300:
        return await _check_success(call, reply, grace)
    length = header(reply.headers, b"content-length")
    if length.isdigit() and int(length) > MAX_ERROR_BYTES:
        return reply
    return await read_failure(call, reply)


def is_short(headers: RawHeaders) -> bool:
    """Whether a body says that it has no more than `MAX_ERROR_BYTES`."""
    length = header(headers, b"content-length")
    return length.isdigit() and int(length) <= MAX_ERROR_BYTES


async def _check_success(call: int, reply: UpstreamReply, grace: float) -> Failure | UpstreamReply:
    length = header(reply.headers, b"content-length")
    if length.isdigit():
        if int(length) > SMALL_REPLY_BYTES or not _may_be_json(reply.headers):
            return reply
        return _told(call, reply, await read_whole(reply, SMALL_REPLY_BYTES))
    if not _may_be_json(reply.headers):
        return reply
    await look(reply, json_error, grace)
    if len(reply.peek()) > SMALL_REPLY_BYTES or (body := reply.arrived()) is None:
        return reply
    return _told(call, reply, body)


def _told(call: int, reply: UpstreamReply, body: bytes) -> Failure | BufferedReply:
    """Tell a whole body that only looks like success from an answer."""
    headers = reply.headers
    if len(body) <= SMALL_REPLY_BYTES and only_looks_like_success(body):
        may_be_json = _may_be_json(headers) or is_event_stream(headers)
        if may_be_json and not begins_events(body):
            return Failure(call, reply.status, headers, body)
    return BufferedReply(reply.status, headers, body)


def _may_be_json(headers: RawHeaders) -> bool:
    """Whether a body can be JSON by its type: some servers leave it out, or say `text/plain`."""
    kind = header(headers, b"content-type").lower()
    if not kind or kind.startswith((b"application/json", b"text/plain")):
        return True
    return kind.partition(b";")[0].rstrip().endswith(b"+json")


async def send_whole(
    send: Send, calls: Sequence[UpstreamCall], concurrency: int
) -> list[BufferedReply] | Failure:
    """Send all calls and read all replies; the first failure in call order stops the rest.

    Raises what `send` raises, for the first call that meets it.
    """
    if len(calls) == 1:
        only = await read_answer(0, await send(calls[0]))
        return only if isinstance(only, Failure) else [only]
    gate = asyncio.Semaphore(concurrency)
    allowance = Allowance()

    async def in_turn(position: int, call: UpstreamCall) -> BufferedReply | Failure:
        async with gate:
            return await read_answer(position, await send(call), allowance)

    tasks = [asyncio.create_task(in_turn(i, call)) for i, call in enumerate(calls)]
    try:
        answers: list[BufferedReply] = []
        for position in range(len(calls)):
            result = await tasks[position]
            if isinstance(result, Failure):
                return result
            answers.append(result)
        return answers
    finally:
        await cancel_all(tasks)
        # An error that is raised keeps this frame alive, and a task that failed its error.
        tasks.clear()


async def read_answer(
    call: int, reply: UpstreamReply, allowance: Allowance | None = None
) -> BufferedReply | Failure:
    """Read a reply to its end, and tell an answer from an error; raises what reading raises."""
    if not 200 <= reply.status < 300:
        return await read_failure(call, reply)
    return _told(call, reply, await read_whole(reply, allowance))


async def cancel_all(tasks: Sequence[asyncio.Task[object]]) -> None:
    """Cancel what still runs and wait for it; errors of cancelled tasks are ignored."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
