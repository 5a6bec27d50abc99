"""Relays turns of responses sockets: decides, dials, and falls back to HTTP.

An upstream that opens no socket, or none that answers, is asked again some minutes later. A create
that was written is never sent again, unless the upstream has said that it did not process it: then
it goes over HTTP. A create that continues a response which the upstream has forgotten goes over
HTTP, too, with the whole conversation.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.config.settings import ClientSettings
from gateway.errors import Reason, UpstreamError, UpstreamUnavailable
from gateway.exchange import client_warnings
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.exchange.description import describe
from gateway.exchange.errors.own_key import refused_by_event
from gateway.exchange.flow import Exchange
from gateway.exchange.restricted.restrictions import may_send
from gateway.exchange.sockets.events import Event
from gateway.exchange.sockets.link import Link
from gateway.exchange.sockets.link_errors import Lost
from gateway.exchange.sockets.live_turn import LiveTurn
from gateway.exchange.sockets.relayable import Relayable, relayable
from gateway.exchange.sockets.relays import ClientRelays, Create, Relays
from gateway.request import GenerationRequest
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.today import today
from gateway.shapes import RawHeaders, Shape
from gateway.sockets import Dial, Refused

REMEMBERED: Final = 300.0
"""How long an upstream that opens no socket is not asked again, in seconds."""
_ABOUT_THE_CALLER: Final = frozenset({401, 403, 407, 408, 409, 429})
"""Statuses that say nothing about other clients' sockets."""
_SUCCESS: Final = 200
_NOT_FOUND: Final = "previous_response_not_found"
_KNOWN_BY_SOCKET: Final = frozenset({_NOT_FOUND, "websocket_connection_limit_reached"})
"""Codes of errors on which clients act."""


class UpstreamRelays(Relays):
    """Relays for all clients. `clock` returns monotonic seconds.

    `failed` is told of handshakes that fail: no client learns of them, as the turn goes over HTTP.
    """

    def __init__(
        self,
        exchange: Exchange,
        dial: Dial,
        clock: Callable[[], float],
        failed: Callable[[UpstreamFailure], None],
    ) -> None:
        self.exchange = exchange
        self.dial = dial
        self.failed = failed
        self._clock = clock
        self._refused: dict[str, float] = {}

    def of_client(self, beside: Callable[[bytes], bool], betas: RawHeaders = ()) -> ClientRelays:
        """Return the relays of one client's socket; see `Relays`."""
        return RelaysOfClient(self, beside, betas)

    def opens_none(self, upstream: str) -> None:
        """Note that an upstream opens no sockets."""
        self._refused[upstream] = self._clock() + REMEMBERED

    def may_dial(self, upstream: str) -> bool:
        """Whether an upstream may open sockets, as far as is known."""
        until = self._refused.get(upstream)
        if until is not None and until <= self._clock():
            del self._refused[upstream]
            until = None
        return until is None


class RelaysOfClient(ClientRelays):
    """The upstream sockets behind one client's."""

    def __init__(
        self, shared: UpstreamRelays, beside: Callable[[bytes], bool], betas: RawHeaders
    ) -> None:
        self._shared = shared
        self._beside = beside
        self._betas = betas
        self._links: dict[str, Link] = {}
        self._given_up: set[str] = set()
        """The upstreams that have opened no socket for this client."""
        self._dialling = defaultdict[str, asyncio.Lock](asyncio.Lock)
        """A lock for each upstream, so that no turn waits for the handshake of another upstream."""
        self._client: ClientSettings | None = None

    async def turn(
        self, call: GenerationRequest, decision: Decision, create: Create
    ) -> ClientReply | None:
        """Begin a turn at its upstream, if the upstream serves it; see `ClientRelays`."""
        self._client = call.client
        found = await relayable(self._shared.exchange, call, create.message)
        if found is None or not self._is_known(found.route.upstream, create):
            return None
        began = await self._begun(call, found, decision, create)
        if began is None:
            return None
        turn, event = began
        if event.is_error:
            is_forgotten = create.is_remembered and event.error_code == _NOT_FOUND
            if is_forgotten or self._leads_on(found, event, turn):
                await turn.aclose()
                return None
            await self._check_key(found, event, turn)
        if found.route.unconfirmed and not event.is_error:
            resolver = self._shared.exchange.resolver
            scope = resolver.scope(found.route, call.headers)
            resolver.notes.note_answer(scope, found.route.model_sent, Shape.RESPONSES)
        return ClientReply(event.status, [], turn)

    def forward(self, message: bytes, response_id: str) -> bool:
        """Send a message to the upstream that has made a response; see `ClientRelays`."""
        links = [link for link in self._links.values() if response_id in link.begun]
        if len(links) != 1 or not links[0].is_open or not may_send(self._client, message):
            return False
        links[0].send(message, response_id)
        return True

    async def aclose(self) -> None:
        """Close the upstream sockets, in order."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _is_known(self, upstream: str, create: Create) -> bool:
        """Whether an upstream's socket knows the response that a create continues, if any."""
        previous = create.previous_response_id
        if previous is None:
            return True
        link = self._links.get(upstream)
        return link is not None and link.is_open and previous in link.made

    async def _begun(
        self, call: GenerationRequest, found: Relayable, decision: Decision, create: Create
    ) -> tuple[LiveTurn, Event] | None:
        """Begin a turn; return it and its first event. None: it has to be served over HTTP."""
        link = await self._link(call, found, decision)
        if link is None:
            return None
        own = self._shared.exchange.settings.upstream(found.route.upstream).timeouts
        turn = link.begin(create, own.but(found.attempt.calls[0].timeouts))
        self._note(found, decision)
        try:
            return turn, await turn.first()
        except Lost as lost:
            if not lost.is_refused:
                if not link.has_answered:
                    self._shared.opens_none(found.route.upstream)
                raise lost.error from None
            self._given_up.add(found.route.upstream)
            return None
        except BaseException:
            await turn.aclose()
            raise

    async def _link(
        self, call: GenerationRequest, found: Relayable, decision: Decision
    ) -> Link | None:
        """Return an open link to an upstream; None if the upstream opens no socket."""
        upstream = found.route.upstream
        async with self._dialling[upstream]:
            link = self._links.get(upstream)
            if link is not None and link.is_open:
                return link
            if upstream in self._given_up or not self._shared.may_dial(upstream):
                return None
            link = await self._dialled(call, found, decision)
            if link is None:
                self._given_up.add(upstream)
            else:
                self._links[upstream] = link
            return link

    async def _dialled(
        self, call: GenerationRequest, found: Relayable, decision: Decision
    ) -> Link | None:
        upstream = found.route.upstream
        http = found.attempt.calls[0]
        dropped = {b"content-type", *(name for name, _ in self._betas)}
        fields = [field for field in call.headers if field[0] not in dropped]
        sent = http.copy(method="GET", body=b"", client_headers=(*fields, *self._betas))
        try:
            socket = await self._shared.dial(sent)
        except Refused as refused:
            reply = refused.reply
            await reply.aclose()
            if reply.status not in _ABOUT_THE_CALLER:
                self._shared.opens_none(upstream)
            return None
        except UpstreamError as error:
            self._shared.failed(UpstreamFailure(upstream, error.reason, message=error.message))
            if not isinstance(error, UpstreamUnavailable):
                self._shared.opens_none(upstream)
            return None
        link = Link(upstream, socket, self._beside, partial(self._judge, upstream))
        if not link.is_open:
            message = f"Upstream '{upstream}' closed a WebSocket as soon as it was open."
            self._shared.failed(UpstreamFailure(upstream, Reason.CLOSED, message=message))
            return None
        decision.address = sent.address
        return link

    async def _check_key(self, found: Relayable, event: Event, turn: LiveTurn) -> None:
        """Raise `UpstreamError` for an error that refuses the gateway's own key, as over HTTP."""
        refused = self._refusal(found.route.upstream, event, turn.terminal)
        if refused is not None:
            await turn.aclose()
            raise refused

    def _judge(
        self, name: str, event: Event, content: bytes, turn: LiveTurn | None
    ) -> UpstreamError | None:
        """Return the error for an event that refuses the gateway's own key; see `EventJudge`.

        A turn's first event is judged by `_check_key`, not here. Outside of any turn the client has
        no use for the error, so it is only reported to the operator.
        """
        if turn is not None and not turn.has_begun:
            return None
        refused = self._refusal(name, event, content)
        if refused is not None and turn is None:
            self._shared.failed(UpstreamFailure(name, refused.reason, message=refused.message))
        return refused

    def _refusal(self, name: str, event: Event, content: bytes) -> UpstreamError | None:
        upstream = self._shared.exchange.settings.upstream(name)
        return refused_by_event(upstream, event.error_status, content)

    def _leads_on(self, found: Relayable, event: Event, turn: LiveTurn) -> bool:
        """Whether an error is a refusal that the retry loop over HTTP would act on."""
        if event.error_code in _KNOWN_BY_SOCKET or not turn.terminal:
            return False
        route, attempt = found.route, found.attempt
        body, sent = turn.terminal, attempt.sent[0]
        status = event.error_status or _SUCCESS  # as over HTTP
        refusal = classify(Shape.RESPONSES, status, body, model=route.model_sent, sent=sent)
        return refusal.verdict is not Verdict.OTHER

    def _note(self, found: Relayable, decision: Decision) -> None:
        """Note in the decision that a turn's create was sent to its upstream."""
        route = found.route
        decision.attempts += 1
        decision.model_asked = route.model_asked
        describe(decision, found.attempt, route)
        if found.prompt_ends or route.retired is not None:
            day = today(self._shared.exchange.attempts.wall_clock)
            client_warnings.warn_of_ends(decision, route, day, prompt_object=found.prompt_ends)
