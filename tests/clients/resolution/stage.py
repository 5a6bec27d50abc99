"""A gateway whose clock stands, before upstreams that are other ones for each key."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeVar

from gateway.config.settings import ModelRule, Settings, TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from tests.clients.resolution.asking import Reply, Said, fetch, question, said
from tests.clients.resolution.scene import Scene
from tests.clients.resolution.standing_clock import StandingClock, gateway_by_the_clock
from tests.clients.running import RunningGateway
from tests.upstream.scripted import Peer, Script, scripted

METADATA = TimeoutSettings().metadata
NEGATIVE_TTL = MemorySettings().negative_ttl
TTL = MemorySettings().ttl
A_MOMENT = 1.5
"""Longer than a route is kept for the same question, and shorter than any other time here."""

Answer = TypeVar("Answer")
Scenes = dict[str, Scene]
"""What an upstream is, by the `Authorization` that it is asked with."""


@dataclass
class Stage:
    """Both sides of a gateway, and the time between them."""

    gateway: RunningGateway
    clock: StandingClock
    kinds: Sequence[Profile]
    """Those of the upstreams."""
    scenes: Sequence[Scenes]
    """One for each upstream."""
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def base_url(self) -> str:
        return self.gateway.base_url

    @property
    def most_calls(self) -> int:
        """How often an endpoint is called for one request: at most once for each there may be."""
        return len(Shape) - len(self.kinds[0].lacks)

    def asked_first(self, client: Shape) -> Shape:
        """Return the endpoint that is tried first if nothing is known of the model."""
        return Shape.RESPONSES if client in self.kinds[0].lacks else client

    def set(self, scene: Scene) -> Scene:
        """Show a scene to a key that nobody else has."""
        return self.set_all(scene)[0]

    def set_all(self, *scenes: Scene) -> list[Scene]:
        """Show one scene at each upstream to a key that nobody else has."""
        key, held = f"sk-{scenes[0].key}-{next(self._numbers)}", asyncio.Event()
        shown = [replace(scene, key=key, held=held) for scene in scenes]
        for known, scene in zip(self.scenes, shown, strict=True):
            known[f"Bearer {key}"] = scene
        return shown

    async def ask(
        self,
        scene: Scene,
        shape: Shape,
        *,
        streamed: bool = False,
        waits: bool = False,
        **more: object,
    ) -> Reply:
        """Ask for the scene's model.

        `waits`: where a look-up is held, `timeouts.metadata` passes, once. Otherwise no time
        passes, so who waits for a deadline gets no reply.
        """
        body = question(shape, scene.model, streamed=streamed, **more)
        return await self.fetch(scene, "POST", shape.path, body, waits=waits)

    async def fetch(
        self, scene: Scene, method: str, path: str, body: bytes = b"", *, waits: bool = False
    ) -> Reply:
        """Ask for anything, with the scene's key; `waits` as in `ask`."""
        sent = fetch(self.base_url, method, path, body, key=scene.key)
        return await (self.patiently(scene, sent) if waits else sent)

    async def patiently(self, scene: Scene, sent: Coroutine[Any, Any, Answer]) -> Answer:
        """Await a reply; if a look-up is held before it comes, `timeouts.metadata` passes."""
        asking = asyncio.create_task(sent)
        held = asyncio.create_task(scene.held.wait())
        await asyncio.wait({asking, held}, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        if not asking.done():
            await self.settle()
            self.clock.advance(METADATA)
        return await asking

    async def settle(self) -> None:
        """Let what is on its way arrive: both sides get several turns, and no time passes."""
        for _ in range(5):
            await fetch(self.base_url.removesuffix("/v1"), "GET", "/healthz")

    async def answered(
        self,
        scene: Scene,
        shape: Shape,
        *,
        streamed: bool = False,
        waits: bool = False,
        **more: object,
    ) -> tuple[Said, list[Shape]]:
        """Return what the model has said, and the endpoints that were called for it."""
        before = len(scene.calls)
        reply = await self.ask(scene, shape, streamed=streamed, waits=waits, **more)
        return said(shape, reply, streamed=streamed), scene.calls[before:]

    async def explained(self, scene: Scene, shape: Shape, model: str | None = None) -> Json:
        """Return what the admin listener's `/resolve` says of a model to the scene's key."""
        path = f"/resolve?model={model or scene.model}&from={shape}"
        reply = await fetch(self.gateway.admin_url, "GET", path, key=scene.key)
        assert reply.status == 200, reply.body
        return dict(reply.json)


def playing(scenes: Mapping[str, Scene]) -> Script:
    """Return what an upstream does on each of its connections."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            key = request.header("authorization") or f"Bearer {request.header('api-key')}"
            await peer.send(await scenes[key].answer(request))

    return script


@asynccontextmanager
async def set_up(
    *kinds: Profile,
    rules: tuple[ModelRule, ...] = (),
    memory: MemorySettings | None = None,
    base_path: str = "/v1",
    **upstream: Any,
) -> AsyncIterator[Stage]:
    """Set up the stage with an upstream of each kind: `main`, `second`, `third` …"""
    scenes: list[Scenes] = [{} for _ in kinds]
    names = ("main", "second", "third", "fourth")
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(scripted(playing(each))) for each in scenes]
        upstreams = tuple(
            UpstreamSettings(name, f"http://127.0.0.1:{server.port}{base_path}", kind, **upstream)
            for name, server, kind in zip(names, servers, kinds, strict=False)
        )
        settings = Settings(upstreams, models=rules, memory=memory or MemorySettings())
        with gateway_by_the_clock(settings) as (gateway, clock):
            try:
                yield Stage(gateway, clock, kinds, scenes)
            finally:
                for scene in (scene for known in scenes for scene in known.values()):
                    scene.released.set()
