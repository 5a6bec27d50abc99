"""Makes the sessions of clients' sockets, whose turns are requests like any other."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import structs

from gateway.api.admission import Handler
from gateway.api.handshakes import BETA
from gateway.api.handshakes import Turns as TurnsOfSocket
from gateway.api.sockets.client_events import Create
from gateway.api.sockets.queues import Bounds
from gateway.api.sockets.session import Limits, ResponsesSession
from gateway.api.sockets.turn_writer import TurnWriter
from gateway.api.upgrades import refuse_websocket
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.errors.own_key import in_own_words
from gateway.exchange.flow import Exchange
from gateway.exchange.remembered.prewarm import prewarmed
from gateway.exchange.remembered.turns import Turn, Turns
from gateway.exchange.reply.without_compression import without_compression
from gateway.exchange.sockets import relays as relayed
from gateway.request import GenerationRequest, Request
from gateway.sockets import SocketSession

_REPORT: Final = "gateway_report"
_YES: Final = ("1", "true")

OfClient = Callable[[Callable[[bytes], bool]], relayed.ClientRelays]
"""Makes the relays of one client's socket; see `Relays`."""
OpenRealtime = Callable[[Request, Decision], Awaitable[SocketSession | ClientReply]]
"""Opens a realtime session, or returns its upstream's refusal. Raises `GatewayError`."""


class Sessions:
    """Makes sessions. `turns` returns the turns on the socket of a handshake.

    `relays` are the upstreams with sockets, `realtime` opens sessions of the Realtime API; None:
    there are none.
    """

    def __init__(
        self,
        exchange: Exchange,
        turns: Callable[[Request], TurnsOfSocket],
        relays: relayed.Relays | None = None,
        realtime: OpenRealtime | None = None,
    ) -> None:
        self._continuing = Turns(exchange)
        self._wall_clock = exchange.attempts.wall_clock
        self._settings = exchange.settings
        self._limit = exchange.settings.server.max_body_bytes
        self._turns = turns
        self._relays = relays
        self._realtime = realtime

    async def responses(self, request: Request, decision: Decision) -> ResponsesSession:  # noqa: ARG002
        """Return the session of a socket on `/v1/responses`; `request` is the handshake."""
        query, reports = _without_report(request.query)
        requests = self._turns(structs.replace(request, query=query))

        def serve(create: Create, turn: Turn, writer: TurnWriter) -> Coroutine[Any, Any, None]:
            def adapted(generate: Handler) -> Handler:
                return partial(self._answer, create, turn, session.relays, generate)

            return requests.serve(adapted, writer)

        limits = Limits(Bounds(waiting_bytes=self._limit), memory_bytes=self._limit)
        writer = partial(TurnWriter, in_own_words=self._in_own_words, reports=reports)
        relays = self._of_client(request)
        session = ResponsesSession(serve, requests.refused, relays, limits, writer=writer)
        return session

    def _in_own_words(self, upstream: str, error: GatewayError) -> GatewayError:
        """Return what the client gets of an error in a stream; `upstream` is empty for our own."""
        return in_own_words(self._settings.upstream(upstream), error) if upstream else error

    def _of_client(self, request: Request) -> OfClient | None:
        """Return what makes the relays of a socket."""
        if self._relays is None:
            return None
        betas = tuple(field for field in request.headers if field[0] == BETA)
        return partial(self._relays.of_client, betas=betas)

    async def realtime(self, request: Request, decision: Decision) -> SocketSession | ClientReply:
        """Return the session of a socket of the Realtime API; raises `GatewayError`."""
        if self._realtime is None:
            raise refuse_websocket()
        return await self._realtime(request, decision)

    async def _answer(
        self,
        create: Create,
        turn: Turn,
        relays: relayed.ClientRelays | None,
        generate: Handler,
        request: GenerationRequest,
        decision: Decision,
    ) -> ClientReply:
        """Answer a turn: by a socket of its upstream, or over HTTP, or here."""
        if relays is not None:
            previous = turn.previous if isinstance(turn.previous, str) else None
            known = previous is not None and turn.recall(previous) is not None
            call = request.with_body(turn.body)
            event = relayed.Create(create.message, create.stream_id, previous, known)
            reply = await relays.turn(call, decision, event)
            if reply is not None:
                return reply
        if not create.generates:
            return prewarmed(turn, request, decision, self._wall_clock())
        generate = partial(_uncompressed, generate)
        return await self._continuing.run(turn, request, decision, generate)


async def _uncompressed(
    generate: Handler, request: GenerationRequest, decision: Decision
) -> ClientReply:
    return without_compression(await generate(request, decision))


def _without_report(query: bytes) -> tuple[bytes, bool]:
    """Return a handshake's query without the wish for reports, and whether it has that."""
    rest, reports = [], False
    for pair in query.split(b"&") if query else ():
        named = parse_qsl(pair.decode("latin-1"), keep_blank_values=True)
        if named and named[0][0] == _REPORT:
            reports = named[0][1] in _YES
        else:
            rest.append(pair)
    return b"&".join(rest), reports
