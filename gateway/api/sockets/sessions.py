"""Makes the sessions of clients' sockets, whose turns are requests like any other."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.api.admission import Admission
from gateway.api.concurrency import ClientSlots
from gateway.api.sockets.client_events import Create
from gateway.api.sockets.queues import Bounds
from gateway.api.sockets.session import Limits, ResponsesSession
from gateway.api.sockets.turn_writer import TurnWriter
from gateway.api.writing import ReplyWriter
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.remembered.prewarm import prewarmed
from gateway.exchange.remembered.turns import Generate, Turn, Turns
from gateway.exchange.sockets import relays as relayed
from gateway.headers import HOP_BY_HOP, JSON
from gateway.request import GenerationRequest, Request
from gateway.request_ids import HEADER
from gateway.shapes import ClientHeaders, RawHeaders, Shape

_REPORT: Final = "gateway_report"
_OF_THE_HANDSHAKE: Final = HOP_BY_HOP | {HEADER, JSON[0]}
_HANDSHAKE: Final = b"sec-websocket-"
_YES: Final = ("1", "true")

ServeRequest = Callable[[Admission, bytes, ReplyWriter], Coroutine[Any, Any, None]]
"""Serves an admitted request to its end: `Gateway.serve`."""


class Sessions:
    """Makes sessions. `generate` serves requests of the generation endpoints.

    `slots` are those of clients by their names; `begin` returns what begins the span of a turn of a
    socket whose handshake had these fields, None if requests are not traced.
    """

    def __init__(
        self,
        exchange: Exchange,
        generate: Generate,
        serve: ServeRequest,
        slots: Mapping[str, ClientSlots],
        relays: relayed.Relays | None = None,
        begin: Callable[[RawHeaders], Callable[[], None]] | None = None,
    ) -> None:
        self._turns = Turns(exchange, generate)
        self._generate = generate
        self._wall_clock = exchange.attempts.wall_clock
        self._limit = exchange.settings.server.max_body_bytes
        self._serve = serve
        self._slots = slots
        self._relays = relays
        self._begin = begin

    async def responses(self, request: Request, decision: Decision) -> ResponsesSession:  # noqa: ARG002
        """Return the session of a socket on `/v1/responses`; `request` is the handshake."""
        query, reports = _without_report(request.query)
        admission = self._admission(request, query)
        limits = Limits(Bounds(waiting_bytes=self._limit), memory_bytes=self._limit)

        def serve(create: Create, turn: Turn, writer: TurnWriter) -> Coroutine[Any, Any, None]:
            handler = partial(self._answer, create, turn, session.relays)
            return self._serve(replace(admission, handler=handler), b"", writer)

        of_client = None if self._relays is None else self._relays.of_client
        session = ResponsesSession(serve, of_client, limits, reports=reports)
        return session

    def _admission(self, request: Request, query: bytes) -> Admission:
        """Return the admission that all turns of a socket have, but for their handlers."""
        headers = ClientHeaders(
            [
                *(field for field in request.headers if not _is_of_the_handshake(field[0])),
                JSON,
            ]
        )
        turn = GenerationRequest.at(Shape.RESPONSES, b"", headers, query, request.client)
        name = request.client.name if request.client is not None else ""
        return Admission(
            replace(turn, model=request.model),
            self._generate,
            self._limit,
            label=Shape.RESPONSES,
            client=name,
            slots=self._slots.get(name),
            begin=self._begin(request.headers) if self._begin is not None else None,
        )

    async def _answer(
        self,
        create: Create,
        turn: Turn,
        relays: relayed.ClientRelays | None,
        request: GenerationRequest,
        decision: Decision,
    ) -> ClientReply:
        """Answer a turn: by a socket of its upstream, or over HTTP, or here."""
        if relays is not None:
            previous = turn.previous if isinstance(turn.previous, str) else None
            call = request.with_body(turn.body)
            event = relayed.Create(create.message, create.stream_id, previous)
            reply = await relays.turn(call, decision, event)
            if reply is not None:
                return reply
        if not create.generates:
            return prewarmed(turn, request, decision, self._wall_clock())
        return await self._turns.run(turn, request, decision)


def _is_of_the_handshake(name: bytes) -> bool:
    return name in _OF_THE_HANDSHAKE or name.startswith(_HANDSHAKE)


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
