"""The gateway as an application: checks a request's head, serves it, and records its outcome.

The owner of the client's connection calls it: `gateway.server`, or `gateway.asgi` under any ASGI
server.
"""

from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any

from gateway import request_ids
from gateway.api import guard
from gateway.api.access import Access
from gateway.api.admission import Admission, ClientConnection, begin, refusal
from gateway.api.concurrency import ClientSlots, slots_of
from gateway.api.cors import Cors
from gateway.api.endings import shutting_down
from gateway.api.handshakes import Handshakes, Turns, head_of_turns, turn_of
from gateway.api.paths import Place, place_of, without_duplicates
from gateway.api.router import Router, normalized
from gateway.api.services import Services
from gateway.api.serving import Serving
from gateway.api.serving_at_once import ServingAtOnce
from gateway.api.upgrades import asks_for_websocket, refuse_websocket, with_subprotocol_credentials
from gateway.api.writing import ReplyWriter
from gateway.config.settings import Settings
from gateway.errors import GatewayError, UnknownRoute
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.headers import has_anthropics_version, speaks_anthropic
from gateway.observe.outcomes import CLIENT_CLOSED, ended_with
from gateway.request import Body, GenerationRequest, Head, Request

_HELLO = (b"/api/hello", b"/anthropic/api/hello", b"/v1/api/hello")
"""Where Claude Code asks whether it has a connection, below its base URL; any answer will do."""
_HEALTH = frozenset({b"/healthz", b"/readyz", *_HELLO})
_ANTHROPICS = b"/anthropic/"
_NO_BODY = 64 * 1024
"""The limit of an ignored body, in bytes."""


class Gateway:
    """The gateway's main listener. While `draining`, new requests and `/readyz` get 503."""

    def __init__(self, settings: Settings, services: Services, tls: Any = None) -> None:
        self.server = settings.server
        self.tls = tls
        """The `SSLContext` for new connections; None without TLS."""
        self.draining = False
        self._access = Access(settings.clients)
        self._cors = Cors(settings.server.cors_origins) if settings.server.cors_origins else None
        self._slots = slots_of(settings.clients, services.running)
        self._observer = services.observer
        self._note = services.observer.finished
        self._tracing = services.tracing
        handlers = services.handlers(lambda: self.draining)
        self._handlers = handlers
        self._repeats = handlers.repeats
        sessions = services.sessions(self.turns) if services.sessions is not None else None
        self._router = Router(handlers, sessions)
        allows = self._cors.allows if self._cors is not None else lambda _: False
        self._handshakes = Handshakes(
            self._router, services.observer, allows, lambda: self.draining, services.tracing
        )
        self._allowed_hosts = frozenset(name.lower() for name in settings.server.allowed_hosts)

    def drain(self) -> None:
        """Refuse new requests; running ones continue."""
        self.draining = True

    def admit(self, head: Head) -> Admission:
        """Check a request's head: return its handler, or its refusal.

        The order is preflights, guard, access, route. The same head gives the same admission.
        """
        tracing = self._tracing
        if tracing is None or head.raw_path in _HEALTH:
            return self._untraced(head)
        sent = tracing.without_context(head.headers)
        admission = self._untraced(Head(head.method, head.raw_path, head.query, sent))
        admission.at_once = None  # a span belongs to a task
        path = head.raw_path.decode("latin-1")
        admission.begin = tracing.beginning(head.method, path, admission.label, head.headers)
        return admission

    def _untraced(self, head: Head) -> Admission:
        return self._admit(head) if self._cors is None else self._cors.admission(head, self._admit)

    def _admit(self, head: Head) -> Admission:
        label, anthropic = "other", False
        given = request_ids.given_id(head.headers)
        try:
            if head.raw_path in _HEALTH:
                return self._health(head)
            path = without_duplicates(head.raw_path)
            if path != head.raw_path:
                head = Head(head.method, path, head.query, head.headers)
            place = place_of(path)
            label = self._label(place)
            anthropic = _is_anthropics(head, place, label)
            headers = guard.check(head, self._allowed_hosts)
            headers = request_ids.without_unusable(headers, given)
            is_handshake = asks_for_websocket(head.method, headers)
            if is_handshake:
                headers = with_subprotocol_credentials(headers)
            client = self._access.client(headers)
            if place is None and is_handshake:
                raise refuse_websocket()
            if place is None:
                raise _unknown_route(head)
            request = Request(
                head.method, place.below, head.query, headers, b"", client, place.model
            )
            if is_handshake:
                admission = self._handshakes.admission(request, place.canonical, label, given)
            else:
                admission = self._admission(request, place.canonical, given)
        except GatewayError as error:
            admission = refusal(error.bare(), label, given)
        admission.anthropic = anthropic
        return admission

    def _at_once(
        self,
        request: GenerationRequest,
        admission: Admission,
        body: bytes,
        writer: ReplyWriter,
        connection: ClientConnection,
    ) -> ServingAtOnce | None:
        """Return what serves a request without a task; see `Admission.at_once`."""
        repeats = self._repeats
        if repeats is None or self.draining or len(body) >= repeats.longest:
            return None
        call = request.with_body(body)
        return ServingAtOnce(self._observer, repeats, admission, call, writer, connection)

    def serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None = None
    ) -> Coroutine[Any, Any, None]:
        """Serve an admitted request to its end; cancelled when the client disconnects.

        `length` is the declared length of a body that still arrives, if there is one.
        """
        if admission.upgrade is not None:
            return self._handshakes.serve(admission, admission.upgrade, writer)
        if admission.slots is None:
            return self._serve(admission, body, writer, length)
        return self._counted(admission.slots, admission, body, writer, length)

    def turns(self, request: Request) -> Turns:
        """Return what serves the turns on a responses socket that this request has opened.

        Each is a POST by the same client, admitted and recorded like any other.
        """
        admission = self.admit(head_of_turns(request))
        return Turns(turn_of(self.serve, admission), partial(self._refused, admission))

    def _refused(self, admission: Admission, error: GatewayError) -> None:
        self._note(begin(admission), admission.label, ended_with(error), error.status, 0.0)

    async def _counted(
        self,
        slots: ClientSlots,
        admission: Admission,
        body: Body,
        writer: ReplyWriter,
        length: int | None,
    ) -> None:
        """Serve a request of a client whose requests are limited in number."""
        error = slots.take()
        if error is not None:
            await self._serve(admission.failed(error), body, writer, length)
            return
        try:
            await self._serve(admission, body, writer, length)
        finally:
            slots.give_back()

    async def _serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None
    ) -> None:
        serving = Serving(self._observer, admission, writer)
        await serving.end_with(partial(self._reply, admission, body, serving.decision, length))

    def _reply(
        self, admission: Admission, body: Body, decision: Decision, length: int | None
    ) -> Awaitable[ClientReply]:
        """Return the handler's awaitable reply; raises `ShuttingDown` while draining."""
        if self.draining and not admission.while_draining:
            raise shutting_down()
        return admission.handler(admission.with_body(body, length), decision)

    def abandoned(self, admission: Admission) -> None:
        """Record a request whose client disconnected before its body was complete."""
        self._note(begin(admission), admission.label, CLIENT_CLOSED, 0, 0.0)

    def _health(self, head: Head) -> Admission:
        """Return the admission of a health check: without access control, while draining too."""
        path = head.raw_path.decode("ascii")
        _, handler = self._router.find(head.method, path)
        return Admission(
            Request(head.method, path), handler, _NO_BODY, needs_body=False, while_draining=True
        )

    def _admission(self, request: Request, path: str, request_id: str) -> Admission:
        """Return the admission of a checked request."""
        route, handler = self._router.find(request.method, path, named=request.model is not None)
        limit = self.server.max_body_bytes if route.whole else self.server.max_upload_bytes
        if route.whole:
            guard.refuse_compressed(request.headers)
        at_once = None
        if route.generates is not None:
            request = generating = GenerationRequest(
                request.method,
                request.path,
                request.query,
                request.headers,
                b"",
                request.client,
                request.model,
                None,
                route.generates,
            )
            if request.model is None:
                at_once = partial(self._at_once, generating)
        label = route.shape or "other"
        name = request.client.name if request.client is not None else ""
        slots = self._slots.get(name)
        return Admission(
            request,
            handler,
            limit,
            route.whole,
            label,
            client=name,
            request_id=request_id,
            slots=slots,
            at_once=at_once if slots is None else None,
        )

    def _label(self, place: Place | None) -> str:
        return self._router.shape_of(place.canonical) or "other" if place is not None else "other"


def _unknown_route(head: Head) -> UnknownRoute:
    """Return the error for a path outside of `/v1`, or for the base URL itself."""
    advice = "set the base URL to end in /v1."
    if head.path.rstrip("/") == "/v1":
        advice = "this is the base URL: call a path below it, such as /v1/models."
    return UnknownRoute(
        f"Invalid URL ({head.method} {head.path[:200]}). The gateway serves OpenAI's API below "
        f"/v1; {advice}"
    )


def _is_anthropics(head: Head, place: Place | None, label: str) -> bool:
    """Whether a request comes from a client of Anthropic's API.

    So it does at every path but OpenAI's generation endpoints, if it has that API's version.
    """
    if place is None:
        return head.raw_path.startswith(_ANTHROPICS) or has_anthropics_version(head.headers)
    if speaks_anthropic(normalized(place.below), head.headers):
        return True
    return label == "other" and has_anthropics_version(head.headers)
