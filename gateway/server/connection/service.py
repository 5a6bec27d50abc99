"""The serving half of a connection: hands requests to the application, in a task or without."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from gateway.api.admission import Admission, ServedAtOnce
from gateway.api.endings import shutting_down
from gateway.exchange.decision import Decision
from gateway.request import Body
from gateway.server.connection.head import ReceivedHead
from gateway.server.connection.reception import Reception
from gateway.server.connection.state import State
from gateway.server.connection.writer import WireWriter
from gateway.sockets import SocketSession, Traffic

if TYPE_CHECKING:
    from gateway.server.door import Door
    from gateway.server.websocket.client_socket import ClientSocket

log = logging.getLogger("gateway")

IDLE_TIMEOUT = 75.0
"""Seconds that a connection may wait for its next request. Longer than the clients' own timeouts
(openai-python: 5 s), so that clients close first."""

_NAME: Final = "request"
# An Enum's attribute takes ten times as long as a global, and every request needs these.
_IDLE: Final = State.IDLE
_BODY: Final = State.BODY
_CLOSED: Final = State.CLOSED


class Service(Reception, ABC):
    """Serves one request at a time; the subclass knows how a connection ends early."""

    __slots__ = ("_begun", "_door", "_serving", "_task", "_writer", "application")

    def __init__(self, door: "Door") -> None:
        application = door.application
        server = application.server
        super().__init__(application.admit, server.send_timeout, server.body_idle_timeout)
        self._door = door
        self.application = application
        """The application of the current request, and of the next unless the door has another."""
        self._writer: WireWriter | None = None
        self._serving: ServedAtOnce | None = None
        """The current request, if it began without a task; it is counted already."""
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        """Whether the current request's task has begun."""

    @property
    def busy(self) -> bool:
        """Whether a request is being received or served."""
        return self._writer is not None or self.state is State.BODY

    @property
    def is_serving(self) -> bool:
        """Whether a request is being served."""
        return self._writer is not None

    def _start(self, admission: Admission, body: Body, received: ReceivedHead) -> None:
        self._writer = writer = WireWriter(self, self._door, received)
        if self._door.finishing:
            writer.keep_alive = False
        if admission.at_once is not None and isinstance(body, bytes):
            self._serving = serving = admission.at_once(admission, body, writer, self)
            if serving is not None:
                self.outbox.call(serving.begin)
                return
        length = None
        if isinstance(body, bytes):
            self.outbox.expected += 1
        else:
            length = self._incoming.length
        serve = partial(self.application.serve, admission, body, writer, length)
        # With a name, since making one up takes a fifth of the time that a task takes.
        self._task = asyncio.Task(self._serve(serve, writer), loop=self._loop, name=_NAME)

    def served(self) -> None:
        """Go on after a request that needed no task; see `ClientConnection`."""
        if self._writer is not None:
            self._finish(self._writer)

    def serve_in_task(self) -> None:
        """Go on with the current request in a task; see `ClientConnection`."""
        serving, writer = cast("ServedAtOnce", self._serving), cast("WireWriter", self._writer)
        served = self._serve(serving.rest(), writer)
        # The current one may be that of an upstream's connection, and so of another request.
        context = self._door.context.copy()
        self._task = asyncio.Task(served, loop=self._loop, name=_NAME, context=context)

    async def _serve(self, serve: Callable[[], Awaitable[None]], writer: WireWriter) -> None:
        self._begun = True
        try:
            await serve()
        except asyncio.CancelledError:
            if not (writer.started or writer.gone):  # the grace period is over
                writer.keep_alive = False
                await writer.write_error(shutting_down(), writer.decision or Decision())
        except Exception:
            log.exception("a request failed inside the gateway")
        finally:
            self._finish(writer)

    def _finish(self, writer: WireWriter) -> None:
        """Wait for the next request, or close: visibly, if the reply is incomplete."""
        state, incoming = self.state, self._incoming
        self._writer = self._serving = self._task = self._upload = None
        self._begun = False
        if self._slots is not None:
            self._give_back()
        if state is _CLOSED:
            self._forget()
        elif not writer.complete:
            self._cut_short(writer)
        elif state is _BODY or (incoming.rest and not writer.keep_alive):
            incoming.close()
            self._half_close()
        elif not writer.keep_alive:
            self._close()
        else:
            self.state = _IDLE
            self._due = due = self._loop.time() + IDLE_TIMEOUT
            # Later than the timer's next wake-up in any case, so nothing has to be scheduled.
            self._timer.at = due
            if self.flow.due < due:
                self._timer.at = self.flow.due
            if self.application is not self._door.application:
                self._change_application()
            if incoming.rest:
                self._take_head(b"")
            if self._reading_paused:
                self._read_ahead()

    def _change_application(self) -> None:
        self.application = application = self._door.application
        server = application.server
        self._take_settings(application.admit, server.send_timeout, server.body_idle_timeout)
        self._door.changed()

    @abstractmethod
    def open_socket(
        self, session: SocketSession, decision: Decision, traffic: Traffic
    ) -> "ClientSocket":
        """Accept the handshake of the current request; see `Wire`."""

    @abstractmethod
    def _cut_short(self, writer: WireWriter) -> None:
        """Close so that the client sees that the reply is incomplete."""

    @abstractmethod
    def _forget(self) -> None:
        """Note that the connection and its request have ended."""

    def _cancel(self) -> None:
        """Cancel the current request. Its task begins, if it is to record the end."""
        if self._task is None:
            self.serve_in_task()
        task = cast("asyncio.Task[None]", self._task)
        if self._begun or self._serving is None:
            task.cancel()
        else:
            self._loop.call_soon(task.cancel)
