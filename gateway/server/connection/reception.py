"""Receives requests on a connection: checks heads, and reads or streams bodies."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from gateway.api.admission import Admission, refusal
from gateway.api.concurrency import ClientSlots
from gateway.errors import GatewayError, body_timed_out
from gateway.request import Body, Head
from gateway.server.connection.head import MALFORMED, ReceivedHead
from gateway.server.connection.incoming import Incoming
from gateway.server.connection.lifetime import HEAD_TIMEOUT, Lifetime
from gateway.server.connection.partial_body import PartialBody
from gateway.server.connection.state import State
from gateway.server.connection.upload import UploadStream

MAX_PIPELINED = 64 * 1024
"""Bytes of further requests that are buffered while one is served; beyond, reading pauses."""
SMALL_BODY = 64 * 1024
"""Bytes up to which a body is handed on whole, even to handlers that accept streams."""
LARGE_READ = 128 * 1024
"""Bytes of one read after which other connections get their turn: libuv reads up to 32 times that
much in a row, which takes milliseconds."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_IDLE: Final = State.IDLE
_SERVING: Final = State.SERVING


class Reception(Lifetime):
    """The receiving half of a connection; the subclass serves the requests.

    `admit` checks a head. An awaited body may pause for `body_idle_timeout` seconds.
    """

    __slots__ = ("_body", "_body_idle_timeout", "_incoming", "_slots", "_turn", "_upload")

    def __init__(
        self, admit: Callable[[Head], Admission], send_timeout: float, body_idle_timeout: float
    ) -> None:
        super().__init__(send_timeout)
        self._body_idle_timeout = body_idle_timeout
        self._incoming = Incoming(admit)
        self._body = PartialBody()
        self._upload: UploadStream | None = None
        self._slots: ClientSlots | None = None
        """The slots in which the current request counts, if it does so since before its body."""
        self._turn: asyncio.Handle | None = None
        """The event loop's turn in which reading goes on, with the postponed part of a body."""

    def _take_settings(
        self, admit: Callable[[Head], Admission], send_timeout: float, body_idle_timeout: float
    ) -> None:
        """Use these settings from the next request on; the arguments are the constructor's."""
        self._incoming.change_admission(admit)
        self._body_idle_timeout = body_idle_timeout
        self.flow.limit(send_timeout)

    @property
    def is_serving(self) -> bool:
        """Whether a request is being served."""
        raise NotImplementedError

    @property
    def draining(self) -> bool:
        """Whether new requests are refused."""
        raise NotImplementedError

    def finish_soon(self) -> None:
        """Close the connection after the current reply."""
        raise NotImplementedError

    def _start(self, admission: Admission, body: Body, received: ReceivedHead) -> None:
        """Serve a request; `received` is `MALFORMED` if its head was."""
        raise NotImplementedError

    def _take_frames(self, data: bytes) -> None:
        """Take bytes on a socket; only the subclass opens any."""

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client (called by asyncio)."""
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
        elif state is State.HALF_CLOSED:
            self._discard(data)
        elif state is State.SOCKET:
            self._take_frames(data)

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
        """Serve a request whose body is complete or not needed; otherwise read on."""
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
        if not admission.needs_body or self.draining:
            self._refuse(admission, incoming.received)
            return
        admission, self._slots = admission.counted()
        incoming.admission = admission
        if not admission.needs_body:
            self._refuse(admission, incoming.received)
            return
        if incoming.received.expects_continue:
            self.outbox.flush()
            self.transport.write(_CONTINUE)
        self._body.append(piece)
        self._enter(State.BODY, self._body_idle_timeout)
        self._postpone()
        small = incoming.length is not None and incoming.length <= SMALL_BODY
        if not (admission.whole or small):
            self._serve_upload()

    def _take_body(self, data: bytes) -> None:
        incoming, upload = self._incoming, self._upload
        if self.is_serving and upload is None:
            self._discard(data)
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
            body = self._body.take()
            self._resume_reading()
            self._serve_whole(body)
        else:
            self._enter(State.BODY, self._body_idle_timeout)
            self._postpone(len(piece))

    def _postpone(self, size: int = 0) -> None:
        """Give other connections a turn: after `size` bytes, or before the rest of many chunks."""
        if (self._incoming.postponed or size >= LARGE_READ) and self._turn is None:
            self._pause_reading()
            self._turn = self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._turn = None
        upload = self._upload
        if self.state is not State.BODY:
            return
        if self._incoming.postponed and (upload is None or not upload.is_full):
            self._take_body(b"")
        self._read_on()

    def _read_on(self) -> None:
        upload = self._upload
        if not (self._incoming.postponed or (upload is not None and upload.is_full)):
            self._resume_reading()

    def _read_ahead(self) -> None:
        """Go on reading, unless enough of further requests has arrived, or a turn is scheduled."""
        if self.state is State.BODY:
            if self._turn is None:
                self._read_on()
        elif self.state is not State.SERVING or len(self._incoming.rest) <= MAX_PIPELINED:
            self._resume_reading()

    def _serve_whole(self, body: bytes) -> None:
        self.state = _SERVING
        self._due = inf
        self._timer.at = self.flow.due
        self._start(self._incoming.admission, body, self._incoming.received)

    def _serve_upload(self) -> None:
        self._upload = upload = UploadStream(self._upload_changed)
        upload.put(self._body.take())
        self._enter(State.BODY, inf)
        self._start(self._incoming.admission, upload, self._incoming.received)

    def _upload_changed(self) -> None:
        """Pause or resume reading; the client's time runs only while the body is awaited."""
        upload = self._upload
        if upload is None:
            return
        if upload.is_full:
            self._pause_reading()
        else:
            self._read_on()
            self._postpone()
        timeout = self._body_idle_timeout
        self._due = self._loop.time() + timeout if upload.is_awaited else inf
        self._arm()

    def _give_back(self) -> None:
        """Count the current request as ended."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.give_back()

    def _fail_body(self, error: GatewayError) -> None:
        """Answer a request whose body failed."""
        upload, self._upload = self._upload, None
        if upload is None:
            self._refuse(self._incoming.admission.failed(error), self._incoming.received)
            return
        self.finish_soon()
        self._enter(State.BODY, inf)
        upload.fail(error)

    def _refuse(self, admission: Admission, received: ReceivedHead = MALFORMED) -> None:
        """Answer a request without reading the rest of it, which is discarded."""
        self._body.clear()
        self._incoming.rest.clear()
        self._enter(State.BODY, inf)
        self._start(admission, b"", received)

    def _body_late(self) -> None:
        self._fail_body(body_timed_out(self._body_idle_timeout))
