"""The gateway as an application: judges a request by its head, serves it, takes note of its end.

Whoever has a client's connection calls it: the door (`gateway.server`), or `gateway.asgi` under any
other server.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from time import perf_counter

from gateway.api import guard
from gateway.api.access import Access
from gateway.api.admission import Admission, refusal
from gateway.api.handlers import Handlers
from gateway.api.paths import Place, as_meant, place_of
from gateway.api.router import Router
from gateway.api.writing import ReplyWriter
from gateway.config.settings import Settings
from gateway.errors import GatewayError, InvalidRequest, ShuttingDown, UnknownRoute
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.models.listing import Listing
from gateway.exchange.passthrough.forward import Passing
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.stored.compaction import Compacting
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.kept_responses import KeptResponses
from gateway.observe.observer import Observer
from gateway.observe.outcomes import (
    CLIENT_CLOSED,
    CUT_OFF,
    FAILED_INSIDE,
    Ending,
    ended,
    ended_with,
)
from gateway.request import Body, GenerationRequest, Head, Request
from gateway.shapes import RawHeaders

log = logging.getLogger("gateway")

_HEALTH = frozenset({b"/healthz", b"/readyz"})
_NO_BODY = 64 * 1024
"""Bytes of a body that nobody asks for."""


class ClientGone(Exception):
    """The client left; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes lead to."""

    exchange: Exchange
    passing: Passing
    listing: Listing
    legacy: Legacy
    responses: ResponseMemory
    observer: Observer


class Gateway:
    """The gateway's main port. `draining` set: no new requests, `/readyz` says 503."""

    def __init__(self, settings: Settings, services: Services) -> None:
        self.server = settings.server
        self.draining = False
        self._access = Access(settings.clients)
        self._note = services.observer.finished
        handlers = Handlers(
            services.exchange,
            services.passing,
            services.listing,
            services.legacy,
            KeptResponses(services.responses),
            Compacting(services.exchange, services.passing),
            lambda: self.draining,
        )
        self._handlers = handlers
        self._router = Router(handlers)
        self._allowed_hosts = frozenset(name.lower() for name in settings.server.allowed_hosts)

    def drain(self) -> None:
        """Take no more requests; those under way go on."""
        self.draining = True

    def admit(self, head: Head) -> Admission:
        """Judge a request by its head: what is wrong with it, or who serves it, and how.

        The order is: guard, access, route. The same head gives the same admission.
        """
        label = "other"
        try:
            if head.raw_path in _HEALTH:
                return self._health(head)
            path = as_meant(head.raw_path)
            if path != head.raw_path:
                head = Head(head.method, path, head.query, head.headers)
            place = place_of(path)
            label = self._label(place)
            headers = guard.check(head, self._allowed_hosts)
            client = self._access.client(headers)
            _check_upgrade(head.method, headers)
            if place is None:
                raise UnknownRoute(
                    f"Invalid URL ({head.method} {head.path[:200]}). The gateway serves OpenAI's "
                    "API below /v1; set the base URL to end in /v1.",
                )
            request = Request(
                head.method, place.below, head.query, headers, b"", client, place.model
            )
            return self._admission(request, place.canonical)
        except GatewayError as error:
            return refusal(error.bare(), label)

    async def serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None = None
    ) -> None:
        """Serve an admitted request to its end; cancelled when the client leaves.

        `length` is that of a body that still arrives, if the client said it.
        """
        decision = Decision(client=admission.client)
        started = perf_counter()
        ending = CLIENT_CLOSED
        try:
            try:
                answer = await self._reply(admission, body, decision, length)
            except (ClientGone, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - told to the client, and logged
                ending = _ending_of(error, decision)
                await writer.write_error(_told(error), decision)
            else:
                if isinstance(answer.body, bytes):
                    await writer.write(answer, decision)
                    ending = ended(decision, answer.status)
                else:
                    ending = await _written(answer, answer.body, writer, decision)
                if admission.error is not None:
                    ending = ended_with(admission.error)
        except asyncio.CancelledError:
            if not writer.gone:
                ending = CUT_OFF
                raise
            _forget_cancellation()
        except ClientGone:
            pass
        except GatewayError as error:
            ending = ended_with(error)
        except Exception:
            ending = FAILED_INSIDE
            raise
        finally:
            self._note(decision, admission.label, ending, perf_counter() - started)

    def _reply(
        self, admission: Admission, body: Body, decision: Decision, length: int | None
    ) -> Awaitable[ClientReply]:
        """Return what the reply is awaited from; raises `ShuttingDown` while draining."""
        if self.draining and not admission.while_draining:
            raise ShuttingDown(
                "The gateway is shutting down; try again.", headers=(("retry-after", "1"),)
            )
        return admission.handler(admission.with_body(body, length), decision)

    def abandoned(self, admission: Admission) -> None:
        """Take note of a request whose client left before its body was here."""
        self._note(Decision(client=admission.client), admission.label, CLIENT_CLOSED, 0.0)

    def _health(self, head: Head) -> Admission:
        """Return who reports the gateway's health: to anybody, and while it drains, too."""
        path = head.raw_path.decode("ascii")
        _, handler = self._router.find(head.method, path)
        return Admission(
            Request(head.method, path), handler, _NO_BODY, needs_body=False, while_draining=True
        )

    def _admission(self, request: Request, path: str) -> Admission:
        """Return who serves a request, and how its body is read."""
        route, handler = self._router.find(request.method, path, named=request.model is not None)
        limit = self.server.max_body_bytes if route.whole else self.server.max_upload_bytes
        if route.whole and _is_compressed(request.headers):
            raise InvalidRequest(
                "Compressed request bodies are not read; send it without Content-Encoding.",
                status=415,
                code="unsupported_content_encoding",
            )
        if route.generates is not None:
            request = GenerationRequest(
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
        label = route.shape or "other"
        name = request.client.name if request.client is not None else ""
        return Admission(request, handler, limit, route.whole, label, client=name)

    def _label(self, place: Place | None) -> str:
        return self._router.shape_of(place.canonical) or "other" if place is not None else "other"


def _ending_of(error: Exception, decision: Decision) -> Ending:
    """Return how a request ends that fails before its reply has begun; log what is a bug."""
    if isinstance(error, GatewayError):
        return ended_with(error)
    who = decision.client or "none"
    log.error("a request failed inside the gateway (client: %s)", who, exc_info=error)
    return FAILED_INSIDE


def _told(error: Exception) -> GatewayError:
    """Return what a client is told of an error."""
    if isinstance(error, GatewayError):
        return error
    return GatewayError("The gateway itself failed.")


async def _written(
    answer: ClientReply, body: ReplyBody, writer: ReplyWriter, decision: Decision
) -> Ending:
    """Write a streamed reply and return how it ended; raises what its body raises."""
    try:
        await writer.write(answer, decision)
    finally:
        await body.aclose()
    return ended(decision, answer.status, body.failure)


def _is_compressed(headers: RawHeaders) -> bool:
    coded = [value.lower() for name, value in headers if name == b"content-encoding"]
    return any(value != b"identity" for value in coded)


def refuse_websocket() -> GatewayError:
    """Return the error for a WebSocket (RFC 9110 section 15.5.22)."""
    return GatewayError(
        'This gateway speaks HTTP here, not WebSocket: send a POST with "stream": true.',
        status=426,
        type="invalid_request_error",
        code="websocket_not_supported",
        headers=(("upgrade", "HTTP/1.1"), ("connection", "upgrade"), ("connection", "close")),
    )


def _check_upgrade(method: str, headers: RawHeaders) -> None:
    """Raise a 426: clients that try a WebSocket first (Codex) fall back to HTTP on it at once.

    Other upgrades are ignored (RFC 9110 section 7.8).
    """
    if method != "GET":
        return
    wanted = [value.lower() for name, value in headers if name == b"upgrade"]
    if any(b"websocket" in value for value in wanted):
        raise refuse_websocket()


def _forget_cancellation() -> None:
    """Take back what the client's departure did: it cancelled this task."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
