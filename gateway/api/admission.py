"""The decision on a request by its head alone: its handler, and how its body is read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from msgspec import structs

from gateway import request_ids
from gateway.api.concurrency import ClientSlots
from gateway.api.writing import ReplyWriter, error_reply
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.observe.record import FinishedRequest
from gateway.request import Body, GenerationRequest, Request
from gateway.shapes import ClientHeaders, RawHeaders
from gateway.sockets import SocketSession

Handler = Callable[[Any, Decision], Awaitable[ClientReply]]
"""Serves a `Request`, at the generation endpoints a `GenerationRequest`.

Raises `GatewayError` before the reply has begun.
"""

Upgrade = Callable[[Request, Decision], Awaitable[SocketSession | ClientReply]]
"""Opens the session of a socket, or returns what its client gets instead.

Raises `GatewayError`.
"""

_NOTHING = Request("", "")
_UNREAD_LIMIT = 64 * 1024
"""Bytes of a refused request's body that may have come with its head."""


class ClientConnection(Protocol):
    """A client's connection whose request is served without a task."""

    def served(self) -> None:
        """Note that the request has been served to its end."""

    def serve_in_task(self) -> None:
        """Serve the rest of the request in a task, by `ServedAtOnce.rest()`."""


class ServedAtOnce(Protocol):
    """One request that is served without a task, as long as nothing has to be waited for."""

    def begin(self) -> None:
        """Send the request, if nothing has to be waited for.

        The connection is told once it has been served, or is to be served in a task after all.
        """

    def rest(self) -> Callable[[], Awaitable[None]]:
        """Return what serves the rest of the request; the connection is told nothing."""


ServeAtOnce = Callable[["Admission", bytes, ReplyWriter, ClientConnection], ServedAtOnce | None]
"""Returns what serves a request whose body is here; None: `Gateway.serve` does it."""


@dataclass(slots=True)
class Admission:
    """A request whose head has been checked.

    The same head gives the same admission, so it is never changed after it was handed out.
    """

    request: Request
    """The request, without its body."""
    handler: Handler
    limit: int
    """The body's limit, in bytes."""
    whole: bool = True
    """Whether the handler takes the body whole, not streamed."""
    label: str = "other"
    """The label for metrics: the shape that the client called, or `other`."""
    needs_body: bool = True
    """Whether the body is read at all; otherwise the head alone is answered."""
    error: GatewayError | None = None
    """The error with which the handler answers."""
    while_draining: bool = False
    """Whether it is served while the gateway drains."""
    client: str = ""
    """The name of the calling client; empty if the gateway has no clients of its own."""
    request_id: str = ""
    """The client's id of the request; empty without a usable one."""
    slots: ClientSlots | None = None
    """Where the request is to be counted, if the number of its client's requests is limited."""
    at_once: ServeAtOnce | None = None
    """Serves a request for generation without a task; None: that cannot be."""
    begin: Callable[[], None] | None = None
    """Begins the request's span; None if it is not traced."""
    cors: RawHeaders = ()
    """The fields of its reply for web pages of other origins."""
    anthropic: bool = False
    """Whether the client speaks Anthropic's API, and so gets its errors."""
    upgrade: Upgrade | None = None
    """Opens a socket, if the request is a handshake; the handler then is a refusal."""

    def failed(self, error: GatewayError) -> "Admission":
        """Return the admission of this request answered by an error instead."""
        refused = refusal(error, self.label, self.request_id)
        refused.anthropic = self.anthropic
        return replace(refused, client=self.client, begin=self.begin, cors=self.cors)

    def counted(self) -> "tuple[Admission, ClientSlots | None]":
        """Count the request before its body is read, which takes memory and time as well.

        Returns its admission, which is not counted again or is a refusal, and the slots to which
        its slot is given back, however it ends.
        """
        slots = self.slots
        if slots is None:
            return self, None
        error = slots.take()
        return (replace(self, slots=None), slots) if error is None else (self.failed(error), None)

    def with_body(self, body: Body, length: int | None = None) -> Request:
        """Return the request with a body; `length` is the declared one of a streamed body."""
        request = self.request
        if isinstance(request, GenerationRequest) and isinstance(body, bytes):
            return request.with_body(body)
        return structs.replace(request, body=body, length=length)


class Tracing(Protocol):
    """Begins the spans of requests; they end with their records."""

    def without_context(self, headers: ClientHeaders) -> ClientHeaders:
        """Return a request's fields without its trace context."""

    def beginning(
        self, method: str, path: str, shape: str, headers: RawHeaders
    ) -> Callable[[], None]:
        """Return what begins the span of a request with this head, in the task that serves it.

        `shape` is the one that the client called, or `other`.
        """

    def finished(self, request: FinishedRequest) -> None:
        """End the span of the current request, which is in no other record."""


def begin(admission: Admission) -> Decision:
    """Begin a request: return its decision, with the client's id of the request or a new one."""
    if admission.begin is not None:
        admission.begin()
    given = admission.request_id
    return Decision(
        client=admission.client,
        id_line=request_ids.header_line(given) if given else request_ids.new_line(),
        is_clients_id=given != "",
        cors=admission.cors,
        anthropic=admission.anthropic,
    )


def carry_id(decision: Decision) -> None:
    """Have the upstream calls of the present context carry the request's id.

    The client's own is among its fields, which are forwarded.
    """
    request_ids.OUTGOING.set(b"" if decision.is_clients_id else decision.id_line)


def refusal(error: GatewayError, label: str = "other", request_id: str = "") -> Admission:
    """Return the admission of a request that is answered by an error."""

    # A reply, not an error to raise: an error whose own frame refers to it is a cycle.
    async def refuse(request: Request, decision: Decision) -> ClientReply:  # noqa: ARG001
        return error_reply(error, decision)

    return Admission(
        _NOTHING,
        refuse,
        _UNREAD_LIMIT,
        label=label,
        needs_body=False,
        error=error,
        while_draining=True,
        request_id=request_id,
    )
