"""Requests that open a WebSocket: admitted by their head, refused over HTTP, or served as a socket.

An open socket is not a request in the metrics, and takes no slot of its client: its turns do.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter, time
from typing import Any
from urllib.parse import quote

from gateway.api.admission import Admission, Handler, Tracing, Upgrade, begin, carry_id, refusal
from gateway.api.endings import (
    ClientGone,
    client_error,
    ending_of,
    shutting_down,
    undo_cancellation,
    written,
)
from gateway.api.router import Router
from gateway.api.upgrades import (
    HANDSHAKE,
    check_handshake,
    check_origin,
    chosen_protocol,
    refuse_websocket,
)
from gateway.api.writing import SWITCHING_PROTOCOLS, ReplyWriter
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.headers import HOP_BY_HOP, JSON
from gateway.observe.observer import Observer
from gateway.observe.outcomes import CLIENT_CLOSED, CUT_OFF, SUCCESS
from gateway.observe.record import FinishedRequest
from gateway.request import Head, Request
from gateway.request_ids import HEADER as REQUEST_ID
from gateway.shapes import ClientHeaders
from gateway.sockets import INTERNAL_ERROR, SERVICE_RESTART, Leaving, Socket, SocketSession

_OF_THE_HANDSHAKE = HOP_BY_HOP | HANDSHAKE | {REQUEST_ID, JSON[0]}
BETA = b"openai-beta"
"""The field with the versions of sockets that a client speaks, and with other betas."""
_BETA_OF_SOCKETS = b"responses_websockets="

ServeTurn = Callable[[Callable[[Handler], Handler], ReplyWriter], Coroutine[Any, Any, None]]
"""Serves one turn of a socket: a request by itself, written by this writer.

Its handler is what is made of the usual one, which gets the request without a body.
"""


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one socket, which are requests."""

    serve: ServeTurn
    refused: Callable[[GatewayError], None]
    """Records a turn that is refused before it is served."""


log = logging.getLogger("gateway")


class Handshakes:
    """Admits and serves the requests that open a socket.

    `allows` says whether web pages of an origin may; `is_draining`, whether the gateway refuses all
    of them. `tracing` ends the span of a handshake when it is accepted; None: requests are not
    traced.
    """

    def __init__(
        self,
        router: Router,
        observer: Observer,
        allows: Callable[[bytes], bool],
        is_draining: Callable[[], bool],
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self._router = router
        self._note = observer.finished
        self._sockets = observer.sockets
        self._allows = allows
        self._is_draining = is_draining

    def admission(self, request: Request, path: str, label: str, request_id: str) -> Admission:
        """Return the admission of a request whose client is known; `path` is the canonical one.

        Raises `GatewayError`.
        """
        upgrade = self._router.find_socket(path)
        if upgrade is None:
            raise refuse_websocket()
        check_handshake(request.headers)
        check_origin(request.headers, self._allows)
        chosen_protocol(request.headers)
        return replace(
            refusal(refuse_websocket(), label, request_id),  # of a server that has no sockets
            request=request,
            limit=0,
            needs_body=True,
            error=None,
            while_draining=False,
            client=request.client.name if request.client is not None else "",
            upgrade=upgrade,
        )

    async def serve(self, admission: Admission, upgrade: Upgrade, writer: ReplyWriter) -> None:
        """Serve one handshake, and its socket to the end."""
        writer.decision = decision = begin(admission)
        carry_id(decision)
        started = perf_counter()
        ending = CLIENT_CLOSED
        try:
            opened = await self._opened(admission, upgrade, decision)
            if isinstance(opened, ClientReply):
                ending = await written(opened, writer, decision)
            else:
                opened.protocol = chosen_protocol(admission.request.headers)
                opened.accepted = partial(self._accepted, admission.label, decision, started)
                await self._serve(opened, writer, decision)
        except asyncio.CancelledError:
            if not writer.gone:
                ending = CUT_OFF
                raise
            undo_cancellation()
        except ClientGone:
            pass
        except Exception as error:  # noqa: BLE001 - reported to the client, and logged
            ending = ending_of(error, decision)
            if not writer.started:
                await writer.write_error(client_error(error, decision), decision)
        finally:
            if writer.status != SWITCHING_PROTOCOLS:
                seconds = perf_counter() - started
                status = writer.status_shown(cut_off=ending is CUT_OFF)
                self._note(decision, admission.label, ending, status, seconds)

    async def _opened(
        self, admission: Admission, upgrade: Upgrade, decision: Decision
    ) -> SocketSession | ClientReply:
        if self._is_draining():
            raise shutting_down()
        return await upgrade(admission.request, decision)

    def _accepted(self, label: str, decision: Decision, started: float) -> None:
        """End the span of a handshake: its socket, which may stay open for hours, has none."""
        if self._tracing is not None:
            seconds = perf_counter() - started
            status = SWITCHING_PROTOCOLS
            self._tracing.finished(
                FinishedRequest(decision, label, SUCCESS, status, seconds, time())
            )

    async def _serve(self, session: SocketSession, writer: ReplyWriter, decision: Decision) -> None:
        """Serve an opened socket; raises `GatewayError` if the handshake cannot be accepted."""
        counts, kind, code = self._sockets, session.kind, INTERNAL_ERROR
        traffic = counts.opened(kind)
        try:
            code = await writer.upgrade(session, decision, traffic)
        finally:
            counts.ended(kind, code)
            await session.aclose()


def head_of_turns(request: Request) -> Head:
    """Return the head of the turns on a responses socket that `request` has opened: of POSTs."""
    path = "/v1/responses"
    if request.model is not None:
        path = f"/openai/deployments/{quote(request.model, safe='')}/responses"
    fields = [field for field in request.headers if field[0] not in _OF_THE_HANDSHAKE]
    headers = ClientHeaders([*filter(None, map(_for_a_turn, fields)), JSON])
    return Head("POST", path.encode("ascii"), request.query, headers)


def _for_a_turn(field: tuple[bytes, bytes]) -> tuple[bytes, bytes] | None:
    """Return a field without the beta of sockets, which servers need not know elsewhere."""
    name, value = field
    if name != BETA or _BETA_OF_SOCKETS not in value:
        return field
    betas = [beta.strip() for beta in value.split(b",")]
    kept = b", ".join([beta for beta in betas if not beta.startswith(_BETA_OF_SOCKETS)])
    return (name, kept) if kept else None


def turn_of(
    serve: Callable[[Admission, bytes, ReplyWriter], Coroutine[Any, Any, None]],
    admission: Admission,
) -> ServeTurn:
    """Return what serves the turns of a socket that have this admission, which may be a refusal."""

    def turn(
        adapted: Callable[[Handler], Handler], writer: ReplyWriter
    ) -> Coroutine[Any, Any, None]:
        if admission.error is not None:
            return serve(admission, b"", writer)
        handler = adapted(admission.handler)
        # While the gateway drains, the session refuses what comes; what had come before is served.
        return serve(replace(admission, handler=handler, while_draining=True), b"", writer)

    return turn


async def run_session(session: SocketSession, socket: Socket) -> None:
    """Run a session to its end, and close its socket if that is open; raises nothing."""
    session.accepted()
    try:
        await session.run(socket)
    except asyncio.CancelledError:
        undo_cancellation()
        socket.close(SERVICE_RESTART, Leaving.STOPPING.value)
    except Exception:
        log.exception("a socket failed inside the gateway")
        socket.close(INTERNAL_ERROR)
    else:
        socket.close()
