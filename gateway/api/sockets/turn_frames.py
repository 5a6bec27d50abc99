"""The frames of one turn: each event of its stream as one text frame.

An event is decoded only where something has to be known, or changed. After the last event of a
response, or an error, nothing more follows.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from gateway.api.sockets.error_frames import frame_of, frame_of_event
from gateway.api.sockets.stream_events import StreamEvent, as_text, read_event, whole_events
from gateway.errors import GatewayError, UpstreamError
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.opening import Opening, error_in_place
from gateway.exchange.reply.reading import Allowance, decode_object
from gateway.exchange.reply.wrapped_errors import is_foreign
from gateway.exchange.sockets.relays import RelayedTurn
from gateway.exchange.stored.responses import PREVIOUS
from gateway.shapes import Json, Shape
from gateway.translate.parts.upstream_errors import ended_too_early, upstream_error
from gateway.translate.stream.event_reader import is_empty_data
from gateway.translate.stream.replay import replayed
from gateway.translate.stream.response_form import check_response
from gateway.translate.stream.sse import (
    RESPONSES_END,
    ServerSentEvent,
    SSEDecoder,
    encode_events,
    encode_json,
    is_done,
)

_DELTA: Final = b".delta"
_ITEM_DONE: Final = "response.output_item.done"
_CONTINUABLE: Final = ("response.completed", "response.incomplete")
_encode = msgspec.json.Encoder().encode


class _Response(msgspec.Struct, gc=False):
    id: object = None
    output: list[msgspec.Raw] | None = None
    store: object = None


_decode_response = msgspec.json.Decoder(_Response).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

InOwnWords = Callable[[str, GatewayError], GatewayError]
"""Returns what the client gets for an error of the upstream with this name."""


def as_it_came(upstream: str, error: GatewayError) -> GatewayError:  # noqa: ARG001
    """Return an error itself: `InOwnWords` where no key is the gateway's own."""
    return error


class TurnFrames:
    """Makes the frames of a turn; `broken` is the error that has ended it, if it is the stream's.

    `headers` are those that errors name, `body` is what the stream comes from, if there is one.
    """

    def __init__(
        self, turn: Turn, stream_id: str | None, in_own_words: InOwnWords = as_it_came
    ) -> None:
        self._in_own_words = in_own_words
        self.turn = turn
        self.stream_id = stream_id
        self.ended = False
        self.broken: GatewayError | None = None
        self.decision = Decision()
        self.body: ReplyBody | None = None
        self._suffix = b',"stream_id":%b}' % _encode(stream_id) if stream_id is not None else b""
        self._opening: Opening | None = Opening(Allowance())
        """The beginning of the body, until it turns out to be events."""
        self._decoder = SSEDecoder()
        self._is_between = True
        """Whether the last piece has ended with an event."""
        self._items: list[msgspec.Raw] = []

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that errors name beside their own."""
        request_id = self.decision.request_id
        return {"x-request-id": request_id} if request_id else {}

    def label(self, *, events: bool) -> None:
        """Take, before its first bytes, what a head says of a body; unsaid, it is events."""
        self._opening = Opening(Allowance(), labelled=events)

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the frames of the events that a piece of the body completes."""
        opening = self._opening
        if opening is None:
            return self._feed(piece)
        try:
            piece = opening.take(piece)
        except UpstreamError as error:
            return self.fail(error)
        if not piece:
            return []
        self._opening = None
        return self._feed(piece)

    def _feed(self, piece: bytes) -> list[bytes]:
        whole = whole_events(piece) if self._is_between else None
        frames: list[bytes] = []
        try:
            if whole is not None:
                self._add_whole(whole, frames)
                return frames
            self._is_between = piece.endswith(b"\n\n")
            self._add_read(self._decoder.feed(piece), frames)
        except UpstreamError as error:
            frames += self.fail(error)
        return frames

    def finish(self) -> list[bytes]:
        """Return what is left at the end of the body: an error, if it has come too early.

        A body that is JSON comes now: a whole response, from a server that does not stream.
        """
        opening, self._opening = self._opening, None
        begun, is_events = (b"", True) if opening is None else opening.end()
        frames: list[bytes] = []
        try:
            if not is_events:
                return self._whole(begun)
            self._add_read([*self._decoder.feed(begun), *self._decoder.finish()], frames)
            if not self.ended:
                raise ended_too_early()
        except UpstreamError as error:
            frames += self.fail(error)
        return frames

    def _whole(self, body: bytes) -> list[bytes]:
        """Return the frames of a whole response, or of an error in its place.

        Raises `UpstreamError` for anything else.
        """
        reply = decode_object(body, whole=True)
        said = error_in_place(Shape.RESPONSES, reply) or reply
        if not isinstance(reply.get("output"), list) and upstream_error(said) is not None:
            return self._worded(said) or [self._error(encode_json(said))]
        check_response(reply)
        frames = self._feed(encode_events(Shape.RESPONSES, replayed(reply)))
        if not self.ended:
            raise ended_too_early()
        return frames

    def fail(self, error: GatewayError) -> list[bytes]:
        """Return the frame of an error, unless the turn has ended."""
        if self.ended:
            return []
        self.ended = True
        self.broken = error.bare()
        return [frame_of(error, self.stream_id, self.headers)]

    def note_end(self, relayed: RelayedTurn) -> None:
        """Remember the response of a turn that was passed on, if its whole conversation is known.

        What a steered one has heard besides, its server knows alone.
        """
        self.ended = True
        try:
            data, last = read_event(as_text(relayed.terminal))
        except UpstreamError:
            return  # an error without a type
        if last.has_error:
            self._note(upstream_error(decode_object(data)))
        if last.type not in _CONTINUABLE:
            return
        if relayed.is_steered:
            self.turn.has_response = True
            return
        self._items = list(relayed.items)
        self._remember(last.response)

    def _add_whole(self, events: list[tuple[bytes, bytes]], frames: list[bytes]) -> None:
        """Add the frames of events, of which deltas, as most are, have nothing to be known."""
        suffix = self._suffix
        for name, data in events:
            if not name.endswith(_DELTA) or b'"type":"%b"' % name not in data:
                self._add(data, frames)
            elif not self.ended:
                text = as_text(data)
                frames.append(text[:-1] + suffix if suffix else text)

    def _add_read(self, events: list[ServerSentEvent], frames: list[bytes]) -> None:
        for event in events:
            if not (is_foreign(event) or is_empty_data(event.data)):
                self._add(event.data, frames)

    def _add(self, data: bytes, frames: list[bytes]) -> None:
        if not (self.ended or is_done(data)):
            frames.append(self._other(as_text(data)))

    def _other(self, data: bytes) -> bytes:
        data, event = read_event(data)
        if event.has_error and (own := self._worded(decode_object(data))):
            return own[0]
        if event.is_error:
            return self._error(data)
        if event.type == _ITEM_DONE:
            self._items.append(msgspec.Raw(bytes(event.item)))
        elif bytes(event.response).startswith(b"{"):
            data = self._of_response(event, data)
        return data.rstrip()[:-1] + self._suffix if self._suffix else data

    def _worded(self, event: Json) -> list[bytes]:
        """Return the frame of an error that the gateway puts into its own words; empty: none."""
        known = upstream_error(event)
        shown = known and self._in_own_words(self.decision.upstream, known)
        if shown is not None and shown is not known:
            return self.fail(shown)
        self._note(known)
        return []

    def _note(self, error: UpstreamError | None) -> None:
        """Note an error of a turn that is passed on: nothing else knows of it."""
        is_noted = self.decision.has_failed or (self.body and self.body.failure)
        if error is not None and not is_noted:
            self.decision.failed(self.decision.upstream, error, final=True)

    def _error(self, data: bytes) -> bytes:
        self.ended = True
        failure = None if self.body is None else self.body.failure
        return frame_of_event(data, failure, self.stream_id, self.headers)

    def _of_response(self, event: StreamEvent, data: bytes) -> bytes:
        """Return an event with a response as the client knows that; remember the last one."""
        if event.type in RESPONSES_END:
            self.ended = True
            if event.type in _CONTINUABLE:
                self._remember(event.response)
        shown = self.turn.shown
        if shown is None:
            return data
        response = _decode_fields(event.response)
        response[PREVIOUS] = msgspec.Raw(_encode(shown))
        return _encode({**_decode_fields(data), "response": msgspec.Raw(_encode(response))})

    def _remember(self, raw: msgspec.Raw) -> None:
        """Remember a response; some servers have its items in their own events only."""
        try:
            response = _decode_response(raw)
        except msgspec.DecodeError:
            return  # no client can continue what has neither an id nor items
        if isinstance(response.id, str):
            output = response.output or self._items
            stored = response.store is True
            self.turn.finish(response.id, output, self.decision, stored=stored)
