"""Two sockets whose frames are passed on as they come: a client's, and one at an upstream."""

import asyncio
import contextlib
from secrets import token_hex
from typing import Final

from gateway.errors import GatewayError
from gateway.exchange.sockets.first_message import FirstMessage, MessageJudge
from gateway.frames import FrameScanner
from gateway.sockets import (
    ABNORMAL_CLOSURE,
    GOING_AWAY,
    INTERNAL_ERROR,
    SERVICE_RESTART,
    Leaving,
    Socket,
    SocketSession,
    UpstreamSocket,
)
from gateway.translate.stream.sse import encode_json

_LOST: Final = "The connection to the upstream was lost."
_BROKEN: Final = "The upstream has broken the WebSocket protocol: %s."
_BROKEN_BY_CLIENT: Final = "The client has broken the WebSocket protocol."
LAST_SECONDS: Final = 1.0
"""How long the frame that a client is getting, and its closing handshake, may take at the end."""


class End:
    """One end of the pair: the `SocketUser` of its own socket, which passes on to `other`."""

    other: "End"

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.gone = asyncio.Event()
        self.passed_on = 0
        """How many bytes this end's peer has sent, the heads of frames included."""
        self.complete = True
        """Whether the last bytes of this end's peer were the end of a frame."""

    def received(self, message: bytes) -> None:
        """Never called: the sockets hand over frames."""

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        """Pass on frames; read no faster than the other side does."""
        self.passed_on += len(data)
        self.complete = complete
        if not self.other.socket.send_frames(data, complete=complete):
            self.socket.pause_reading()

    def drained(self) -> None:
        """Let the other side send on."""
        self.other.socket.resume_reading()

    def closed(self, code: int, reason: str) -> None:  # noqa: ARG002
        """Note that this end's socket is closed."""
        self.gone.set()


class ClientEnd(End):
    """The client's end: when the client closes its socket, the upstream's is closed likewise."""

    def __init__(self, socket: Socket, upstream: UpstreamSocket) -> None:
        super().__init__(socket)
        self._upstream = upstream

    def closed(self, code: int, reason: str) -> None:
        """Close the upstream's socket as the client has closed its own.

        Frames that a client has sent before it broke the protocol still reach the upstream.
        """
        super().closed(code, reason)
        if code != ABNORMAL_CLOSURE:
            self._upstream.close(code, reason)
        elif reason:
            self._upstream.close(GOING_AWAY, _BROKEN_BY_CLIENT)
        else:
            self._upstream.abort()


class UpstreamEnd(End):
    """The upstream's end. `judge` judges its first message, and the reason of its end."""

    is_leaving = False
    """Whether the client is to be sent away as soon as its current frame is complete."""

    def __init__(self, socket: Socket, scanner: FrameScanner, judge: MessageJudge | None) -> None:
        super().__init__(socket)
        self._judge = judge
        self._first = FirstMessage(scanner, judge) if judge is not None else None

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        """Pass on frames; see `End`."""
        first = self._first
        if first is not None:
            data = first.take(data)
            if first.error is not None:
                self._refuse(first.error)
                return
            if first.is_known:
                self._first = None
            elif not data:
                return
            complete = complete or first.is_held
        super().received_frames(data, complete=complete)
        if self.is_leaving and complete:
            self._send_away()

    def closed(self, code: int, reason: str) -> None:
        """Close the client's socket as the upstream has closed its own.

        A connection that was lost must not look as if it was closed in order.
        """
        super().closed(code, reason)
        if code == ABNORMAL_CLOSURE:
            code, reason = INTERNAL_ERROR, _BROKEN % reason if reason else _LOST
        elif self._judge is not None and (error := self._judge(_as_error(reason))) is not None:
            self._refuse(error)
        self.other.socket.close(code, reason)

    def _refuse(self, error: GatewayError) -> None:
        """Tell the client an error of the gateway's, and close both sockets."""
        self._judge = self._first = None
        details = {**error.envelope()["error"], "event_id": None}
        event = {"type": "error", "event_id": f"event_{token_hex(12)}", "error": details}
        self.other.socket.send(encode_json(event))
        self.other.socket.close(INTERNAL_ERROR, str(error.code))
        self.socket.close(GOING_AWAY)

    def leave(self) -> None:
        """Close both sockets, since the gateway stops."""
        self.is_leaving = True
        if self.complete:
            self._send_away()

    def _send_away(self) -> None:
        self.other.socket.close(SERVICE_RESTART, Leaving.STOPPING.value)
        self.socket.close(GOING_AWAY)


def _as_error(reason: str) -> bytes:
    """Return a close frame's reason as an error: OpenAI writes the type and the code (`a.b`)."""
    error = {"message": reason, "code": reason.rpartition(".")[2]}
    return encode_json({"type": "error", "error": error})


class RealtimeSession(SocketSession):
    """Serves a client's socket by an open socket at an upstream.

    `judge` judges the upstream's first message and the reason of its end; without it, both are
    passed on to the client.
    """

    kind = "realtime"

    def __init__(self, upstream: UpstreamSocket, judge: MessageJudge | None = None) -> None:
        self._judge = judge
        self.headers = upstream.headers
        self._upstream = upstream

    async def run(self, socket: Socket) -> None:
        """Pass on frames until both sockets are closed; see `SocketSession`.

        When cancelled, it closes them with a reason, after a whole frame.
        """
        socket.take_frames(pings=True)
        scanner = self._upstream.take_frames(pings=True)
        client = ClientEnd(socket, self._upstream)
        upstream = UpstreamEnd(self._upstream, scanner, self._judge)
        client.other, upstream.other = upstream, client
        client.socket.attach(client)
        upstream.socket.attach(upstream)
        try:
            await client.gone.wait()
            await upstream.gone.wait()
        except asyncio.CancelledError:
            upstream.leave()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await client.gone.wait()
            raise

    def drain(self, leaving: Leaving) -> None:
        """Go on: a session is one request, as a stream is, and ends by itself or is cancelled."""

    async def aclose(self) -> None:
        """Drop the upstream's socket, if it is still open."""
        self._upstream.abort()
