"""One client connection: which request is under way, and the task that serves it.

What knows bytes is elsewhere: `incoming.py` reads (with `head.py` and `body.py`), `writer.py`
writes. Times, and how a connection ends, are `lifetime.py`'s.
"""

import asyncio
import logging
from math import inf
from typing import TYPE_CHECKING, Final

from gateway.api.admission import Admission, refusal
from gateway.errors import GatewayError, InvalidRequest, ShuttingDown
from gateway.exchange.message import Decision
from gateway.request import Body
from gateway.server.head import ReceivedHead
from gateway.server.incoming import Incoming
from gateway.server.lifetime import HEAD_TIMEOUT, Lifetime
from gateway.server.state import State
from gateway.server.upload import UploadStream
from gateway.server.writer import WireWriter

if TYPE_CHECKING:
    from gateway.server.door import Door

log = logging.getLogger("gateway")

IDLE_TIMEOUT = 75.0
"""Seconds that a connection may wait for its next request. Longer than the clients' own
(openai-python: 5 s), so that they are the ones who close."""
MAX_PIPELINED = 64 * 1024
"""Bytes of further requests that are held while one is served; beyond, nothing more is read."""
SMALL_BODY = 64 * 1024
"""Bytes of a body that is handed on as a whole even to those who would take it as it arrives."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# An attribute of an Enum takes ten times as long as a global, and these are for every request.
_IDLE: Final = State.IDLE
_BODY: Final = State.BODY
_SERVING: Final = State.SERVING
_CLOSED: Final = State.CLOSED


class Connection(Lifetime):
    """One client connection: one request at a time, each with its reply, until it closes."""

    __slots__ = ("_begun", "_body", "_door", "_incoming", "_task", "_upload", "_writer")

    def __init__(self, door: "Door") -> None:
        super().__init__(door.send_timeout)
        self._door = door
        self._incoming = Incoming(door.application.admit)
        self._body: list[bytes] = []
        self._upload: UploadStream | None = None
        self._writer: WireWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False

    # --- called by asyncio --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        super().connection_made(transport)
        self._door.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        state = self.state
        if state is _IDLE:
            body = self._incoming.repeated(data)
            if body is None:
                self._take_head(data)
            else:
                self._serve_whole(body)
        elif state is State.HEAD:
            self._take_head(data)
        elif state is State.BODY:
            self._take_body(data)
        elif state is State.SERVING:
            self._incoming.rest += data
            if len(self._incoming.rest) > MAX_PIPELINED:
                self._pause_reading()
        elif state is State.LINGERING:
            self._throw_away(data)

    def resume_writing(self) -> None:
        """Let the reply under way go on."""
        super().resume_writing()
        if self._writer is not None:
            self._writer.resume()

    # --- called by the writer and the door ----------------------------------------------------

    def date_line(self) -> bytes:
        """Return the `date` line of a reply's head."""
        return self._door.date_line()

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._task is not None or self.state is State.BODY

    def finish_soon(self) -> None:
        """End the connection with the reply under way."""
        if self._writer is not None:
            self._writer.keep_alive = False

    def cut_off(self) -> "asyncio.Task[None] | None":
        """End what is under way, now; return the task that ends it, if there is one."""
        if self._task is not None:
            if self._begun:  # else it ends by itself: the gateway takes no requests any more
                self._task.cancel()
        elif self.state is State.BODY:
            self._fail_body(_shutting_down())
        elif self.state is not State.CLOSED:
            self._close()
        return self._task

    # --- a request comes in -------------------------------------------------------------------

    def _take_head(self, data: bytes) -> None:
        try:
            complete = self._incoming.take_head(data)
        except GatewayError as error:
            self._refuse(refusal(error))
            return
        if complete:
            self._begin_body()
        elif self.state is _IDLE and self._incoming.rest:
            self._enter(State.HEAD, HEAD_TIMEOUT)

    def _begin_body(self) -> None:
        """Serve a request whose body is here, or is not wanted; else read on."""
        incoming = self._incoming
        admission = incoming.admission
        try:
            piece = incoming.begin_body()
        except GatewayError as error:
            refused = admission.failed(error) if admission.needs_body else admission
            self._refuse(refused, incoming.received)
            return
        if incoming.body_complete:
            self._serve_whole(piece)
            return
        if not admission.needs_body or self._door.draining:
            self._refuse(admission, incoming.received)
            return
        if incoming.received.expects_continue:
            self.transport.write(_CONTINUE)
        self._body.append(piece)
        self._enter(State.BODY, self._door.body_idle_timeout)
        self._postpone()
        small = incoming.length is not None and incoming.length <= SMALL_BODY
        if not (admission.whole or small):
            self._serve_upload()

    def _take_body(self, data: bytes) -> None:
        incoming, upload = self._incoming, self._upload
        if self._task is not None and upload is None:
            self._throw_away(data)
            return
        data = incoming.postponed + data
        try:
            piece = incoming.take_body(data)
        except GatewayError as error:
            self._fail_body(error)
            return
        if upload is not None:
            upload.put(piece)
            if incoming.body_complete:
                upload.finish()
                self._upload = None
                self._enter(State.SERVING, inf)
                self._resume_reading()
            else:
                self._upload_changed()
                self._postpone()
            return
        self._body.append(piece)
        if incoming.body_complete:
            body = b"".join(self._body)
            self._body.clear()
            self._resume_reading()
            self._serve_whole(body)
        else:
            self._enter(State.BODY, self._door.body_idle_timeout)
            self._postpone()

    def _postpone(self) -> None:
        """Let others have their turn before more of a body is taken that costs much time."""
        if self._incoming.postponed:
            self._pause_reading()
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        upload = self._upload
        if self.state is not State.BODY or not self._incoming.postponed:
            return
        if upload is None or not upload.is_full:
            self._take_body(b"")
            self._read_on()

    def _read_on(self) -> None:
        upload = self._upload
        if not (self._incoming.postponed or (upload is not None and upload.is_full)):
            self._resume_reading()

    def _serve_whole(self, body: bytes) -> None:
        self._rest_assured(_SERVING, inf)
        self._start(self._incoming.admission, body, self._incoming.received)

    def _serve_upload(self) -> None:
        self._upload = upload = UploadStream(self._upload_changed)
        for piece in self._body:
            upload.put(piece)
        self._body.clear()
        self._enter(State.BODY, inf)
        self._start(self._incoming.admission, upload, self._incoming.received)

    def _upload_changed(self) -> None:
        """Read on, or not; the client's time runs only while somebody waits for it."""
        upload = self._upload
        if upload is None:
            return
        if upload.is_full:
            self._pause_reading()
        else:
            self._read_on()
            self._postpone()
        timeout = self._door.body_idle_timeout
        self._due = self._loop.time() + timeout if upload.is_awaited else inf
        self._arm()

    def _fail_body(self, error: GatewayError) -> None:
        """Answer a request whose body cannot be read to its end."""
        upload, self._upload = self._upload, None
        if upload is None:
            self._refuse(self._incoming.admission.failed(error), self._incoming.received)
            return
        self.finish_soon()
        self._enter(State.BODY, inf)
        upload.fail(error)

    def _refuse(self, admission: Admission, received: ReceivedHead | None = None) -> None:
        """Answer a request of which no more is read; what still comes is thrown away."""
        self._body.clear()
        self._incoming.rest.clear()
        self._enter(State.BODY, inf)
        self._start(admission, b"", received)

    # --- a reply goes out ---------------------------------------------------------------------

    def _start(self, admission: Admission, body: Body, received: ReceivedHead | None) -> None:
        self._writer = writer = WireWriter(self, received, self._door.keepalive_interval)
        if self._door.draining:
            writer.keep_alive = False
        self._task = self._loop.create_task(self._serve(admission, body, writer))

    async def _serve(self, admission: Admission, body: Body, writer: WireWriter) -> None:
        self._begun = True
        length = None if isinstance(body, bytes) else self._incoming.length
        try:
            await self._door.application.serve(admission, body, writer, length)
        except asyncio.CancelledError:
            if not (writer.started or writer.gone):  # the grace period is over
                writer.keep_alive = False
                await writer.write_error(_shutting_down(), Decision())
        except Exception:
            log.exception("a request failed inside the gateway")
        finally:
            self._finish(writer)

    def _finish(self, writer: WireWriter) -> None:
        """Be ready for the next request, or close: visibly, if the reply is not complete."""
        state, incoming = self.state, self._incoming
        self._writer = self._task = self._upload = None
        self._begun = False
        if state is _CLOSED:
            self._door.forget(self)
        elif not writer.complete:
            self._cut_short(writer)
        elif state is _BODY or (incoming.rest and not writer.keep_alive):
            incoming.close()
            self._linger()
        elif not writer.keep_alive:
            self._close()
        else:
            self._rest_assured(_IDLE, self._loop.time() + IDLE_TIMEOUT)
            if self._reading_paused:
                self._resume_reading()
            if incoming.rest:
                self._take_head(b"")

    def _cut_short(self, writer: WireWriter) -> None:
        """Let the client see that the reply has no end."""
        if writer.started and writer.ends_with_connection:
            self._abort()
        else:
            self._close()

    def _left(self, state: State) -> None:
        """Take note that nobody is there any more; end the request under way."""
        if state is State.BODY and self._task is None:
            self._door.application.abandoned(self._incoming.admission)
        self._incoming.close()
        self._body.clear()
        self._upload = None
        if self._writer is not None and self._task is not None:
            self._writer.gone = True
            self._task.cancel()
        if not self._begun:
            # A task that has not begun never will: it cannot end the request itself.
            self._writer = self._task = None
            self._door.forget(self)

    def _body_late(self) -> None:
        seconds = self._door.body_idle_timeout
        self._fail_body(
            InvalidRequest(
                f"No part of the request body came for {seconds:g} s.",
                status=408,
                code="request_timeout",
            )
        )


def _shutting_down() -> ShuttingDown:
    return ShuttingDown("The gateway is shutting down; try again.")
