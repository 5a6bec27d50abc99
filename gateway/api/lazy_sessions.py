"""The sessions of clients' sockets, made with the first socket: what serves them takes memory."""

from collections.abc import Callable

from gateway.api.router import Sessions
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.lazy import Lazy
from gateway.request import Request
from gateway.sockets import SocketSession


class LazySessions(Sessions):
    """The `Sessions` that `make` returns at the first handshake."""

    def __init__(self, make: Callable[[], Sessions]) -> None:
        self._made = Lazy(make)

    async def responses(self, request: Request, decision: Decision) -> SocketSession | ClientReply:
        """Return the session of a socket at `/v1/responses`; see `Sessions`."""
        sessions = await self._made.get()
        return await sessions.responses(request, decision)

    async def realtime(self, request: Request, decision: Decision) -> SocketSession | ClientReply:
        """Return the session of a socket of the Realtime and Live APIs; see `Sessions`."""
        sessions = await self._made.get()
        return await sessions.realtime(request, decision)
