"""The operators' listener before a fake network, without sockets."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from gateway.admin.application import build
from gateway.admin.counters.metrics import Figures, Metrics
from gateway.admin.counters.sums import Sums
from gateway.admin.overview import AddressState, Overview
from gateway.admin.reloading import ReloadControl
from gateway.config.changes import ReloadResult
from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import Settings, UpstreamSettings
from gateway.observe.recent import RecentRequests
from gateway.server.processes.peers import Peers
from gateway.shapes import UpstreamCall
from gateway.upstream.health import AddressHealth
from gateway.upstream.slots import UpstreamStats
from tests.exchange.scene import OPENAI, Scene
from tests.fakes import Answer, error_reply, json_reply

TOKEN = Secret("admin-token")


def lists(call: UpstreamCall) -> Answer:
    """Show a model to Alice only."""
    if call.path == "/models" and any(v == b"Bearer alice" for _, v in call.client_headers):
        return json_reply({"data": [{"id": "acme-x", "object": "model"}]})
    return error_reply(401, "no key")


class StillUpstreams:
    """Upstreams with figures of one moment."""

    def __init__(self, *settings: UpstreamSettings) -> None:
        self.settings = settings or (OPENAI,)

    def stats(self) -> Mapping[str, Figures]:
        return {each.name: UpstreamStats(2, 1, 3) for each in self.settings}

    def health(self) -> Mapping[str, Sequence[AddressState]]:
        return {
            each.name: tuple(AddressHealth(url, True, 1, 1, 0, None, 0.0) for url in each.base_urls)
            for each in self.settings
        }


class Admin:
    """A listener with or without a token; `stopping` ends its event streams."""

    def __init__(self, token: Secret | None = None) -> None:
        self.scene = Scene(lists)
        self.metrics = Metrics(frozenset({"openai"}))
        self.recent = RecentRequests()
        self.learned = self.scene.exchange.memory.endpoints
        self.stopping = True
        self.reloaded = ReloadResult(done=True, text="so it ended")
        peers = Peers()
        settings = Settings((OPENAI,), admin=AdminSettings(token=token))
        overview = Overview(
            settings, peers, self.recent, StillUpstreams(), self.learned, self.metrics.sockets
        )
        self.app = build(
            settings,
            (self.scene.resolver, self.scene.exchange.attempts),
            Sums(self.metrics.families, peers),
            overview,
            ReloadControl(self.reload, lambda: self.stopping),
        )

    async def reload(self) -> ReloadResult:
        return self.reloaded

    def send(self, method: str, path: str, content: Any = None, **headers: str) -> httpx2.Response:
        """Send a request; underscores in the names of headers become hyphens."""

        async def scenario() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:9090"
            ) as client:
                more = {"json": content} if isinstance(content, dict) else {"content": content}
                return await client.request(method, path, headers=named, **more)

        return asyncio.run(scenario())

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.send("GET", path, **headers)

    def post(self, path: str, content: Any = None, **headers: str) -> httpx2.Response:
        return self.send("POST", path, content, **headers)
