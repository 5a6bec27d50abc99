"""Asks a server again for the choices that it left out of its reply.

This is a `Send` around another one, whose replies look like those of a server that knows `n`. It
works for every pair of shapes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import msgspec

from gateway.envelopes.codings import without_coding
from gateway.envelopes.upstream_json import (
    NOT_JSON,
    decode_halves,
    decode_with_bytes,
    encode_halves,
    encode_with_bytes,
    whole_bytes,
)
from gateway.errors import UpstreamError
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.calls.sending import send_whole
from gateway.exchange.errors.redirections import check_redirect
from gateway.exchange.reply.classify import ErrorReply, read_error
from gateway.exchange.reply.decompressed import readable
from gateway.exchange.reply.opening import Opening
from gateway.exchange.reply.reading import (
    Allowance,
    checked_object,
    is_event_stream,
    not_json,
    read_whole,
)
from gateway.exchange.reply.wrapped_errors import is_foreign
from gateway.replies import BufferedReply, ChunkedReply
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Send, Shape, UpstreamCall, UpstreamReply
from gateway.translate.missing_choices import (
    ChoicesSeen,
    are_missing,
    asked_choices,
    completed,
    given_choices,
    single_calls,
)
from gateway.translate.stream.reply_as_event import whole_as_event
from gateway.translate.stream.sse import SSEDecoder, begins_events, is_done

LEFT_OUT = ParameterFix("withhold", "n")
"""The fix that is remembered for a model whose server generates one choice whatever `n` is."""

_encode = msgspec.json.Encoder().encode


class MissingChoices:
    """Sends calls of one shape, and further ones for choices that a reply does not have.

    `noticed` is called when a server has left out choices, with the number of further calls that
    ask for them; it raises if they are too many.
    """

    def __init__(
        self, send: Send, shape: Shape, concurrency: int, noticed: Callable[[int], None]
    ) -> None:
        self.send = send
        self.shape = shape
        self.noticed = noticed
        self._concurrency = concurrency

    async def __call__(self, call: UpstreamCall) -> UpstreamReply:
        """Send a call; raises what `send` and `noticed` raise."""
        reply = await self.send(call)
        body = read_object(call.whole_body)
        if asked_choices(body) < 2 or not 200 <= reply.status < 300:
            return reply
        reply = readable(reply)
        if body.get("stream") is True:
            return _CompletedStream(self, call, body, reply)
        return await self._whole(call, body, reply)

    async def _whole(self, call: UpstreamCall, body: Json, reply: UpstreamReply) -> UpstreamReply:
        read = await read_whole(reply)
        if begins_events(read):
            held = BufferedReply(reply.status, reply.headers, read)
            return _CompletedStream(self, call, body, held)
        first = _decoded(read)
        if not isinstance(first, dict) or not are_missing(first, asked_choices(body)):
            return BufferedReply(reply.status, reply.headers, read)
        have = len(given_choices(first))
        self.noticed(asked_choices(body) - have)  # before calls are made: `n` may be any number
        calls = [_single(call, single) for single in single_calls(body, have)]
        rest = await send_whole(self.send, calls, self._concurrency)
        if isinstance(rest, ErrorReply):
            return BufferedReply(rest.status, rest.headers, rest.body)
        whole = encode_halves(completed(first, [_decoded(each.body) for each in rest]))
        return BufferedReply(reply.status, without_coding(reply.headers), whole)


class _CompletedStream(ChunkedReply):
    """An event stream, followed by the streams of the calls for the choices that it left out.

    JSON in place of a stream counts as one event, whatever its label; JSON without choices stays as
    it is.
    """

    def __init__(
        self, asking: MissingChoices, call: UpstreamCall, body: Json, reply: UpstreamReply
    ) -> None:
        super().__init__()
        self.status = reply.status
        self.headers = without_coding(reply.headers)
        self._asking = asking
        self._call = call
        self._body = body
        self._reply = reply
        """The reply that is being read."""
        self._seen = ChoicesSeen()
        self._events = self._all()

    def _read(self) -> AsyncIterator[bytes]:
        return self._events

    async def _close(self) -> None:
        await self._events.aclose()
        await self._reply.aclose()

    async def _all(self) -> AsyncGenerator[bytes, None]:
        seen = self._seen
        async with aclosing(_events(self._reply)) as events:
            async for event in events:
                if isinstance(event, BufferedReply) and not _has_choices(event):
                    yield event.body
                    return
                if isinstance(event, BufferedReply):
                    yield _written(seen.take(self._as_event(event)))
                    continue
                yield self._taken(event)
        await self._reply.aclose()
        have = seen.complete
        asked = asked_choices(self._body)
        if 0 < have < asked:
            self._asking.noticed(asked - have)
            for position, body in enumerate(single_calls(self._body, have), have):
                seen.next_call()
                async with aclosing(self._single(_single(self._call, body))) as single:
                    async for one, has_bytes in single:
                        yield _written(seen.take(one, position), has_bytes=has_bytes)
        yield _written(seen.usage_event())
        if have:
            yield b"data: [DONE]\n\n"

    def _taken(self, event: bytes) -> bytes:
        try:
            decoded, has_bytes = decode_with_bytes(event)
        except NOT_JSON:
            return _written(event)
        if not isinstance(decoded, dict):
            return _written(event)
        return _written(self._seen.take(decoded), has_bytes=has_bytes)

    async def _single(self, call: UpstreamCall) -> AsyncGenerator[tuple[Json, bool], None]:
        """Yield the events of a call for one choice; an error reply is one event.

        Each comes with whether it has bytes that are not UTF-8.
        """
        self._reply = reply = await self._asking.send(call)
        if not 200 <= reply.status < 300:
            yield _error_event(await read_error(reply)), False
        else:
            self._reply = reply = readable(reply)
            async with aclosing(_events(reply)) as events:
                async for event in events:
                    if isinstance(event, bytes):
                        yield _event(event)
                    else:
                        yield self._as_event(event), False
            await reply.aclose()

    def _as_event(self, whole: BufferedReply) -> Json:
        body, has_bytes = _event(whole.body)
        shown: Json = whole_bytes(body) if has_bytes else body
        return whole_as_event(self._asking.shape, shown, default_reason="stop")


def _single(call: UpstreamCall, body: Json) -> UpstreamCall:
    return call.copy(body=_encode(body), resends=0)


def _decoded(body: bytes) -> object:
    try:
        return decode_halves(body)
    except NOT_JSON:
        return None


def _event(data: bytes) -> tuple[Json, bool]:
    try:
        decoded, has_bytes = decode_with_bytes(data)
    except NOT_JSON:
        raise not_json() from None
    return checked_object(decoded), has_bytes


def _has_choices(whole: BufferedReply) -> bool:
    reply = _decoded(whole.body)
    return isinstance(reply, dict) and isinstance(reply.get("choices"), list)


async def _events(reply: UpstreamReply) -> AsyncGenerator[bytes | BufferedReply, None]:
    """Yield the data of each event of a stream, up to its terminator; or a whole body of JSON."""
    opening: Opening | None = Opening(Allowance(), labelled=is_event_stream(reply.headers))
    decoder = SSEDecoder()
    async for chunk in reply.chunks():
        data = chunk if opening is None else opening.take(chunk)
        if data:
            opening = None
        for event in decoder.feed(data):
            if is_done(event.data):
                return
            if not is_foreign(event):
                yield event.data
    begun, is_events = (b"", True) if opening is None else opening.end()
    if not is_events:
        yield BufferedReply(reply.status, reply.headers, begun)
        return
    for event in (*decoder.feed(begun), *decoder.finish()):
        if not (is_done(event.data) or is_foreign(event)):
            yield event.data


def _written(event: Json | bytes | None, *, has_bytes: bool = False) -> bytes:
    if event is None:
        return b""
    data = event if isinstance(event, bytes) else encode_with_bytes(event, has_bytes=has_bytes)
    return b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"


def _error_event(failure: ErrorReply) -> Json:
    check_redirect(failure.status, failure.headers)
    error = _decoded(failure.body)
    if isinstance(error, dict) and error.get("error"):
        return error
    raise UpstreamError(
        f"The upstream answered one of the calls of this request with status {failure.status}.",
        upstream_status=failure.status,
    )
