"""Upstream bytes in, the client's bytes out: the streams of all calls of one translated request."""

from collections.abc import Callable

from gateway.envelopes.numbered_errors import has_failed
from gateway.errors import GatewayError, TruncatedStream, UpstreamError, UpstreamReplied
from gateway.exchange.reply.event_values import values_of, without_cut_off
from gateway.exchange.reply.opening import Opening, check_reply, error_in_place
from gateway.exchange.reply.reading import Allowance, checked_object, decode_object
from gateway.exchange.reply.unannounced_end import UnannouncedEnds
from gateway.exchange.reply.wrapped_errors import error_of, only_looks_like_success
from gateway.exchange.usage import Tokens, summed, tokens_of, tokens_of_start, updated
from gateway.fast.paths import Folded, with_text_deltas
from gateway.shapes import Json, Shape
from gateway.translate.contract import StreamTranslation
from gateway.translate.parts.upstream_errors import bare_error, upstream_error
from gateway.translate.stream.event_reader import EventReader
from gateway.translate.stream.reply_as_event import whole_as_events
from gateway.translate.stream.sse import (
    KEEPALIVE,
    ServerSentEvent,
    SSEDecoder,
    encode_events,
    final_events,
    is_done,
    terminator,
)


class Feeder:
    """Feeds the bytes of all calls of one request to its translation.

    The methods that take bytes return those to send. At an error they return what came before it,
    keep the error, without its traceback, for `take_error()`, and take nothing more. `failure` is
    the error that the client was sent as an event, `bare()`. `renames`: the translation passes on
    its input, as one between equal shapes does by default. `in_own_words` returns the error that
    the client gets for another one; `wants_usage` says whether it wants usage.
    """

    def __init__(
        self,
        client: Shape,
        home: Shape,
        calls: int,
        translation: StreamTranslation,
        *,
        renames: bool | None = None,
        fast: bool = False,
        in_own_words: Callable[[GatewayError], GatewayError] | None = None,
        wants_usage: Callable[[], bool] = bool,
    ) -> None:
        self._in_own_words = in_own_words or (lambda error: error)
        self._wants_usage = wants_usage
        self.failure: GatewayError | None = None
        self._client = client
        self._home = home
        takes = fast and translation.passes_text
        self._fast = with_text_deltas(client, home, calls, translation) if takes else None
        self._translation = self._fast or translation
        self._decoders = [SSEDecoder() for _ in range(calls)]
        self._readers = [EventReader() for _ in range(calls)]
        self._allowance = Allowance()
        self._openings: list[Opening | None] = [Opening(self._allowance) for _ in range(calls)]
        self._begun = [False] * calls
        self.over = [False] * calls
        """Per call, whether its stream has ended or nothing more of it is needed."""
        self.opening_error: tuple[int, bytes] | None = None
        """The index of the first call whose stream began with an error, and that error as JSON."""
        self._aside: list[Json | None] = [None] * calls
        """Per call, an error in no known envelope, which counts only if no result follows it."""
        self._tokens: list[Tokens | None] = [None] * calls
        self._error: Exception | None = None
        self._terminal = final_events(home)
        self._renames = client is home if renames is None else renames
        """Whether errors of the upstream are passed on as events, and only have to be noted."""
        self._ends = UnannouncedEnds(self._translation, renames=self._renames)

    @property
    def broken(self) -> bool:
        """Whether there is an error that was not taken yet, and not sent to the client."""
        return self._error is not None

    @property
    def tokens(self) -> Tokens | None:
        """The tokens that the upstream counted, in all calls."""
        return summed(self._tokens)

    @property
    def done(self) -> bool:
        """Whether all streams have ended."""
        return all(self.over)

    def ended(self, call: int) -> bool:
        """Whether a call is over."""
        return self.over[call]

    def cut_short(self, call: int) -> bool:
        """Whether nothing more of a call's stream is needed, although it goes on."""
        return self._translation.satisfied(call)

    def label(self, call: int, *, events: bool) -> None:
        """Note, before a call's first bytes, whether its head announces events (the default)."""
        self._openings[call] = Opening(self._allowance, labelled=events)

    def feed(self, call: int, data: bytes) -> bytes:
        """Take bytes of an event stream, or of JSON in its place; return the bytes to send."""
        opening = self._openings[call]
        if opening is not None:
            try:
                data = opening.take(data)
            except UpstreamError as error:
                self.break_off(error)
                return b""
            if not data:
                return b""
            self._openings[call] = None
        if self._fast is None:
            return self.fold(call, data)[0]
        return self._fast.take(call, data, self)

    def finish(self, call: int) -> bytes:
        """Take the end of a call's stream, which may come too early (`TruncatedStream`)."""
        if self.over[call]:
            return b""
        opening, self._openings[call] = self._openings[call], None
        begun = b""
        if opening is not None:
            begun, is_events = opening.end()
            if not is_events:
                return self._whole(call, begun)
        decoder = self._decoders[call]
        try:
            received = decoder.feed(begun + self._fast.flush(call) if self._fast else begun)
            received += without_cut_off(decoder.finish())
        except UpstreamError as error:
            self.break_off(error)
            return b""
        written, _, _ = self._fold(call, received, last=True)
        try:
            return written + encode_events(self._client, self._end(call))
        except GatewayError as error:
            self.break_off(error)
            return written

    def _whole(self, call: int, body: bytes) -> bytes:
        """Take a whole JSON reply that stands in for a stream."""
        if only_looks_like_success(body):
            self.opening_error = self.opening_error or (call, body)
        events: list[Json] = []
        try:
            reply = decode_object(body, whole=True)
            if (error_body := error_in_place(self._home, reply)) is not None:
                reply = error_body
            self._tokens[call] = tokens_of(reply.get("usage"))
            with_usage = self._wants_usage() if self._renames else None
            for event in whole_as_events(self._home, reply, with_usage=with_usage):
                events += self._translation.feed(call, event)
            # Translations raise what is an error to them, but one that only renames passes it on.
            if self._renames and (known := upstream_error(reply)) is not None:
                raise known
            check_reply(self._home, reply, body)
            events += self._end(call)
        except GatewayError as error:
            self.break_off(error)
            # Nothing precedes an error in JSON, and the beginning of an incomplete reply is unsent.
            return b""
        return encode_events(self._client, events)

    def keep_alive(self) -> bytes:
        """Return the bytes that show a client that its silent stream is alive."""
        return encode_events(self._client, self._translation.ping()) or KEEPALIVE

    def break_off(self, error: Exception) -> None:
        """End all streams with an error."""
        self._error = self._in_own_words(error).bare() if isinstance(error, GatewayError) else error
        self.over[:] = [True] * len(self.over)

    def take_error(self) -> Exception | None:
        """Return the error, and forget it."""
        error, self._error = self._error, None
        return error

    def terminator(self) -> bytes:
        """Return the terminator of the client's stream, for one that has not broken off."""
        return terminator(self._client)

    def fail(self, error: GatewayError) -> bytes:
        """Return the bytes that report an error after the client's reply has begun.

        The terminator follows an error that the upstream has sent itself, as in its own stream, but
        not one that broke the stream off. Empty if an error was already passed on as it came.
        """
        if self.failure is not None:
            return b""
        self.failure = error.bare()
        out = encode_events(self._client, self._translation.fail(error))
        if isinstance(error, UpstreamReplied):
            out += terminator(self._client)
        return out

    def fold(self, call: int, data: bytes) -> Folded:
        """Take bytes of an event stream by the generic path: decode, fold, encode."""
        try:
            received = self._decoders[call].feed(data)
        except UpstreamError as error:
            self.break_off(error)
            return b"", (), None
        return self._fold(call, received)

    def _fold(self, call: int, received: list[ServerSentEvent], *, last: bool = False) -> Folded:
        """Fold events; if they are the `last` ones, fold what the reader still holds, too."""
        reader = self._readers[call]
        events: list[Json] = []
        taken: list[object] = []
        try:
            for each in received:
                if self.over[call]:
                    break
                done = is_done(each.data)
                taken = reader.flush() if done else self._read(call, reader, each)
                for event in taken:
                    self._feed(call, event, events)
                if done:
                    events += self._end(call, has_terminator=True)
            for event in reader.flush() if last else ():
                self._feed(call, event, events)
        except GatewayError as error:
            self.break_off(error)
        only = taken[0] if len(taken) == len(received) == 1 else None
        return encode_events(self._client, events), events, only if isinstance(only, dict) else None

    def _read(self, call: int, reader: EventReader, event: ServerSentEvent) -> list[object]:
        """Return the values that can be folded now that `event` has come."""
        taken = values_of(event, reader)
        if not self._begun[call] and (taken or reader.waits):
            self._begin(call, event)
        return taken

    def _feed(self, call: int, event: object, events: list[Json]) -> None:
        """Fold an event, unless the call's stream has ended; add the result to `events`."""
        if self.over[call]:
            return
        known = checked_object(event)
        self._ends.note(call, known)
        if known.get("usage"):
            self._tokens[call] = updated(self._tokens[call], tokens_of(known["usage"]))
        elif self._home is Shape.MESSAGES and known.get("type") == "message_start":
            self._tokens[call] = tokens_of_start(known)
        if self._renames:
            self._see_error(known)
        if not known.get("choices") and (error_body := bare_error(known)) is not None:
            self._aside[call] = error_body
        events += self._translation.feed(call, known)
        if self._is_the_last(call, known):
            events += self._end(call)

    def _begin(self, call: int, event: ServerSentEvent) -> None:
        """Note a stream's first event."""
        self._begun[call] = True
        error = error_of(event)
        if error is not None and self.opening_error is None:
            self.opening_error = (call, error)

    def _is_the_last(self, call: int, event: Json) -> bool:
        if self._terminal:
            kind = event.get("type")
            if isinstance(kind, str) and kind in self._terminal:
                response = event.get("response")
                if isinstance(response, dict):
                    self._tokens[call] = tokens_of(response.get("usage"))
                return True
        return self._translation.satisfied(call)

    def _end(self, call: int, *, has_terminator: bool = False) -> list[Json]:
        if self.over[call]:
            return []
        self.over[call] = True
        try:
            return self._ends.end(call, has_terminator=has_terminator)
        except TruncatedStream as error:
            if (error_body := self._aside[call]) is None:
                raise
            # A translation raises the error in the client's words, unless it only renames.
            self._translation.feed(call, error_body)
            raise upstream_error(error_body) or error from None

    def _see_error(self, event: Json) -> None:
        """Note an upstream's error that is passed on as it came; raise one that cannot be."""
        kind = event.get("type")
        in_no_envelope = has_failed(event)
        is_error = event.get("error") or in_no_envelope or kind in ("error", "response.failed")
        known = upstream_error(event) if is_error else None
        if known is None:
            return
        own_words, shown = (known, known.message), self._in_own_words(known)
        no_event = in_no_envelope or (self._terminal and not isinstance(kind, str))
        if (shown, shown.message) != own_words or no_event:
            raise shown
        self.failure = self.failure or known
