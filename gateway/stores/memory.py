"""Responses kept in memory: lost when the process ends, and not shared with other workers."""

import os
import sys
from collections.abc import Callable, Collection

from cachetools import TTLCache

from gateway.exchange.body_pieces import decode_in_pieces, encode_in_pieces
from gateway.exchange.stored.responses import StoredResponse, StoreError, TooLarge
from gateway.shapes import Json

_Key = tuple[str, str, str]
"""(sort, owner, id)"""
_RESPONSE, _ITEM = "response", "item"

ID_TAKEN = "its id is taken, and nothing that is kept is replaced"


class MemoryStore:
    """At most `max_bytes` of encoded responses, each for `ttl` seconds; the oldest go first."""

    def __init__(self, ttl: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self._entries: TTLCache[_Key, bytes] = TTLCache(
            max_bytes, ttl, timer=clock, getsizeof=sys.getsizeof
        )
        """Responses, and for each item's id the id of the last response with that item."""
        self._max_bytes = max_bytes
        self.is_failing = False
        self.secret = os.urandom(32)

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""
        encoded = self._entries.get((_RESPONSE, owner, response_id))
        return None if encoded is None else decode(encoded)

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the items that are kept under these ids, as far as there are any."""
        wanted: dict[str, set[str]] = {}
        for item_id in ids:
            place = self._entries.get((_ITEM, owner, item_id))
            if place is not None:
                wanted.setdefault(place.decode(), set()).add(item_id)
        found: dict[str, Json] = {}
        for response_id, inside in wanted.items():
            stored = await self.get(owner, response_id)
            found |= named_items(stored, inside) if stored is not None else {}
        return found

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response.

        Raises `StoreError` where it alone passes the limit, or the owner has that id already.
        """
        encoded = encode(stored)
        key = (_RESPONSE, owner, response_id)
        if key in self._entries:
            raise StoreError(ID_TAKEN)
        if sys.getsizeof(encoded) > self._max_bytes:
            raise too_large(len(encoded), self._max_bytes)
        place = response_id.encode()
        for item_id in stored.own_ids:
            self._entries[_ITEM, owner, item_id] = place
        self._entries[key] = encoded

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""
        return self._entries.pop((_RESPONSE, owner, response_id), None) is not None

    async def aclose(self) -> None:
        """Forget everything."""
        self._entries.clear()


def too_large(size: int, limit: int) -> TooLarge:
    """Return the error for a response that does not fit."""
    return TooLarge(f"it has {size:,} bytes, and responses.max_bytes allows {limit:,}")


def encode(stored: StoredResponse) -> bytes:
    """Return the JSON that is stored."""
    return encode_in_pieces(
        {"response": stored.response, "items": stored.items, "inputs": stored.inputs}
    )


def decode(encoded: bytes) -> StoredResponse:
    """Decode what `encode` wrote, without the ids under which the response is found."""
    decoded = decode_in_pieces(encoded)
    return StoredResponse(decoded["response"], decoded["items"], decoded.get("inputs"))


def named_items(stored: StoredResponse, ids: Collection[str]) -> dict[str, Json]:
    """Return the items of a response that have one of these ids, by id."""
    return {item["id"]: item for item in stored.items if item.get("id") in ids}
