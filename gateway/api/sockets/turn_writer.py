"""Writes the reply to one turn as frames of the client's socket."""

import asyncio
import contextlib
from time import perf_counter
from typing import Final

from gateway.api.sockets.error_frames import frame_of_reply
from gateway.api.sockets.turn_frames import InOwnWords, TurnFrames, as_it_came
from gateway.api.writing import Fields, ReplyWriter
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import SHOWN_FIELDS, Decision
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.reading import (
    REST_SECONDS,
    Allowance,
    is_event_stream,
)
from gateway.exchange.sockets.relays import RelayedTurn
from gateway.shapes import Json
from gateway.sockets import Socket
from gateway.translate.stream.sse import encode_json

REPORT: Final = "gateway.report"
"""The type of the frame with what the `x-gateway-…` fields of a reply over HTTP say."""


class TurnWriter(ReplyWriter):
    """Writes one turn's reply; `reports`: a report comes first.

    The session sets `gone` when the client has left, and calls `resume` when it reads again.
    """

    __slots__ = (
        *("_body", "_fields", "_frames", "_is_read", "_reading"),
        *("_reports", "_rest", "_socket", "gone"),
    )

    def __init__(
        self,
        socket: Socket,
        turn: Turn,
        stream_id: str | None,
        in_own_words: InOwnWords = as_it_came,
        *,
        reports: bool = False,
    ) -> None:
        super().__init__()
        self.gone = False
        self._socket = socket
        self._frames = TurnFrames(turn, stream_id, in_own_words)
        self._reports = reports
        self._fields: tuple[tuple[bytes, bytes], ...] = ()
        self._body: ReplyBody | None = None
        self._rest: asyncio.Timeout | None = None
        self._is_read = True
        """Whether the client reads, as far as this turn knows."""
        self._reading: asyncio.Future[None] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the client has the last event."""
        return self._frames.ended

    def resume(self) -> None:
        """Continue: the client has read, or has left."""
        self._is_read = True
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)
        if self._body is not None:
            self._body.resume()

    def fail(self, error: GatewayError) -> None:
        """End the turn with an error, unless it has ended."""
        self._put(self._frames.fail(error))

    async def write(self, reply: ClientReply, decision: Decision) -> None:
        """Write a reply; ends once the client reads, so that no client has more than it reads."""
        await super().write(reply, decision)
        if not self._is_read:
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading

    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        await self._start(fields, decision)
        self._put_whole(body)

    async def _start(self, fields: Fields, decision: Decision) -> None:
        decision.identified(fields)
        self._frames.decision = decision
        self._fields = tuple(fields)
        if self._reports:
            self._socket.send(_report(decision, self._frames.stream_id))

    async def _write_body(self, body: ReplyBody) -> None:
        self._body = self._frames.body = body
        try:
            if isinstance(body, RelayedTurn):
                await body.pipe(self._pass_on)
                self._frames.note_end(body)
            elif self.status < 400:
                self._frames.label(events=is_event_stream(self._fields))
                await self._write_events(body)
            else:
                self._put_error(await _whole(body))
        except GatewayError as error:
            self.fail(error)
            raise
        finally:
            self._body = self._frames.body = None

    async def _write_events(self, body: ReplyBody) -> None:
        """Write a stream; its connection has a moment to end after its last event."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as self._rest:
                await body.pipe(self._take)
        self._put(self._frames.finish())
        self._raise_error()

    async def _end(self) -> None:
        """Frames need no end."""

    def _take(self, piece: bytes) -> bool:
        frames = self._frames
        made = frames.feed(piece)
        if frames.ended:
            return self._take_last(made)
        if len(made) == 1 and self.first_at:
            self._is_read = is_read = self._socket.send(made[0])
            return is_read  # directly: for each event of a slow stream
        return self._put(made)

    def _take_last(self, frames: list[bytes]) -> bool:
        """Send the last frames; the reply's own end then has `REST_SECONDS` to come."""
        is_ready = self._put(frames)
        self._raise_error()
        rest = self._rest
        if rest is not None and rest.when() is None:
            rest.reschedule(asyncio.get_running_loop().time() + REST_SECONDS)
        return is_ready

    def _pass_on(self, frames: bytes) -> bool:
        self.first_at = self.first_at or perf_counter()
        self._is_read = self._socket.send_frames(frames, complete=True)
        return self._is_read

    def _put(self, frames: list[bytes]) -> bool:
        if not frames:
            return True
        self.first_at = self.first_at or perf_counter()
        socket = self._socket
        self._is_read = socket.send(frames[0]) if len(frames) == 1 else socket.send_all(frames)
        return self._is_read

    def _put_whole(self, body: bytes) -> None:
        """Send the frames of a complete body: an error, events, or a response."""
        if self.status >= 400:
            self._put_error(body)
            return
        frames = self._frames
        frames.label(events=is_event_stream(self._fields))
        self._put([*frames.feed(body), *frames.finish()])
        self._raise_error()

    def _put_error(self, body: bytes) -> None:
        frames = self._frames
        args = (self.status, self._fields, body, frames.stream_id, frames.headers)
        frames.ended = True
        self._put([frame_of_reply(*args)])

    def _raise_error(self) -> None:
        """Raise what has broken the stream: the client has its frame."""
        if self._frames.broken is not None:
            raise self._frames.broken


async def _whole(body: ReplyBody) -> bytes:
    allowance, pieces = Allowance(), list[bytes]()

    def take(piece: bytes) -> bool:
        allowance.take(len(piece))
        pieces.append(piece)
        return True

    await body.pipe(take)
    return b"".join(pieces)


def _report(decision: Decision, stream_id: str | None) -> bytes:
    shown = {name: value for name, value in decision.headers() if name in SHOWN_FIELDS}
    frame: Json = {
        "type": REPORT,
        "headers": {
            **{name.decode("latin-1"): value.decode("latin-1") for name, value in shown.items()},
            "x-request-id": decision.request_id,
        },
    }
    if stream_id is not None:
        frame["stream_id"] = stream_id
    return encode_json(frame)
