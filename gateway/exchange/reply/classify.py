"""Says whether an upstream's reply is an answer or an error, as soon as that is clear.

Some servers wrap errors in status 200 (`wrapped_errors.py`). So small JSON replies are looked into,
larger ones that begin with an error, and the first event of a stream that is passed on.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, overload

from gateway.envelopes.codings import coding_of, without_coding
from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.decompressed import readable, uncompressed
from gateway.exchange.reply.last_event import LastEvent
from gateway.exchange.reply.reading import (
    MAX_ERROR_BYTES,
    MAX_WHOLE_BYTES,
    Allowance,
    content_length,
    identified,
    is_event_stream,
    may_be_json,
    may_hold_json,
    read_whole,
)
from gateway.exchange.reply.wrapped_errors import (
    SMALL_REPLY_BYTES,
    FirstEvent,
    begins_as_an_answer,
    begins_json,
    begins_with_error,
    json_error,
    only_looks_like_success,
    opening_error,
)
from gateway.replies import BufferedReply
from gateway.shapes import RawHeaders, UpstreamReply
from gateway.translate.stream.event_reader import is_empty_data
from gateway.translate.stream.sse import SSEDecoder, begins_events

Use = Literal["whole", "events", "untouched"]
"""What becomes of an answer: it is read whole and translated, its events are translated as they
come, or it is passed on untouched."""


@dataclass(slots=True)
class ErrorReply:
    """An error reply that was read; it may be a refusal. Instances are never changed.

    `partial`: the body is incomplete, because it broke off or is too long; neither it nor the
    headers that describe it may be passed on then. If the error came as the first event of a
    stream, `body` is the error alone, as JSON, and `stream` is that stream, if it is untouched.
    `for_client` is what the client gets then, unless the error is a refusal that leads to another
    attempt.
    """

    call: int
    status: int
    headers: RawHeaders
    body: bytes = field(repr=False)
    partial: bool = False
    stream: UpstreamReply | None = field(default=None, repr=False)
    for_client: ClientReply | GatewayError | None = field(default=None, repr=False)
    as_came: ClientReply | None = field(default=None, repr=False)
    """The reply as it came, if it was compressed, or a stream under the status of an error. Then
    `headers` and `body` have no coding, and `body` is the error alone, as JSON."""


@overload
async def answer_or_error(
    reply: UpstreamReply,
    use: Literal["whole"],
    grace: float = 0,
    *,
    call: int = 0,
    allowance: Allowance | None = None,
) -> BufferedReply | ErrorReply: ...


@overload
async def answer_or_error(
    reply: UpstreamReply, use: Literal["events", "untouched"], grace: float, *, call: int = 0
) -> UpstreamReply | ErrorReply: ...


async def answer_or_error(
    reply: UpstreamReply,
    use: Use,
    grace: float = 0,
    *,
    call: int = 0,
    allowance: Allowance | None = None,
) -> UpstreamReply | ErrorReply:
    """Return an answer, or the error that a reply is, read.

    An answer is a `BufferedReply` if it was read. That is so for the use "whole", within the
    `allowance` and, of a stream, up to its last event; and for small JSON. The beginning of any
    other answer is looked at, for which up to `grace` seconds pass, and stays to be read. Answers
    for translation are decompressed. For the use "untouched", an error that is too large to be a
    refusal counts as an answer. Raises what reading raises.
    """
    try:
        if not 200 <= reply.status < 300:
            is_large = (content_length(reply.headers) or 0) > MAX_ERROR_BYTES
            if use == "untouched" and is_large and reply.status >= 400:
                return reply
            return await read_error(reply, call)
        if use == "whole":
            whole = await read_whole(reply, allowance, is_last=LastEvent().is_in)
            if whole.startswith(b"{"):
                return _of_whole(reply, use, call, whole)
            read = uncompressed(BufferedReply(reply.status, reply.headers, whole), MAX_WHOLE_BYTES)
            return _of_whole(read, use, call, read.body)
        if use == "events":
            reply = readable(reply)
        if use == "untouched" and (body := reply.arrived()) is not None:
            return _of_whole(reply, use, call, body)
        return await _of_beginning(reply, use, call, grace)
    except GatewayError as error:
        identified(error, reply.headers)
        raise


async def read_error(reply: UpstreamReply, call: int = 0) -> ErrorReply:
    """Read an error reply, up to `MAX_ERROR_BYTES`; raises `UpstreamTimeout`."""
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
    if coding_of(reply.headers):
        came = BufferedReply(reply.status, reply.headers, body)
        return _without_stream(uncompressed_error(came, call, partial=partial))
    return _without_stream(ErrorReply(call, reply.status, reply.headers, body, partial))


def _without_stream(failure: ErrorReply) -> ErrorReply:
    """Return a failure whose body is JSON, also if the error came as a stream's first event.

    LiteLLM sends a stream under the status of an error that comes before the stream's first piece.
    """
    if not begins_events(failure.body):
        return failure
    error = FirstEvent().error(failure.body, ended=True) or _first_object(failure.body)
    if not error:
        return failure
    came = failure.as_came or ClientReply(failure.status, failure.headers, failure.body)
    return replace(failure, body=error, as_came=came)


def _first_object(stream: bytes) -> bytes:
    """Return the first object in a whole stream: under an error's status, that is the error."""
    decoder = SSEDecoder()
    events = (*decoder.feed(stream), *decoder.finish())
    said = (event.data for event in events if not is_empty_data(event.data))
    return next((data for data in said if data.lstrip().startswith(b"{")), b"")


def uncompressed_error(came: BufferedReply, call: int = 0, *, partial: bool = False) -> ErrorReply:
    """Return a compressed error, decompressed; if that fails, the body says so instead."""
    try:
        read = uncompressed(came, MAX_ERROR_BYTES)
    except UpstreamError as error:
        read = replace(came, headers=without_coding(came.headers), body=error.message.encode())
    as_came = ClientReply(came.status, came.headers, came.body)
    return ErrorReply(call, came.status, read.headers, read.body, partial, as_came=as_came)


def _of_whole(reply: UpstreamReply, use: Use, call: int, body: bytes) -> BufferedReply | ErrorReply:
    """Classify a success whose whole body was read."""
    status, headers = reply.status, reply.headers
    if only_looks_like_success(body) and begins_json(body) and may_hold_json(headers):
        return ErrorReply(call, status, headers, body)
    answer = BufferedReply(status, headers, body)
    if use != "untouched" or body.startswith(b"{") or begins_as_an_answer(body):
        return answer
    error = FirstEvent().error(body, ended=True) if begins_events(body) else b""
    return ErrorReply(call, status, headers, error, stream=answer) if error else answer


async def _of_beginning(
    reply: UpstreamReply, use: Use, call: int, grace: float
) -> UpstreamReply | ErrorReply:
    """Classify a success whose body is still arriving, or is not to be read whole."""
    headers = reply.headers
    body = await _small_json(reply, grace) if may_be_json(headers) else None
    if body is not None:
        return _of_whole(reply, use, call, body)
    begun = reply.peek()
    if use == "events" or not (is_event_stream(headers) or begins_events(begun)):
        return reply
    if begins_as_an_answer(begun):
        return reply
    error = await look(reply, FirstEvent().error, grace)
    return ErrorReply(call, reply.status, headers, error, stream=reply) if error else reply


async def _small_json(reply: UpstreamReply, grace: float) -> bytes | None:
    """Return the body if it is small, or begins with an error; None: it is left unread."""
    length = content_length(reply.headers)
    if length is None:
        await look(reply, json_error, grace)
        begun = reply.peek()
        may_be_error = len(begun) <= SMALL_REPLY_BYTES or begins_with_error(begun)
        return reply.arrived() if may_be_error else None
    if length <= SMALL_REPLY_BYTES:
        return await read_whole(reply, SMALL_REPLY_BYTES)
    if length > MAX_ERROR_BYTES or not await look(reply, opening_error, grace):
        return None
    return await read_whole(reply, MAX_ERROR_BYTES)


class _Judge(Protocol):
    """A function that judges the beginning of a body."""

    def __call__(self, data: bytes, *, ended: bool) -> bytes | None:
        """Return what was found in `data`, which may be nothing; None: more of it is needed.

        Never None once the body has `ended`.
        """


async def look(reply: UpstreamReply, judge: _Judge, grace: float) -> bytes:
    """Return what `judge` says of a reply's beginning; empty if it cannot tell in `grace` seconds.

    What has arrived stays to be read. A reply that breaks off before any content raises what
    reading raises: its status need not be passed on. The reply is closed then, and also if waiting
    is cancelled.
    """
    time = asyncio.get_running_loop().time
    until: float | None = None
    try:
        while (found := judge(reply.peek(), ended=reply.ended)) is None:
            now = time()
            if until is None:
                until = now + grace
            if not await reply.more(until - now):
                if time() < until and _says_nothing(reply.peek()):
                    await _broken_off(reply)
                return b""
    except BaseException:
        await reply.aclose()
        raise
    return found


def _says_nothing(data: bytes) -> bool:
    """Whether a beginning is empty, or has only comments of an event stream."""
    return all(not line or line.startswith(b":") for line in data.splitlines())


async def _broken_off(reply: UpstreamReply) -> None:
    """Raise the error that has broken a reply off."""
    async for _ in reply.chunks():
        pass
