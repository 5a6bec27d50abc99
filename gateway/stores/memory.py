"""Responses kept in the process: gone when it ends, unknown to other workers."""

import os
import sys
from collections.abc import Callable

import msgspec
from cachetools import TTLCache

from gateway.exchange.stored_responses import StoredResponse, StoreError

ID_TAKEN = "its id is taken, and nothing that is kept is replaced"


class MemoryStore:
    """At most `max_bytes` of encoded responses, each for `ttl` seconds; the oldest go first."""

    def __init__(self, ttl: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self._entries: TTLCache[tuple[str, str], bytes] = TTLCache(
            max_bytes, ttl, timer=clock, getsizeof=sys.getsizeof
        )
        self._max_bytes = max_bytes
        self.secret = os.urandom(32)

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""
        encoded = self._entries.get((owner, response_id))
        return None if encoded is None else decode(encoded)

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response; one that alone passes the limit is not kept.

        Raises `StoreError` where the owner has that id already.
        """
        encoded = encode(stored)
        if (owner, response_id) in self._entries:
            raise StoreError(ID_TAKEN)
        if sys.getsizeof(encoded) <= self._max_bytes:
            self._entries[owner, response_id] = encoded

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""
        return self._entries.pop((owner, response_id), None) is not None

    async def aclose(self) -> None:
        """Forget everything."""
        self._entries.clear()


def encode(stored: StoredResponse) -> bytes:
    """Return the JSON that is kept: data with a fixed form, never objects."""
    return msgspec.json.encode({"response": stored.response, "items": stored.items})


def decode(encoded: bytes) -> StoredResponse:
    """Read what `encode` wrote."""
    decoded = msgspec.json.decode(encoded)
    return StoredResponse(decoded["response"], decoded["items"])
