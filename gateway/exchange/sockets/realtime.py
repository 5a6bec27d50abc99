"""Opens sockets of realtime: at the upstream first, so that its refusal is the client's reply.

The query names the model. All frames on the socket are passed on as they come.
"""

from collections.abc import Callable
from typing import Final

from gateway.config.settings import Settings
from gateway.errors import UpstreamError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.exchange.errors import failures
from gateway.exchange.errors.own_key import refused_by_event
from gateway.exchange.passthrough.destinations import Destinations
from gateway.exchange.reply.classify import read_error
from gateway.exchange.restricted import restrictions
from gateway.exchange.sockets.events import read_event
from gateway.exchange.sockets.first_message import MessageJudge
from gateway.exchange.sockets.pair import RealtimeSession
from gateway.request import Request
from gateway.shapes import RawHeaders, UpstreamCall, UpstreamReply
from gateway.sockets import SUBPROTOCOL, Dial, Refused

PROTOCOL: Final = "realtime"
"""The only subprotocol that upstreams know."""


class Realtime:
    """Opens realtime sessions: for `/v1/realtime` and `/v1/live`, and what is below them.

    `failed` is told of upstreams that refuse the gateway's own key after the handshake.
    """

    def __init__(
        self,
        settings: Settings,
        destinations: Destinations,
        dial: Dial,
        failed: Callable[[UpstreamFailure], None],
    ) -> None:
        self._failed = failed
        self._settings = settings
        self._destinations = destinations
        self._dial = dial

    async def open(self, request: Request, decision: Decision) -> RealtimeSession | ClientReply:
        """Return the session, or the upstream's own refusal.

        Raises `GatewayError` for a model that is not the client's, and where the upstream cannot be
        reached or does not open a socket.
        """
        restrictions.check_socket(request)
        found = await self._destinations.of_query(request, decision)
        decision.upstream = found.upstream
        decision.endpoint = f"/v1{request.path}"
        decision.resolved_by = self._destinations.resolved_by(found)
        decision.attempts = 1
        protocol = PROTOCOL if _offers(request.headers) else ""
        call = UpstreamCall(
            found.upstream,
            "GET",
            request.path,
            query=request.query if found.query is None else found.query,
            client_headers=_with_protocol(request.headers, protocol),
            model=found.model,
            timeouts=found.timeouts,
        )
        try:
            opened = await self._dial(call)
        except Refused as refused:
            reply = refused.reply
        else:
            return RealtimeSession(opened, self._judge(found.upstream))
        finally:
            decision.resends = call.resends
            decision.address = call.address
        return await self._refused(found.upstream, reply, decision)

    def _judge(self, name: str) -> MessageJudge | None:
        """Return the judge of an upstream's session; None if clients' own keys are used there.

        OpenAI accepts any handshake, then sends an `error` that quotes a part of the key, and
        closes with 3000 and the reason `invalid_request_error.invalid_api_key`.
        """
        upstream = self._settings.upstream(name)

        def judge(message: bytes) -> UpstreamError | None:
            event = read_event(message)
            if not event.is_error:
                return None
            refused = refused_by_event(upstream, event.error_status, message)
            if refused is not None:
                self._failed(UpstreamFailure(name, refused.reason, message=refused.message))
            return refused

        return judge if failures.has_own_key(upstream) else None

    async def _refused(
        self, upstream: str, reply: UpstreamReply, decision: Decision
    ) -> ClientReply:
        """Return a refusal as the client's reply; raises `UpstreamError` for anything else."""
        decision.identified(reply.headers)
        failure = await read_error(reply)
        failures.check_own_key(self._settings.upstream(upstream), failure.status, failure.body)
        if failure.status < 400:
            raise UpstreamError(
                f"The upstream '{upstream}' opened no WebSocket, but answered with status "
                f"{failure.status}. It probably has none at this path."
            )
        return failures.untouched(failure)


def _offers(headers: RawHeaders) -> bool:
    """Whether a client offers the subprotocol."""
    return any(
        offered.strip() == PROTOCOL.encode()
        for name, value in headers
        if name == SUBPROTOCOL
        for offered in value.split(b",")
    )


def _with_protocol(headers: RawHeaders, protocol: str) -> RawHeaders:
    """Return a client's fields, which offer this subprotocol and no other."""
    others = tuple(field for field in headers if field[0] != SUBPROTOCOL)
    return (*others, (SUBPROTOCOL, protocol.encode())) if protocol else others
