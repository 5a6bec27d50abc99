"""Two sockets whose frames are passed on as they come: a client's, and one at an upstream."""

import asyncio
import contextlib
from typing import Final

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
        """Bytes that its peer has sent, the heads of frames among them."""
        self.complete = True
        """Whether what its peer has sent last ends where a frame ends."""

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
        """Note the end of its socket."""
        self.gone.set()


class ClientEnd(End):
    """The client's end; its leaving ends the upstream's socket in the same manner."""

    def __init__(self, socket: Socket, upstream: UpstreamSocket) -> None:
        super().__init__(socket)
        self._upstream = upstream

    def closed(self, code: int, reason: str) -> None:
        """Close the upstream's socket as the client has closed its own.

        What a client has sent before it broke the protocol still reaches the upstream.
        """
        super().closed(code, reason)
        if code != ABNORMAL_CLOSURE:
            self._upstream.close(code, reason)
        elif reason:
            self._upstream.close(GOING_AWAY, _BROKEN_BY_CLIENT)
        else:
            self._upstream.abort()


class UpstreamEnd(End):
    """The upstream's end."""

    is_leaving = False
    """Whether the client is sent away, as soon as the frame that it gets is complete."""

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        """Pass on frames; see `End`."""
        super().received_frames(data, complete=complete)
        if self.is_leaving and complete:
            self._send_away()

    def closed(self, code: int, reason: str) -> None:
        """Close the client's socket as the upstream has closed its own.

        A connection that was lost must not look like an end in order.
        """
        super().closed(code, reason)
        if code == ABNORMAL_CLOSURE:
            code, reason = INTERNAL_ERROR, _BROKEN % reason if reason else _LOST
        self.other.socket.close(code, reason)

    def leave(self) -> None:
        """Close both sockets, since the gateway stops."""
        self.is_leaving = True
        if self.complete:
            self._send_away()

    def _send_away(self) -> None:
        self.other.socket.close(SERVICE_RESTART, Leaving.STOPPING.value)
        self.socket.close(GOING_AWAY)


class RealtimeSession(SocketSession):
    """Serves a client's socket by one at an upstream, which is open."""

    kind = "realtime"

    def __init__(self, upstream: UpstreamSocket) -> None:
        self.headers = upstream.headers
        self._upstream = upstream

    async def run(self, socket: Socket) -> None:
        """Pass on frames until both sockets are closed; see `SocketSession`.

        When cancelled, it closes them with a reason, after a whole frame.
        """
        client, upstream = ClientEnd(socket, self._upstream), UpstreamEnd(self._upstream)
        client.other, upstream.other = upstream, client
        for end in (client, upstream):
            end.socket.take_frames(pings=True)
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
