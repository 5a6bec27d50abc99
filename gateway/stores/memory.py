"""Responses kept in memory: lost when the process ends, and not shared with other workers."""

import asyncio
import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from gateway.exchange.bodies.apart import Apart
from gateway.exchange.bodies.body_pieces import decode_in_pieces, encode_in_pieces
from gateway.exchange.stored.responses import StoredResponse, StoreError, TooLarge
from gateway.shapes import Json

_Key = tuple[str, str]
"""(owner, id)"""

BYTES_OF_AN_ID = 256
"""What an item's id adds to the size of its response: the id, its key, and its entry."""
_PIECE = 1000
"""How many items are noted in one turn of the event loop: less than a millisecond."""

ID_TAKEN = "its id is taken, and stored responses are never replaced"


@dataclass(slots=True)
class _Kept:
    encoded: bytes
    expires: float
    item_ids: Sequence[str]
    size: int


class MemoryStore:
    """At most `max_bytes` of encoded responses, each for `ttl` seconds; the oldest go first."""

    def __init__(self, ttl: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: dict[_Key, _Kept] = {}
        """Those that expire first come first."""
        self._places: dict[_Key, str] = {}
        """For each item's id, the id of the last response with that item."""
        self._held = 0
        self._apart = Apart()
        self.is_failing = False
        self.secret = os.urandom(32)

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""
        kept = self._kept.get((owner, response_id))
        if kept is None or kept.expires <= self._clock():
            return None
        return await self._apart.run_large(len(kept.encoded), partial(decode, kept.encoded))

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the items that are kept under these ids, as far as there are any."""
        wanted: dict[str, set[str]] = {}
        for item_id in ids:
            place = self._places.get((owner, item_id))
            if place is not None:
                wanted.setdefault(place, set()).add(item_id)
        found: dict[str, Json] = {}
        for response_id, inside in wanted.items():
            stored = await self.get(owner, response_id)
            found |= named_items(stored, inside) if stored is not None else {}
        return found

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response.

        Raises `StoreError` where it alone passes the limit, or the owner has that id already.
        """
        encoded = await self._apart.run(partial(encode, stored))
        item_ids = stored.own_ids
        size = sys.getsizeof(encoded) + BYTES_OF_AN_ID * len(item_ids)
        if size > self._max_bytes:
            raise too_large(size, self._max_bytes)
        now = self._clock()
        await self._make_room(now, size)
        if (owner, response_id) in self._kept:
            raise StoreError(ID_TAKEN)
        kept = self._kept[owner, response_id] = _Kept(encoded, now + self._ttl, item_ids, size)
        self._held += size
        for begin in range(0, len(item_ids), _PIECE):
            if self._kept.get((owner, response_id)) is not kept:  # others needed the room
                return
            for item_id in item_ids[begin : begin + _PIECE]:
                self._places[owner, item_id] = response_id
            await asyncio.sleep(0)

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""
        kept = self._kept.get((owner, response_id))
        if kept is None:
            return False
        await self._forget((owner, response_id), kept)
        return kept.expires > self._clock()

    async def aclose(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._places.clear()
        self._held = 0

    async def _make_room(self, now: float, size: int) -> None:
        """Forget what has expired, and the oldest where the rest leaves no room for a response."""
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if kept.expires > now and self._held + size <= self._max_bytes:
                return
            await self._forget(key, kept)

    async def _forget(self, key: _Key, kept: _Kept) -> None:
        del self._kept[key]
        self._held -= kept.size
        ids = iter(kept.item_ids)
        try:
            while piece := list(islice(ids, _PIECE)):
                self._forget_places(key, piece)
                await asyncio.sleep(0)
        finally:
            self._forget_places(key, ids)  # those that a cancelled task would leave behind

    def _forget_places(self, key: _Key, item_ids: Iterable[str]) -> None:
        owner, response_id = key
        for item_id in item_ids:
            if self._places.get((owner, item_id)) == response_id:
                del self._places[owner, item_id]


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
