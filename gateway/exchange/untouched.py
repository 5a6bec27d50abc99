"""Passes an upstream's body on as it comes, and adds nothing but the error that breaks it off."""

from collections.abc import AsyncGenerator, Callable
from typing import Final, cast

from gateway.errors import GatewayError
from gateway.exchange.message import Outcome, ReplyBody, Source
from gateway.exchange.sending import header, is_event_stream
from gateway.shapes import Shape, UpstreamReply
from gateway.translate.sse import broken_off

_IN_MID_EVENT: Final = b" "
"""Where a stream has to be taken for broken off whose last piece is not known."""


def passed_on(reply: UpstreamReply, client: Shape | None = None) -> ReplyBody:
    """Return an upstream's body as a reply body, untouched.

    Reading it raises what reading the reply raises. The client of an event stream, whose shape is
    `client` where that is known, is told by an event instead, and gets no terminator.
    """
    if hasattr(reply, "pour"):
        poured = _Poured(reply, client)
        return ReplyBody(poured.chunks(), reply.aclose, poured, poured)
    untouched = _Untouched(reply, client)
    return ReplyBody(untouched.chunks(), reply.aclose, outcome=untouched)


class _Untouched(Outcome):
    __slots__ = ("_client", "_reply")

    def __init__(self, reply: UpstreamReply, client: Shape | None) -> None:
        self.failure = None
        self._reply = reply
        self._client = client

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        reply = self._reply
        chunk = b""
        try:
            async for chunk in reply.chunks():
                yield chunk
        except GatewayError as error:
            if not self._can_tell():
                raise
            yield self._tell(error, chunk)
        finally:
            await reply.aclose()

    def _can_tell(self) -> bool:
        """Whether an event can be added: not where it would break a length or a coding."""
        headers = self._reply.headers
        framed = header(headers, b"content-length") or header(headers, b"content-encoding")
        return is_event_stream(headers) and not framed

    def _tell(self, error: GatewayError, tail: bytes) -> bytes:
        self.failure = error.bare()
        return broken_off(self._client, error, tail)


class _Poured(_Untouched):
    """One that need not be iterated: it is a `Source` as well."""

    __slots__ = ("_source", "resume")

    def __init__(self, reply: UpstreamReply, client: Shape | None) -> None:
        super().__init__(reply, client)
        self._source = cast("Source", reply)
        self.resume = self._source.resume

    async def pour(self, take: Callable[[bytes], bool]) -> None:
        try:
            await self._source.pour(take)
        except GatewayError as error:
            if not self._can_tell():
                raise
            take(self._tell(error, getattr(self._source, "last", _IN_MID_EVENT)))
