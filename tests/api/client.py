"""An ASGI client in memory: sends a request in pieces, sees every message, leaves at will."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.api.admission import Tracing
from gateway.api.application import Gateway
from gateway.api.handshakes import Turns
from gateway.api.router import Sessions
from gateway.api.services import Services
from gateway.asgi.application import ASGIGateway
from gateway.config.settings import ClientSettings, ServerSettings, Settings
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.legacy.fine_tunes import FineTunes
from gateway.exchange.models.listing import Listing
from gateway.exchange.passthrough.forward import Forwarder
from gateway.observe.outcomes import Ending
from gateway.observe.sockets import SocketCounts
from gateway.request import Request
from gateway.shapes import UpstreamCall
from tests import loops
from tests.exchange.scene import OPENAI, Scene
from tests.fakes import Answer


@dataclass
class Seen:
    """One finished request, as an observer records it."""

    decision: Decision
    client: str
    outcome: str
    status: int


@dataclass
class Recorder:
    in_flight: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sockets: SocketCounts = field(default_factory=SocketCounts)
    seen: list[Seen] = field(default_factory=list)

    def finished(
        self, decision: Decision, shape: str, ending: Ending, status: int, seconds: float
    ) -> None:
        assert seconds >= 0
        self.seen.append(Seen(decision, shape, ending.outcome, status))


@dataclass
class Reply:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


class Client:
    """One gateway before a fake network, and requests to it."""

    def __init__(
        self,
        answer: Callable[[UpstreamCall], Answer],
        server: ServerSettings | None = None,
        clients: tuple[ClientSettings, ...] = (),
        scene: Scene | None = None,
        sessions: Callable[[Callable[[Request], Turns]], Sessions] | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.scene = scene or Scene(answer, server=server)
        settings = Settings((OPENAI,), server or ServerSettings(), clients=clients)
        apart = self.scene.exchange.attempts.apart
        forwarder = Forwarder(
            self.scene.settings, self.scene.resolver, self.scene.network.send, apart
        )
        listing = Listing(
            self.scene.settings, self.scene.resolver, forwarder, self.scene.network.send
        )
        self.observer = Recorder()
        fine_tunes = FineTunes(settings, self.scene.resolver, self.scene.network.send)
        legacy = Legacy(self.scene.exchange, forwarder, listing, fine_tunes)
        services = Services(
            self.scene.exchange,
            forwarder,
            listing,
            legacy,
            self.scene.responses,
            self.observer,
            tracing,
            sessions=sessions,
        )
        self.gateway = Gateway(settings, services)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
        *,
        query: bytes = b"",
        pieces: list[bytes] | None = None,
        host: bytes | None = b"gateway.test",
        on_message: Callable[[Any, "asyncio.Event"], None] = lambda _message, _leave: None,
        leave_at_once: bool = False,
        silent: bool = False,
    ) -> Reply:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        incoming = [raw] if pieces is None else list(pieces)
        leave, reply = asyncio.Event(), Reply()
        if leave_at_once:
            leave.set()

        async def receive() -> dict[str, Any]:
            if incoming and not silent and not leave_at_once:
                piece = incoming.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(incoming)}
            await leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                reply.body += message["body"]
                reply.complete = not message.get("more_body", False)
            on_message(message, leave)
            await asyncio.sleep(0)

        all_headers = list(headers or [])
        if host is not None:
            all_headers.append((b"host", host))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("utf-8"),
            "query_string": query,
            "headers": all_headers,
        }
        await ASGIGateway(self.gateway)(scope, receive, send)
        return reply

    def get(self, path: str, **more: Any) -> Reply:
        return loops.run(self.request("GET", path, **more))

    def post(self, path: str, body: Any = b"", **more: Any) -> Reply:
        return loops.run(self.request("POST", path, body, **more))

    def options(self, path: str, **more: Any) -> Reply:
        return loops.run(self.request("OPTIONS", path, **more))
