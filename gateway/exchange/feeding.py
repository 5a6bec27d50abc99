"""Upstream bytes in, the client's bytes out: the streams of all calls of one translated request."""

from gateway.errors import GatewayError, UpstreamError, UpstreamReplied
from gateway.exchange.message import Outcome, decode_object
from gateway.exchange.wrapped_errors import error_of
from gateway.shapes import Json, Shape
from gateway.translate.contract import StreamTranslation, plain_texts_of
from gateway.translate.fields import upstream_error
from gateway.translate.sse import (
    DONE,
    TERMINAL_EVENTS,
    ServerSentEvent,
    SSEDecoder,
    encode_events,
    terminator,
)
from gateway.translate.text_lane import PATIENCE, TextLane
from gateway.translate.whole_as_event import whole_as_event


class Feeder(Outcome):
    """Feeds the bytes of all calls of one request to its translation.

    The methods that take bytes return those to send. What goes wrong, they keep for
    `raise_error()`, and return what came before it; nothing more is taken then. No error is kept
    that was raised: with its traceback it would keep this object alive in a cycle.
    """

    def __init__(
        self, client: Shape, home: Shape, calls: int, translation: StreamTranslation
    ) -> None:
        super().__init__()
        self._client = client
        self._home = home
        self._translation = translation
        self._decoders = [SSEDecoder() for _ in range(calls)]
        self._begun = [False] * calls
        self._ended = [False] * calls
        self.opening_error: tuple[int, bytes] | None = None
        """The first call whose stream began with an error, and that error as JSON."""
        self._error: Exception | None = None
        self._terminal = TERMINAL_EVENTS if home is Shape.RESPONSES else frozenset()
        self._renames = client is home
        """Errors of the upstream that such a translation passes on as events are noted here."""
        self._fed = 0
        """How often events, or parts of them, have gone the general way."""
        plain = plain_texts_of(translation)
        self._lanes: list[TextLane | None] = [None] * calls
        if plain is not None:
            self._lanes = [TextLane(client, home, call, plain) for call in range(calls)]

    @property
    def broken(self) -> bool:
        """Whether there is an error that the client was not told of."""
        return self._error is not None

    @property
    def done(self) -> bool:
        """Whether all streams have ended."""
        return all(self._ended)

    def ended(self, call: int) -> bool:
        """Whether the call's stream has ended, or nothing more of it is needed."""
        return self._ended[call]

    def cut_short(self, call: int) -> bool:
        """Whether the call's stream goes on though nothing more of it is needed."""
        return self._translation.satisfied(call)

    def chunk(self, call: int, data: bytes) -> bytes:
        """Take bytes of an event stream; return the bytes to send, maybe none."""
        lane = self._lanes[call]
        if lane is None:
            return self._take(call, data)
        pieces: list[bytes] = []
        self._take_either_way(call, lane, data, pieces)
        return b"".join(pieces)

    def whole(self, call: int, body: bytes) -> bytes:
        """Take a whole JSON reply that stands in for a stream."""
        self._fed += 1
        events: list[Json] = []
        try:
            reply = decode_object(body)
            events += self._translation.feed(call, whole_as_event(self._home, reply))
            self._check_whole(reply, body)
            events += self._end(call)
        except GatewayError as error:
            self.break_off(error)
            # An error in JSON comes alone. What a reply that lacks its point began is not sent.
            return b""
        return encode_events(self._client, events)

    def end(self, call: int) -> bytes:
        """Take the end of a call's stream, which may come too early (`TruncatedStream`)."""
        if self._ended[call]:
            return b""
        lane, decoder = self._lanes[call], self._decoders[call]
        try:
            received = decoder.feed(lane.held) if lane else []
            received += decoder.finish()
        except UpstreamError as error:
            self.break_off(error)
            return b""
        written, _, _ = self._fold(call, received)
        try:
            return written + encode_events(self._client, self._end(call))
        except GatewayError as error:
            self.break_off(error)
            return written

    def break_off(self, error: Exception) -> None:
        """Take it that nothing more is to be had."""
        self._error = error.bare() if isinstance(error, GatewayError) else error
        self._ended = [True] * len(self._ended)

    def raise_error(self) -> None:
        """Raise, and forget, what went wrong; return if nothing has."""
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None

    def terminator(self) -> bytes:
        """Return what ends the client's stream; nothing for one that broke off."""
        return b"" if self.broken else terminator(self._client)

    def fail(self, error: GatewayError) -> bytes:
        """Return the bytes that report an error after the client's reply has begun.

        An error that the upstream itself told is followed by the terminator, as the upstream's
        own stream would have been. A stream that broke off is left open-ended. Nothing, where an
        error of the upstream was passed on as it came.
        """
        if self.failure is not None:
            return b""
        self.failure = error.bare()
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
        try:
            received = self._decoders[call].feed(data)
        except UpstreamError as error:
            self.break_off(error)
            return b""
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
                    if not self._begun[call]:
                        self._begin(call, each)
                    event = decode_object(each.data)
                    if self._renames:
                        self._see_error(event)
                    events += self._translation.feed(call, event)
                    if self._is_the_last(call, event):
                        events += self._end(call)
        except GatewayError as error:
            self.break_off(error)
        return encode_events(self._client, events), events, event

    def _begin(self, call: int, event: ServerSentEvent) -> None:
        """Take note of a stream's first event."""
        self._begun[call] = True
        error = error_of(event)
        if error is not None and self.opening_error is None:
            self.opening_error = (call, error)

    def _is_the_last(self, call: int, event: Json) -> bool:
        if self._terminal:
            kind = event.get("type")
            if isinstance(kind, str) and kind in self._terminal:
                return True
        return self._translation.satisfied(call)

    def _end(self, call: int) -> list[Json]:
        if self._ended[call]:
            return []
        self._ended[call] = True
        return self._translation.end(call)

    def _see_error(self, event: Json) -> None:
        """Note an error of the upstream that is passed on as it came; raise one that cannot be."""
        kind = event.get("type")
        if event.get("error") or kind in ("error", "response.failed"):
            known = upstream_error(event)
            if known is not None and self._terminal and not isinstance(kind, str):
                raise known
            self.failure = self.failure or known

    def _check_whole(self, reply: Json, body: bytes) -> None:
        """Raise `UpstreamError` for JSON that is no reply of the upstream's endpoint.

        Translations raise what is an error to them, but one that only renames passes it on.
        """
        known = upstream_error(reply) if self._renames else None
        if known is not None:
            raise known
        name = "output" if self._home is Shape.RESPONSES else "choices"
        if not isinstance(reply.get(name), list):
            text = body[:200].decode("utf-8", "replace").strip()
            raise UpstreamError(
                f"The upstream answered the request for a stream with JSON without '{name}': {text}"
            )
