"""Responses kept in Redis, for any number of gateways with the same secret: keys that expire."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from gateway.config.secret import Secret
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.stored.responses import StoredResponse, StoreError
from gateway.shapes import Json
from gateway.stores.availability import Availability, pauses
from gateway.stores.findings import derived, space_of
from gateway.stores.memory import ID_TAKEN, decode, encode, named_items, too_large
from gateway.stores.redis_server import Command, NotWritable, RedisServer

MAX_VALUE_BYTES = 32 * 1024 * 1024
"""Limit of one response: Redis serves nobody else while it copies a value."""

_PIECE = 200
"""How many items' names are sent in one turn of the event loop: some milliseconds."""
_BODIES = 10
"""How many responses are read in one turn."""

_INTERVAL = 2.0
"""Seconds after which a server that answers is asked again."""


_Some = TypeVar("_Some")


class RedisResponses:
    """Responses of at most `max_bytes` each, for `ttl` seconds; Redis bounds their sum.

    Once the server has failed, operations fail at once until it answers again, which is tried
    in the background: no request waits for a server that is known to be down.
    """

    def __init__(
        self, server: RedisServer, ttl: float, max_bytes: int, secret: Secret, state: Availability
    ) -> None:
        self._server = server
        self._lifetime = max(1, round(ttl * 1000))
        """In milliseconds."""
        self._max_bytes = min(max_bytes, MAX_VALUE_BYTES)
        self._prefix = f"endpoint-gateway:{space_of(secret)}"
        self.secret = derived(secret, b"response owners")
        self.state = state
        self._apart = Apart()
        self._watch: asyncio.Task[None] | None = None
        self._noticed = asyncio.Event()
        """Set by an operation that has failed, so that the server is asked at once."""
        self._is_closed = False

    @property
    def is_failing(self) -> bool:
        """Whether the server is down, or was full the last time."""
        return self.state.trouble("reading", "writing") is not None

    def start(self) -> None:
        """Begin to ask whether the server answers."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_asking())

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""
        encoded = await self._perform(
            lambda: self._server.client.get(self._response(owner, response_id))
        )
        return None if encoded is None else await self._decoded(encoded)

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the items that are kept under these ids, as far as there are any."""
        wanted: dict[str, set[str]] = {}
        for piece in _pieces(list(ids), _PIECE):
            names = [self._item(owner, item_id) for item_id in piece]
            places = await self._perform(partial(self._server.client.mget, names))
            for item_id, place in zip(piece, places, strict=True):
                if place is not None:
                    wanted.setdefault(place.decode(), set()).add(item_id)
        found: dict[str, Json] = {}
        for some in _pieces(list(wanted.items()), _BODIES):
            keys = [self._response(owner, response_id) for response_id, _ in some]
            bodies = await self._perform(partial(self._server.client.mget, keys))
            for body, (_, inside) in zip(bodies, some, strict=True):
                if body is not None:
                    found |= named_items(await self._decoded(body), inside)
        return found

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response.

        Raises `StoreError` where it is too large, or the owner has that id already.
        """
        body = await self._apart.run(partial(encode, stored))
        if len(body) > self._max_bytes:
            raise too_large(len(body), self._max_bytes)
        try:
            is_new = await self._write(owner, response_id, body, stored.own_ids)
        except NotWritable as error:
            self.state.failed("writing", str(error))
            raise
        self.state.succeeded("writing")
        if not is_new:
            raise StoreError(ID_TAKEN)

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""
        name = self._response(owner, response_id)
        return bool(await self._perform(lambda: self._server.client.delete(name)))

    async def aclose(self) -> None:
        """Close the connections."""
        self._is_closed = True
        self._noticed.set()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait((self._watch,))
        await self._server.aclose()

    def _response(self, owner: str, response_id: str) -> str:
        return f"{self._prefix}:response:{owner}:{response_id}"

    def _item(self, owner: str, item_id: str) -> str:
        return f"{self._prefix}:item:{owner}:{item_id}"

    async def _write(
        self, owner: str, response_id: str, body: bytes, item_ids: Sequence[str]
    ) -> bool:
        """Write a response and the names of its items, or nothing; return whether its id was free.

        It is one transaction: names that lead to no response would hide an earlier response with
        the same items.
        """
        kept = ("PX", self._lifetime)
        commands: list[Command] = [("SET", self._response(owner, response_id), body, "NX", *kept)]
        commands += [("SET", self._item(owner, item), response_id, *kept) for item in item_ids]
        async with self._server.transaction() as transaction:
            for piece in _pieces(commands, _PIECE):
                await self._perform(partial(transaction.queue, piece))
            first, *_ = await self._perform(transaction.execute)
        return bool(first)

    async def _decoded(self, encoded: bytes) -> StoredResponse:
        return await self._apart.run_large(len(encoded), partial(decode, encoded))

    async def _perform(self, work: Callable[[], Awaitable[Any]]) -> Any:
        down = self.state.trouble("reading")
        if down is not None:
            raise StoreError(down)
        try:
            done = await self._server.perform(work())
        except NotWritable:
            raise
        except StoreError as error:
            self.state.failed("reading", str(error))
            self.start()
            self._noticed.set()
            raise
        self.state.succeeded("reading")
        return done

    async def _keep_asking(self) -> None:
        """Ask again and again, more often while the server does not answer.

        Without requests, nothing else would notice that it has gone.
        """
        waits = pauses()
        # A cancellation alone may be lost: clients swallow one that comes with their reply.
        while not self._is_closed:
            self._noticed.clear()
            try:
                with contextlib.suppress(NotWritable):  # which is an answer
                    await self._server.perform(self._server.client.ping())
            except StoreError as error:
                self.state.failed("reading", str(error))
                await asyncio.sleep(next(waits))
                continue
            self.state.succeeded("reading")
            waits = pauses()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL):
                    await self._noticed.wait()


def _pieces(whole: Sequence[_Some], size: int) -> Iterator[Sequence[_Some]]:
    return (whole[begin : begin + size] for begin in range(0, len(whole), size))
