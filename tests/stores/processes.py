"""The memories of several processes that share their findings, within one event loop."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings
from gateway.exchange.params.known_fixes import KnownFixes
from gateway.resolve.memory import CacheScope, LearnedEndpoints
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from gateway.stores.availability import Availability
from gateway.stores.opening import open_findings
from gateway.stores.sharing import Caches, FindingsStore, SharedFindings
from tests.waiting import PATIENCE

SECRET = Secret("s" * 32)
ALICE = CacheScope("openai", "a" * 64)
NONE: frozenset[str] = frozenset()
TOOLS = frozenset({"tools", "reasoning"})
DROP = ParameterFix("drop", "seed")
RENAME = ParameterFix("rename", "max_tokens", "max_completion_tokens")
ALONE = {"reading": "others are not heard", "writing": "others hear nothing"}


class Replica:
    """What one process has learned, shared at a store."""

    def __init__(
        self,
        settings: MemorySettings,
        secret: Secret = SECRET,
        store: FindingsStore | None = None,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoints = LearnedEndpoints(settings, clock)
        self.fixes = KnownFixes(settings, clock)
        opened = store or open_findings(settings, secret, wall_clock)
        assert opened is not None
        caches = Caches(self.endpoints, self.fixes, clock, settings.ttl)
        self.state = Availability("memory.url", ALONE, clock)
        self.shared = SharedFindings(opened, caches, wall_clock, self.state)

    async def __aenter__(self) -> Self:
        self.shared.start()
        await until(lambda: self.state.is_up)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shared.aclose()

    def learn(self, model: str, shape: Shape, holds_for: frozenset[str] | None = None) -> None:
        self.endpoints.learn(ALICE, model, holds_for, shape)

    def recall(self, model: str, features: frozenset[str] = NONE) -> Shape | None:
        known = self.endpoints.recall(ALICE, model, features)
        return known.shape if known is not None else None

    def fixed(self, model: str) -> tuple[ParameterFix, ...]:
        return self.fixes.recall(ALICE, model, Shape.CHAT, NONE)


async def until(happens: Callable[[], bool]) -> None:
    """Wait until it has happened; fails when it does not."""
    async with asyncio.timeout(PATIENCE):
        while not happens():  # noqa: ASYNC110 - another process, or a thread, brings it about
            await asyncio.sleep(0.005)
