"""The handlers of the route table: each takes a request and its decision."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec
from msgspec import structs

from gateway.exchange.bodies.request_fields import with_path_model
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.counting import TokenCounter
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.models.listing import Listing, shorter_names
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.repeats import Repeats
from gateway.exchange.stored.compaction import Compactor
from gateway.exchange.stored.kept_responses import KeptResponses
from gateway.request import GenerationRequest, Request


@dataclass(frozen=True, slots=True)
class Handlers:
    """The services behind the routes, with methods here that answer where none of them does.

    `is_draining` returns whether the gateway refuses new requests.
    """

    serve: Callable[[GenerationRequest, Decision], Awaitable[ClientReply]]
    """Serves requests for generation: `Repeats.run`, or `Exchange.run`."""
    forwarder: Forwarder
    listing: Listing
    legacy: Legacy
    kept: KeptResponses
    compacting: Compactor
    counting: TokenCounter
    is_draining: Callable[[], bool]
    repeats: Repeats | None = None
    """Serves requests for generation that need no task; None: all have one."""

    async def health(self, request: Request, decision: Decision) -> ClientReply:  # noqa: ARG002
        """Report that the process is alive."""
        return _status(ready=True)

    async def readiness(self, request: Request, decision: Decision) -> ClientReply:  # noqa: ARG002
        """Report whether new requests are accepted."""
        return _status(ready=not self.is_draining())

    async def hello(self, request: Request, decision: Decision) -> ClientReply:  # noqa: ARG002
        """Answer a client that wants to know whether it has a connection."""
        return json_reply(b"{}")

    def generate(self, request: GenerationRequest, decision: Decision) -> Awaitable[ClientReply]:
        """Serve a generation endpoint; a model in the path takes precedence over the body's.

        Not a coroutine itself: this is the hot path.
        """
        if request.model is not None:
            body = with_path_model(request.body, request.model, decision)
            request = structs.replace(request, body=body, model=None)
        return self.serve(request, decision)

    async def passthrough(self, request: Request, decision: Decision) -> ClientReply:
        """Pass a request through unchanged."""
        return await self.forwarder.run(request, decision)

    async def model(self, request: Request, decision: Decision, model: str) -> ClientReply:
        """Serve one model's card, and other methods on a model."""
        return await self.listing.one(request, unquote(model), decision, shorter_names(model))

    async def stored_response(
        self, request: Request, decision: Decision, response: str
    ) -> ClientReply:
        """Return a response that the gateway keeps, or an upstream's."""
        kept = await self.kept.retrieve(request, unquote(response))
        return kept or await self.forwarder.run(request, decision)

    async def delete_response(
        self, request: Request, decision: Decision, response: str
    ) -> ClientReply:
        """Delete a response that the gateway keeps, or an upstream's."""
        kept = await self.kept.delete(request, unquote(response))
        return kept or await self.forwarder.run(request, decision)

    async def input_items(self, request: Request, decision: Decision, response: str) -> ClientReply:
        """Return the input items of a response that the gateway keeps, or an upstream's."""
        kept = await self.kept.input_items(request, unquote(response))
        return kept or await self.forwarder.run(request, decision)

    async def cancel_response(
        self, request: Request, decision: Decision, response: str
    ) -> ClientReply:
        """Cancel an upstream's response; kept ones have already ended."""
        await self.kept.refuse_cancel(request, unquote(response))
        return await self.forwarder.run(request, decision)


def _status(*, ready: bool) -> ClientReply:
    body = msgspec.json.encode({"status": "ok" if ready else "draining"})
    return json_reply(body, 200 if ready else 503)
