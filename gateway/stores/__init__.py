"""Where stored responses are kept: in the process, or in an SQLite file."""

import time
from pathlib import Path

from gateway.config.settings import ResponsesSettings
from gateway.exchange.stored.responses import ResponseStore
from gateway.stores.memory import MemoryStore


def open_store(settings: ResponsesSettings) -> ResponseStore | None:
    """Return the store that the settings name, or None. Raises `ValueError` for a bad file."""
    if settings.store is None:
        return None
    if settings.store == "memory://":
        return MemoryStore(settings.ttl, settings.max_bytes, time.monotonic)
    from gateway.stores.sqlite import SqliteStore

    path = Path(settings.store.removeprefix("sqlite:///"))
    return SqliteStore(path, settings.ttl, settings.max_bytes, time.time)
