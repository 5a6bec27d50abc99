"""Turns upstream streams into the client's stream: bytes in, translated, bytes out.

What arrives together is translated together and sent as one chunk. Before the first chunk an error
is raised, so that the client gets a plain HTTP error; after it, an error becomes an event in the
stream. A stream that was cut off never gets the terminator.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

import msgspec

from gateway.errors import GatewayError, UpstreamReplied
from gateway.exchange.message import Outcome, ReplyBody, Source, decode_object
from gateway.exchange.sending import SubStreams, Whole, is_event_stream
from gateway.shapes import Json, RawHeaders, Shape, UpstreamReply
from gateway.translate.contract import StreamTranslation, plain_texts_of
from gateway.translate.sse import DONE, ServerSentEvent, SSEDecoder, encode_events, terminator
from gateway.translate.text_lane import PATIENCE, TextLane
from gateway.translate.whole_as_event import whole_as_event


class _Feeder:
    """Feeds the bytes of all calls of one request to its translation."""

    def __init__(
        self, client: Shape, home: Shape, calls: int, translation: StreamTranslation
    ) -> None:
        self._client = client
        self._home = home
        self._translation = translation
        self._decoders = [SSEDecoder() for _ in range(calls)]
        self._ended = [False] * calls
        self._fed = 0
        """How often events, or parts of them, have gone the general way."""
        plain = plain_texts_of(translation)
        self._lanes: list[TextLane | None] = [None] * calls
        if plain is not None:
            self._lanes = [TextLane(client, home, call, plain) for call in range(calls)]

    def ended(self, call: int) -> bool:
        """Whether the call's stream has ended, or nothing more of it is needed."""
        return self._ended[call]

    def chunk(self, call: int, data: bytes) -> bytes:
        """Take bytes of an event stream; return the bytes to send, maybe none."""
        lane = self._lanes[call]
        if lane is None:
            return self._take(call, data)
        pieces: list[bytes] = []
        try:
            self._take_either_way(call, lane, data, pieces)
        except GatewayError as error:
            raise _StreamFailed(error, b"".join(pieces)) from error
        except _StreamFailed as failed:
            raise _StreamFailed(failed.error, b"".join((*pieces, failed.before))) from failed.error
        return b"".join(pieces)

    def whole(self, call: int, body: bytes) -> bytes:
        """Take a whole JSON reply that stands in for a stream."""
        self._fed += 1
        event = whole_as_event(self._home, decode_object(body))
        events = self._translation.feed(call, event)
        return encode_events(self._client, [*events, *self._end(call)])

    def end(self, call: int) -> bytes:
        """Take the end of a call's stream; raises `TruncatedStream` if it came too early."""
        if self._ended[call]:
            return b""
        lane, decoder = self._lanes[call], self._decoders[call]
        received = decoder.feed(lane.held) if lane else []
        written, _, _ = self._fold(call, received + decoder.finish())
        return written + encode_events(self._client, self._end(call))

    def fail(self, error: GatewayError) -> bytes:
        """Return the bytes that tell of an error after the stream has begun.

        An error that the upstream itself told is followed by the terminator, as the upstream's
        own stream would have been. A stream that broke off is left open-ended.
        """
        out = encode_events(self._client, self._translation.fail(error))
        if isinstance(error, UpstreamReplied):
            out += terminator(self._client)
        return out

    def _take_either_way(self, call: int, lane: TextLane, data: bytes, pieces: list[bytes]) -> None:
        """Take bytes by the lane as far as it goes, and event by event where it does not."""
        if lane.held:
            data, lane.held = lane.held + data, b""
        start = 0
        while start < len(data) and not self._ended[call]:
            opened = lane.open_at == self._fed
            if opened:
                written, end = lane.take(data, start)
                if end > start:
                    pieces.append(written)
                    start = end
                    continue
            if lane.worthless or lane.missed >= PATIENCE:
                self._lanes[call] = None if lane.worthless else lane
                lane.missed = 0
                pieces.append(self._take(call, data[start:]))
                return
            end = data.find(b"\n\n", start) + 2
            if end < 2:
                end = len(data)
                if opened and lane.can_hold(data[start:]):
                    lane.held = data[start:]
                    return
            pieces.append(self._take(call, data[start:end], lane))
            start = end

    def _take(self, call: int, data: bytes, lane: TextLane | None = None) -> bytes:
        """Take bytes the general way. The lane is told, if they were one event."""
        received = self._decoders[call].feed(data)
        written, events, event = self._fold(call, received)
        if lane:
            lane.missed += 1
            if event and len(received) == 1 and lane.proved(data, event, events, written):
                lane.missed = 0
                lane.open_at = self._fed
        return written

    def _fold(
        self, call: int, received: list[ServerSentEvent]
    ) -> tuple[bytes, list[Json], Json | None]:
        """Return what to send for the events, also as JSON, and the last of them, decoded."""
        self._fed += 1
        events: list[Json] = []
        event: Json | None = None
        try:
            for each in received:
                if self._ended[call]:
                    break
                if each.data == DONE:
                    events += self._end(call)
                else:
                    event = decode_object(each.data)
                    events += self._translation.feed(call, event)
                    if self._translation.satisfied(call):
                        events += self._end(call)
        except GatewayError as error:
            raise _StreamFailed(error, encode_events(self._client, events)) from error
        return encode_events(self._client, events), events, event

    def _end(self, call: int) -> list[Json]:
        if self._ended[call]:
            return []
        self._ended[call] = True
        return self._translation.end(call)


class _StreamFailed(Exception):
    """An error, and the bytes of what came before it in the same read."""

    def __init__(self, error: GatewayError, before: bytes) -> None:
        super().__init__(error.message)
        self.error = error
        self.before = before


async def translated(
    client: Shape,
    home: Shape,
    translation: StreamTranslation,
    source: UpstreamReply | Whole | SubStreams,
    calls: int,
    outcome: Outcome | None = None,
) -> AsyncGenerator[bytes, None]:
    """Yield the client's stream. The source is closed when the generator ends or is closed.

    An error that becomes an event is noted as the `outcome`.
    """
    outcome = outcome or Outcome()
    feeder = _Feeder(client, home, calls, translation)
    started = False
    try:
        async with aclosing(_pieces(feeder, source)) as pieces:
            async for piece in pieces:
                if piece:
                    started = True
                    yield piece
        yield terminator(client)
    except _StreamFailed as failed:
        if failed.before:
            yield failed.before
        elif not started:
            raise failed.error from None
        outcome.failure = failed.error.with_traceback(None)
        yield feeder.fail(failed.error)
    except GatewayError as error:
        if not started:
            raise
        outcome.failure = error.with_traceback(None)
        yield feeder.fail(error)


async def _pieces(
    feeder: _Feeder, source: UpstreamReply | Whole | SubStreams
) -> AsyncGenerator[bytes, None]:
    if isinstance(source, SubStreams):
        async with aclosing(_merged(feeder, source)) as merged:
            async for piece in merged:
                yield piece
    elif isinstance(source, Whole):
        yield feeder.whole(0, source.body)
    else:
        async with aclosing(_single(feeder, source)) as single:
            async for piece in single:
                yield piece


async def _single(feeder: _Feeder, reply: UpstreamReply) -> AsyncGenerator[bytes, None]:
    try:
        if not is_event_stream(reply.headers):
            yield feeder.whole(0, b"".join([chunk async for chunk in reply.chunks()]))
            return
        async for chunk in reply.chunks():
            out = feeder.chunk(0, chunk)
            if out:
                yield out
            if feeder.ended(0):
                return
        yield feeder.end(0)
    finally:
        await reply.aclose()


async def _merged(feeder: _Feeder, streams: SubStreams) -> AsyncGenerator[bytes, None]:
    wholes: dict[int, list[bytes]] = {}
    try:
        async with aclosing(streams.arrivals()) as arrivals:
            async for arrival in arrivals:
                if isinstance(arrival.what, Exception):
                    raise arrival.what
                if arrival.what is None:
                    if arrival.call in wholes:
                        yield feeder.whole(arrival.call, b"".join(wholes.pop(arrival.call)))
                    else:
                        yield feeder.end(arrival.call)
                elif feeder.ended(arrival.call):
                    streams.abandon(arrival.call)
                elif _streamed(streams, arrival.call):
                    yield feeder.chunk(arrival.call, arrival.what)
                else:
                    wholes.setdefault(arrival.call, []).append(arrival.what)
    finally:
        await streams.aclose()


def _streamed(streams: SubStreams, call: int) -> bool:
    reply = streams.replies[call]
    return reply is not None and is_event_stream(reply.headers)


async def relayed(
    reply: UpstreamReply, outcome: Outcome | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield an upstream's body as it comes, untouched.

    Raises what reading raises; of an event stream the client is told by an error event instead,
    without a terminator, and that is noted as the `outcome`.
    """
    try:
        async for chunk in reply.chunks():
            yield chunk
    except GatewayError as error:
        if not is_event_stream(reply.headers):
            raise
        if outcome is not None:
            outcome.failure = error.with_traceback(None)
        yield _broken_off(error)
    finally:
        await reply.aclose()


class _Relayed:
    """The same as `relayed`, of an upstream's reply that can be poured."""

    __slots__ = ("_headers", "_outcome", "_source", "resume")

    def __init__(self, source: Source, headers: RawHeaders, outcome: Outcome) -> None:
        self._outcome = outcome
        self._source = source
        self._headers = headers
        self.resume = source.resume

    async def pour(self, take: Callable[[bytes], bool]) -> None:
        try:
            await self._source.pour(take)
        except GatewayError as error:
            if not is_event_stream(self._headers):
                raise
            self._outcome.failure = error.with_traceback(None)
            take(_broken_off(error))


def _broken_off(error: GatewayError) -> bytes:
    """Return the event that tells of an error; an event that it interrupts is ended first."""
    return b"\n\ndata: " + msgspec.json.encode(error.envelope()) + b"\n\n"


def passed_on(reply: UpstreamReply) -> ReplyBody:
    """Return an upstream's body as a reply body, untouched."""
    source = None
    outcome = Outcome()
    if hasattr(reply, "pour"):
        source = _Relayed(cast("Source", reply), reply.headers, outcome)
    return ReplyBody(relayed(reply, outcome), reply.aclose, source, outcome)


async def begun(
    stream: AsyncGenerator[bytes, None],
    grace: float,
    keepalive: bytes,
    outcome: Outcome | None = None,
) -> ReplyBody:
    """Wait for a stream's first chunk, then return a body that starts with it.

    Raises what the stream raises before its first chunk. After `grace` seconds without one the
    body is returned all the same, and opens with `keepalive`.
    """
    first = asyncio.ensure_future(anext(stream))

    async def close() -> None:
        if not first.done():
            first.cancel()
            await asyncio.wait({first})
        if not first.cancelled():
            first.exception()
        await stream.aclose()

    try:
        done, _ = await asyncio.wait({first}, timeout=grace)
        if done:
            first.result()
    except BaseException:
        await close()
        raise
    opening = b"" if done else keepalive
    return ReplyBody(_resumed(first, stream, opening), close, outcome=outcome)


async def _resumed(
    first: "asyncio.Future[bytes]", stream: AsyncGenerator[bytes, None], opening: bytes
) -> AsyncGenerator[bytes, None]:
    if opening:
        yield opening
    yield await first
    async for chunk in stream:
        yield chunk
