"""A call's body, as httpcore2 reads it."""

from collections.abc import AsyncIterator

from gateway.errors import Reason, UpstreamError
from gateway.shapes import UpstreamCall
from gateway.upstream.transport.request_body import measured


class RequestBody:
    """A body in one piece, which can be read repeatedly, or a stream, which comes once."""

    def __init__(self, call: UpstreamCall) -> None:
        self._upstream = call.upstream
        self._body = call.body
        self._length = call.body_length
        self._was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._was_read = True
        if isinstance(self._body, bytes):
            yield self._body
            return
        async for piece in measured(self._body, self._length):
            yield piece

    def check_unread(self) -> None:
        """Raise `UpstreamError` if reading the body again would give another one.

        httpcore2 repeats a request that a server of HTTP/2 left out when it ended the connection.
        """
        if self._was_read and not isinstance(self._body, bytes):
            raise UpstreamError(
                f"Upstream '{self._upstream}' ended the connection before it took the request, "
                "whose streamed body the gateway cannot send again. Send it once more.",
                reason=Reason.CLOSED,
            )
