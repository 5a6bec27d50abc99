"""A gateway, a fake network, and clients' sockets on it without connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.api.sockets.session import Later, ResponsesSession
from gateway.api.sockets.sessions import Sessions
from gateway.config.settings import ClientSettings, ModelRule, UpstreamSettings
from gateway.exchange.decision import Decision
from gateway.exchange.sockets.relays import Relays
from gateway.request import Request
from gateway.shapes import ClientHeaders, RawHeaders, Shape, UpstreamCall
from tests.api.client import Client
from tests.api.sockets.fake_socket import FakeSocket
from tests.exchange.scene import ALICE, OPENAI, Scene
from tests.fakes import Answer
from tests.translate.demo_upstream import ANTHROPIC

MODEL = "gpt-4o-mini"
CLAUDE = "claude-demo-sonnet-4-5"
INSTRUCT = "gpt-3.5-turbo-instruct"


class Stage:
    """Opens sockets at a gateway whose models live where `rules` say."""

    def __init__(
        self,
        answer: Callable[[UpstreamCall], Answer],
        *upstreams: UpstreamSettings,
        rules: tuple[ModelRule, ...] = (ModelRule(MODEL, endpoints=(Shape.CHAT,)),),
        clients: tuple[ClientSettings, ...] = (),
        stores: bool = False,
        relays: Relays | None = None,
    ) -> None:
        self.scene = Scene(answer, *upstreams, rules=rules, stores=stores)
        self.client = Client(answer, clients=clients, scene=self.scene)
        self.relays = relays

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        return [(seen.outcome, seen.status) for seen in self.client.observer.seen]

    def sessions(self) -> Sessions:
        return Sessions(self.scene.exchange, self.client.gateway.turns, self.relays)

    async def session(
        self, headers: RawHeaders = ALICE, query: bytes = b"", model: str | None = None
    ) -> ResponsesSession:
        host = (b"host", b"gateway.test")
        handshake = (host, *headers, (b"upgrade", b"websocket"), (b"sec-websocket-key", b"k"))
        fields = ClientHeaders(handshake)
        request = Request("GET", "/responses", query, fields, b"", None, model)
        return await self.sessions().responses(request, Decision())

    @asynccontextmanager
    async def socket(self, later: Later | None = None, **more: Any) -> AsyncIterator[FakeSocket]:
        """Open a socket; the block ends with the client's leaving."""
        session = await self.session(**more)
        if later is not None:
            session._later = later
        socket = FakeSocket()
        running = asyncio.create_task(session.run(socket))
        await socket.until(lambda: socket.user is not None)
        try:
            yield socket
        finally:
            socket.leave()
            await running
            await session.aclose()


def at(home: Shape, model: str = MODEL) -> tuple[ModelRule, ...]:
    """Return the rule of a model that lives at `home`."""
    return (ModelRule(model, endpoints=(home,)),)


def upstream_at(home: Shape) -> UpstreamSettings:
    return ANTHROPIC if home is Shape.MESSAGES else OPENAI
