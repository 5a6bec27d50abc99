"""uvicorn's HTTP/1.1 protocol, closing so that the client gets the reply it was sent.

A reply can be the last one on its connection while the client still sends the request's body: a
413, say. Closing a socket with unread bytes resets the connection, and a reset can destroy the
reply before the client has read it. So the gateway first ends its own side only, reads on for a
moment and throws away what comes (RFC 9112 section 9.6).
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_SECONDS = 2.0
LINGER_BYTES = 16 * 1024 * 1024
"""What a client may still send before its connection is closed all the same."""


class LingeringHttpProtocol(HttpToolsProtocol):
    """One client connection, which is not closed in the middle of what the client sends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: asyncio.TimerHandle | None = None
        self._thrown_away = 0

    @property
    def lingering(self) -> bool:
        """Whether the last reply is written, and what comes is thrown away."""
        return self._lingering is not None

    def close_in_order(self) -> None:
        """Close after what was written, and after what the client still sends."""
        if self._lingering is not None or self.transport.is_closing():
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self._lingering = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Take what comes; throw it away once the last reply is written."""
        if self._lingering is None:
            super().data_received(data)
            return
        self._thrown_away += len(data)
        if self._thrown_away > LINGER_BYTES:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop lingering."""
        if self._lingering is not None:
            self._lingering.cancel()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Let the request's cycle close the connection by way of this protocol."""
        super().on_headers_complete()
        self.cycle.transport = cast("asyncio.Transport", _ReplyTransport(self))

    def on_response_complete(self) -> None:
        """Go on with the next request, unless this reply was the last one."""
        if self._lingering is None:
            super().on_response_complete()


class _ReplyTransport:
    """What a cycle of uvicorn's does with its transport, with another way to close it."""

    def __init__(self, protocol: LingeringHttpProtocol) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        protocol = self._protocol
        if protocol.cycle.more_body:
            protocol.close_in_order()
        else:
            protocol.transport.close()
