"""The legacy endpoints before a fake network, asked as the route table asks them."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.api.handlers import Handlers
from gateway.api.router import Router
from gateway.config.settings import ClientSettings
from gateway.errors import GatewayError
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.counting import TokenCounter
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.legacy.fine_tunes import FineTunes
from gateway.exchange.models.listing import Listing
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.stored.compaction import Compactor
from gateway.exchange.stored.kept_responses import KeptResponses
from gateway.request import Request
from gateway.shapes import RawHeaders, UpstreamCall
from tests.exchange.scene import ALICE, Exchanged, Scene
from tests.fakes import Answer, FakeUpstream, error_reply, json_reply

AS_JSON: RawHeaders = (*ALICE, (b"content-type", b"text/plain"), (b"content-length", b"99"))


class LegacyScene(Scene):
    """A scene with the legacy endpoints; `waits` are the pauses that would have been made."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.waits: list[float] = []
        forwarder = Forwarder(self.settings, self.resolver, self.network.send, Apart())
        listing = Listing(self.settings, self.resolver, forwarder, self.network.send)
        self.tunes = tunes = FineTunes(self.settings, self.resolver, self.network.send, self.pause)
        legacy = Legacy(self.exchange, forwarder, listing, tunes, lambda: "0123456789" * 3)
        kept, compacting = KeptResponses(self.responses), Compactor(self.exchange, forwarder)
        self.router = Router(
            Handlers(
                self.exchange.run,
                forwarder,
                listing,
                legacy,
                kept,
                compacting,
                TokenCounter(self.exchange, forwarder),
                lambda: False,
            )
        )

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: bytes = b"",
        headers: RawHeaders = AS_JSON,
        client: ClientSettings | None = None,
        decision: Decision | None = None,
    ) -> Exchanged:
        """Ask, and read the reply to its end. A body is bytes or JSON."""
        raw = b""
        if isinstance(body, bytes):
            raw = body
        elif body is not None:
            raw = msgspec.json.encode(body)
        made = decision or Decision()
        _, handler = self.router.find(method, f"/v1{path}")
        reply = await handler(Request(method, path, query, headers, raw, client), made)
        if isinstance(reply.body, bytes):
            return Exchanged(reply, made, reply.body)
        return Exchanged(reply, made, await whole(reply.body))

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Exchanged:
        return asyncio.run(self.asked(method, path, body, **more))


async def whole(body: ReplyBody) -> bytes:
    try:
        return b"".join([chunk async for chunk in body])
    finally:
        await body.aclose()


def queries(network: FakeUpstream) -> list[str]:
    """What was asked for: `GET /files/file-1?limit=100`."""
    return [
        f"{call.method} {call.path}{'?' if call.query else ''}{call.query.decode()}"
        for call in network.calls
    ]


MODELS = {
    "object": "list",
    "data": [{"id": "gpt-4o", "object": "model", "created": 5, "owned_by": "system"}],
}


def answering(*replies: Answer) -> Callable[[UpstreamCall], Answer]:
    """Answer posts with these, in order; model lists and job records as usual."""
    left = list(replies)

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "POST":
            return left.pop(0)
        return json_reply(MODELS) if call.path == "/models" else error_reply(404, "No.")

    return answer


def refused(scene: LegacyScene, method: str, path: str, body: Any = None, **more: Any) -> Any:
    """Return the error that a request is refused with."""
    with pytest.raises(GatewayError) as caught:
        scene.ask(method, path, body, **more)
    return caught.value
