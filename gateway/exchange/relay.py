"""Turns upstream streams into the client's stream: bytes in, translated, bytes out.

What arrives together is translated together and sent as one chunk. Before the reply has begun an
error is raised, so that the client gets a plain HTTP error; after it, an error becomes an event in
the stream. A stream that was cut off never gets the terminator. The end of the upstream's stream
is the end of the client's, whatever the connection does after it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from functools import partial

from gateway.errors import GatewayError
from gateway.exchange.feeding import Feeder
from gateway.exchange.message import ReplyBody
from gateway.exchange.reply.reading import REST_SECONDS, is_event_stream
from gateway.exchange.sub_streams import SubStreams
from gateway.replies import BufferedReply
from gateway.shapes import UpstreamReply


async def translated(
    feeder: Feeder, source: UpstreamReply | SubStreams
) -> AsyncGenerator[bytes, None]:
    """Yield the client's stream. The source is closed when the generator ends or is closed."""
    started = False
    try:
        async with aclosing(_pieces(feeder, source)) as pieces:
            async for piece in pieces:
                if piece:
                    started = True
                    yield piece
        feeder.raise_error()
    except GatewayError as error:
        if not started:
            raise
        yield feeder.fail(error)


def _pieces(feeder: Feeder, source: UpstreamReply | SubStreams) -> AsyncGenerator[bytes, None]:
    if isinstance(source, SubStreams):
        return _merged(feeder, source)
    if isinstance(source, BufferedReply):
        return _at_once(feeder, source)
    return _single(feeder, source)


async def _at_once(feeder: Feeder, whole: BufferedReply) -> AsyncGenerator[bytes, None]:
    feeder.label(0, events=is_event_stream(whole.headers))
    yield feeder.chunk(0, whole.body) + feeder.end(0) + feeder.terminator()


async def _single(feeder: Feeder, reply: UpstreamReply) -> AsyncGenerator[bytes, None]:
    feeder.label(0, events=is_event_stream(reply.headers))
    try:
        chunks = reply.chunks()
        async for chunk in chunks:
            if out := feeder.chunk(0, chunk):
                yield out
            if feeder.ended(0):
                break
        else:
            yield feeder.end(0)
        yield feeder.terminator()
        if not (feeder.broken or feeder.cut_short(0)):
            await _rest(chunks)
    finally:
        await reply.aclose()


async def _rest(chunks: AsyncIterator[bytes]) -> None:
    """Let a body end whose stream is complete; what else comes, or goes wrong, is of no matter."""
    with suppress(GatewayError, TimeoutError, StopAsyncIteration):
        async with asyncio.timeout(REST_SECONDS):
            await anext(chunks)


async def _merged(feeder: Feeder, streams: SubStreams) -> AsyncGenerator[bytes, None]:
    labelled: set[int] = set()
    try:
        async with aclosing(streams.arrivals()) as arrivals:
            async for arrival in arrivals:
                call, what = arrival.call, arrival.what
                if feeder.ended(call):
                    continue
                if isinstance(what, Exception):
                    feeder.break_off(what)
                elif what is None:
                    yield feeder.end(call)
                else:
                    if call not in labelled:
                        labelled.add(call)
                        feeder.label(call, events=_streamed(streams, call))
                    yield feeder.chunk(call, what)
                if feeder.ended(call):
                    streams.abandon(call, 0 if feeder.cut_short(call) else REST_SECONDS)
                if feeder.done:
                    break
        yield feeder.terminator()
        if not feeder.broken:
            await streams.settle()
    finally:
        await streams.aclose()


def _streamed(streams: SubStreams, call: int) -> bool:
    reply = streams.replies[call]
    return reply is not None and is_event_stream(reply.headers)


async def begun(
    stream: AsyncGenerator[bytes, None], grace: float, keepalive: bytes, feeder: Feeder
) -> ReplyBody:
    """Wait for a stream's first chunk, then return a body that starts with it.

    Raises what the stream raises before its first chunk. After `grace` seconds without one the
    body is returned all the same, and opens with `keepalive`; the feeder then tells the client of
    an error in the stream.
    """
    first = asyncio.ensure_future(anext(stream))
    try:
        await asyncio.wait({first}, timeout=grace)
        if first.done():
            return ReplyBody(_resumed(first.result(), stream), stream.aclose, outcome=feeder)
        late = _late(first, stream, keepalive, feeder)
        return ReplyBody(late, partial(_give_up, first, stream), outcome=feeder)
    except BaseException:
        await _give_up(first, stream)
        raise
    finally:
        # An error that is raised keeps this frame alive, and the task its error.
        del first


async def _resumed(
    first: bytes, stream: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    yield first
    async for chunk in stream:
        yield chunk


async def _late(
    first: "asyncio.Future[bytes]",
    stream: AsyncGenerator[bytes, None],
    opening: bytes,
    feeder: Feeder,
) -> AsyncGenerator[bytes, None]:
    yield opening
    try:
        yield await first
    except GatewayError as error:
        yield feeder.fail(error)
        return
    finally:
        del first
    async for chunk in stream:
        yield chunk


async def _give_up(first: "asyncio.Future[bytes]", stream: AsyncGenerator[bytes, None]) -> None:
    if not first.done():
        first.cancel()
        await asyncio.wait({first})
    if not first.cancelled():
        first.exception()
    await stream.aclose()
