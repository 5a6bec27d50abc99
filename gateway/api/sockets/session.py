"""The session on `/v1/responses`: a client's socket, on which each create is a request."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

from gateway.api.endings import client_error
from gateway.api.sockets.client_events import BadEvent, Create, read_event
from gateway.api.sockets.error_frames import frame_of
from gateway.api.sockets.queues import Bounds, Queues
from gateway.api.sockets.turn_writer import TurnWriter
from gateway.errors import GatewayError, InvalidRequest, ShuttingDown
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.memory import ConnectionMemory
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.sockets.relays import ClientRelays
from gateway.sockets import NORMAL_CLOSURE, SERVICE_RESTART, Leaving, Socket, SocketSession

log = logging.getLogger("gateway")

MOST_SECONDS: Final = 3600.0
"""How long a socket stays open, as at OpenAI."""
_MINUTE: Final = 60

Serve = Callable[[Create, Turn, TurnWriter], Coroutine[Any, Any, None]]
"""Serves a turn to its end, as a request; what goes wrong is written, too."""
MakeWriter = Callable[[Socket, Turn, str | None], TurnWriter]
"""Makes the writer of a turn, given its stream id."""


class Timer(Protocol):
    """A call that is going to be made."""

    def cancel(self) -> None:
        """Do not make it."""


Later = Callable[[float, Callable[[], None]], Timer]
"""Makes a call after some seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may use."""

    bounds: Bounds = field(default_factory=Bounds)
    memory_bytes: int = 32 * 1024 * 1024
    """Bytes of the items that are remembered."""
    memory_responses: int = 128
    seconds: float = MOST_SECONDS


def call_later(seconds: float, call: Callable[[], None]) -> Timer:
    """Make a call by the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, call)


class ResponsesSession(SocketSession):
    """Serves a socket on `/v1/responses`.

    `serve` serves each turn, `refused` records one that is refused before. `relays` are the
    upstream sockets behind this one, if there are any; `writer` makes what writes a turn's reply.
    """

    kind = "responses"

    def __init__(
        self,
        serve: Serve,
        refused: Callable[[GatewayError], None],
        relays: Callable[[Callable[[bytes], bool]], ClientRelays] | None = None,
        limits: Limits | None = None,
        later: Later = call_later,
        *,
        writer: MakeWriter = TurnWriter,
    ) -> None:
        self._limits = limits or Limits()
        self._serve_turn = serve
        self._note_refused = refused
        self._later = later
        self._make_writer = writer
        self._memory = ConnectionMemory(self._limits.memory_bytes, self._limits.memory_responses)
        self._queues = Queues(self._limits.bounds, self._serve, self._leave)
        self._turns: dict[TurnWriter, asyncio.Task[Any]] = {}
        self._socket: Socket | None = None
        self._over = asyncio.Event()
        self._leaving: Leaving | None = None
        """Why creates are refused by now; None: they are not."""
        self._is_too_old = False
        self._is_paused = False
        """Whether nothing is read, since the client does not read."""
        self.relays = relays(self._beside) if relays is not None else None
        """The upstream sockets."""

    async def run(self, socket: Socket) -> None:
        """Serve the socket; see `SocketSession`."""
        self._socket = socket
        timer = self._later(self._limits.seconds, self._grow_too_old)
        try:
            socket.attach(self)
            if self._leaving is not None:
                self._leave()
            await self._over.wait()
            await self._queues.ended()
        finally:
            timer.cancel()
            self._cut_off()
            await self._queues.ended()

    def drain(self, leaving: Leaving) -> None:
        """Refuse further creates; close when those that are here, waiting ones too, have ended."""
        self._leaving = leaving
        if self._queues.are_idle:
            self._leave()

    async def aclose(self) -> None:
        """Close the upstream sockets, and forget what is remembered."""
        self._memory.clear()
        if self.relays is not None:
            await self.relays.aclose()

    # --- called by the socket -----------------------------------------------------------------

    def received(self, message: bytes) -> None:
        """Take an event of the client."""
        try:
            create = read_event(message)
        except BadEvent as bad:
            relays = self.relays if bad.steered else None
            if bad.is_create:
                self._refuse_create(bad.error, bad.stream_id)
            elif relays is None or not relays.forward(message, bad.steered):
                self._refuse(bad.error, bad.stream_id)
            return
        if create is None:
            return
        error = self._closing() or self._queues.put(create)
        if error is not None:
            self._refuse_create(error, create.stream_id)

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        """Never called: the session reads whole messages."""

    def drained(self) -> None:
        """Resume all turns, and take further events."""
        if self._is_paused:
            self._is_paused = False
            cast("Socket", self._socket).resume_reading()
        for writer in tuple(self._turns):
            writer.resume()

    def closed(self, code: int, reason: str) -> None:  # noqa: ARG002
        """Cancel all turns whose last event the client does not have: it has left."""
        self._over.set()
        self._queues.take_waiting()
        for writer, task in tuple(self._turns.items()):
            if writer.has_ended:
                writer.resume()
            else:
                writer.gone = True
                task.cancel()

    # --- turns --------------------------------------------------------------------------------

    async def _serve(self, create: Create) -> None:
        task = asyncio.current_task()
        if self._socket is None or self._over.is_set() or task is None:
            return
        turn = Turn(create.fields, create.previous, self._memory)
        writer = self._make_writer(self._socket, turn, create.stream_id)
        self._turns[writer] = task
        try:
            await self._serve_turn(create, turn, writer)
        except Exception as error:
            decision = writer.decision or Decision()
            request_id = decision.request_id or "none"
            log.exception("a turn failed inside the gateway (request: %s)", request_id)
            writer.fail(client_error(error, decision))
        finally:
            turn.end()
            del self._turns[writer]

    def _cut_off(self) -> None:
        """End what has not ended, in the order of arrival, so that errors can be matched."""
        error = _connect_again(Leaving.STOPPING)
        for writer in tuple(self._turns):
            writer.fail(error)
        for create in self._queues.take_waiting():
            self._refuse_create(error, create.stream_id)
        self._queues.cancel()

    def _beside(self, frames: bytes) -> bool:
        """Pass on what an upstream's socket says outside of any turn."""
        return self._socket is None or self._socket.send_frames(frames, complete=True)

    def _refuse_create(self, error: GatewayError, stream_id: str | None) -> None:
        """Refuse what would be a request."""
        self._note_refused(error)
        self._refuse(error, stream_id)

    def _refuse(self, error: GatewayError, stream_id: str | None) -> None:
        socket = cast("Socket", self._socket)  # what is refused has come from it
        if not (socket.send(frame_of(error, stream_id)) or self._is_paused):
            # A client that does not read its errors cannot send for more of them.
            self._is_paused = True
            socket.pause_reading()

    def _closing(self) -> GatewayError | None:
        """Return the error for creates that come too late."""
        if self._leaving is not None:
            return _connect_again(self._leaving)
        return self._too_old() if self._is_too_old else None

    def _grow_too_old(self) -> None:
        self._is_too_old = True
        if self._queues.are_idle:
            self._leave()

    def _leave(self) -> None:
        """Close the socket, if that is due, since no turn is left."""
        if self._socket is None or self._over.is_set():
            return
        if self._leaving is not None:
            self._socket.close(SERVICE_RESTART, self._leaving.value)
        elif self._is_too_old:
            self._refuse(self._too_old(), None)
            self._socket.close(NORMAL_CLOSURE)

    def _too_old(self) -> InvalidRequest:
        minutes = round(self._limits.seconds / _MINUTE)
        return InvalidRequest(
            f"Responses websocket connection limit reached ({minutes} minutes). Create a new "
            "websocket connection to continue.",
            code="websocket_connection_limit_reached",
        )


def _connect_again(leaving: Leaving) -> ShuttingDown:
    return ShuttingDown(leaving.value, headers=(("retry-after", "1"),))
