"""Opens the stores that the settings name, each by the scheme of its URL."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.config.store_settings import SQLITE, MemorySettings, ResponsesSettings, is_redis
from gateway.exchange.stored.responses import ResponseStore
from gateway.resolve.memory import Clock
from gateway.stores.availability import Availability
from gateway.stores.memory import MemoryStore
from gateway.stores.sharing import Caches, FindingsStore, SharedFindings

if TYPE_CHECKING:
    from gateway.stores.redis_responses import RedisResponses
    from gateway.stores.sqlite import SqliteStore

_NOT_SHARED = {
    "reading": "what others learn does not arrive here until it works again",
    "writing": "what is learned stays in this process until it works again",
}
_NOT_STORED = {
    "reading": "responses are not stored, and requests for stored ones get 503, until it works "
    "again",
    "writing": "responses are not stored until it works again; stored ones are found",
}


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one application, for its lifetime."""

    responses: ResponseStore | None
    """Closed by the `ResponseMemory` that it is given to."""
    findings: SharedFindings | None
    _redis: "RedisResponses | None" = None
    _file: "SqliteStore | None" = None

    def start(self) -> None:
        """Begin to share, in the running event loop."""
        if self.findings is not None:
            self.findings.start()
        if self._redis is not None:
            self._redis.start()

    def up(self) -> Mapping[str, bool]:
        """Return whether the stores outside the process work: `memory`, `responses`."""
        states = {}
        if self.findings is not None:
            states["memory"] = self.findings.state.is_up
        if self._redis is not None:
            states["responses"] = self._redis.state.is_up
        if self._file is not None:
            states["responses"] = self._file.is_up
        return states

    async def aclose(self) -> None:
        """Write what is still to be shared, and close its store."""
        if self.findings is not None:
            await self.findings.aclose()


def open_stores(settings: Settings, caches: Caches) -> Stores:
    """Return the stores that the settings name, without connecting to any.

    Raises `ValueError` for an unusable file, and for a shared store without a secret.
    """
    findings = open_findings(settings.memory, settings.secret)
    shared = None
    if findings is not None:
        state = Availability("memory.url", _NOT_SHARED, time.monotonic)
        shared = SharedFindings(findings, caches, time.time, state)
    if is_redis(settings.responses.store):
        redis = _redis_responses(settings.responses, settings.secret)
        return Stores(redis, shared, redis)
    store = open_store(settings.responses)
    return Stores(store, shared, None, None if isinstance(store, MemoryStore) else store)


def open_findings(
    settings: MemorySettings, secret: Secret | None, wall_clock: Clock = time.time
) -> FindingsStore | None:
    """Return where findings are shared; None: nowhere. Raises `ValueError`."""
    if settings.url == "memory://":
        return None
    key = _required(secret, "memory.url")
    if is_redis(settings.url):
        from gateway.stores.redis_findings import RedisFindings
        from gateway.stores.redis_server import RedisServer

        server = RedisServer(settings.url, settings.credentials)
        return RedisFindings(server, settings, key, wall_clock)
    from gateway.stores.sqlite_findings import SqliteFindings

    return SqliteFindings(_path(settings.url), settings, key, wall_clock)


def open_store(settings: ResponsesSettings) -> "MemoryStore | SqliteStore | None":
    """Return the store of this machine for responses, or None. Raises `ValueError`."""
    if settings.store is None:
        return None
    if settings.store == "memory://":
        return MemoryStore(settings.ttl, settings.max_bytes, time.monotonic)
    from gateway.stores.sqlite import SqliteStore

    return SqliteStore(_path(settings.store), settings.ttl, settings.max_bytes, time.time)


def _redis_responses(settings: ResponsesSettings, secret: Secret | None) -> "RedisResponses":
    from gateway.stores.redis_responses import RedisResponses
    from gateway.stores.redis_server import RedisServer

    key = _required(secret, "responses.store")
    server = RedisServer(settings.store or "", settings.credentials)
    state = Availability("responses.store", _NOT_STORED, time.monotonic)
    return RedisResponses(server, settings.ttl, settings.max_bytes, key, state)


def _required(secret: Secret | None, setting: str) -> Secret:
    if secret is None:
        raise ValueError(f"{setting} needs a secret, under which what is shared is stored")
    return secret


def _path(url: str) -> Path:
    return Path(url.removeprefix(SQLITE))
