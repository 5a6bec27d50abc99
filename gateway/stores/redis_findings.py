"""Findings in Redis: a hash has all of them, a channel each change. Shared by any number of hosts.

A finding's name is the field, its JSON the value. The hash expires with its last finding, fields
by the time in them: a process that writes beyond the limit removes those that are out of date.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import Clock
from gateway.stores.findings import MAX_BYTES, Finding, decoded, encoded, name_of, space_of
from gateway.stores.redis_server import PATIENCE, NotWritable, RedisServer

_SILENCE = 2.0
"""Seconds without a message after which the server is asked whether it is still there."""

_CHUNK = 500


class RedisFindings:
    """Shares findings at a server with processes that have the same secret."""

    def __init__(
        self, server: RedisServer, settings: MemorySettings, secret: Secret, wall_clock: Clock
    ) -> None:
        self._server = server
        self._settings = settings
        self._wall_clock = wall_clock
        self._hash = f"endpoint-gateway:{space_of(secret)}:findings"
        self._channel = f"{self._hash}:changes"

    async def follow(
        self, adopt: Callable[[Iterable[bytes]], None], caught_up: Callable[[], None]
    ) -> None:
        """Hand over what is stored, and each change; see `FindingsStore`."""
        subscription = self._server.subscriber.pubsub()
        with self._server.failures():
            try:
                await subscription.subscribe(self._channel)
                # From the subscription on nothing is missed; so what is stored is read after it.
                await self._next(subscription)
                async for found in self._stored():
                    adopt(found.values())
                caught_up()
                while True:
                    message = await self._next(subscription)
                    if message["type"] == "message":
                        adopt((message["data"],))
            finally:
                await subscription.aclose()

    async def _next(self, subscription: Any) -> Any:
        """Return the next message of any kind; raises `StoreError` for a server that is silent."""
        message = await subscription.get_message(timeout=_SILENCE)
        if message is None:
            await subscription.ping()
            message = await subscription.get_message(timeout=PATIENCE)
        if message is None:
            raise self._server.is_silent()
        return message

    async def _stored(self) -> Any:
        cursor = 0
        while True:
            async with asyncio.timeout(PATIENCE):
                cursor, found = await self._server.client.hscan(self._hash, cursor, count=_CHUNK)
            yield found
            if cursor == 0:
                return

    async def write(self, findings: Sequence[Finding]) -> None:
        """Store and announce findings; see `FindingsStore`.

        Raises `NotWritable` for a server that is full and keeps none of them; the processes that
        listen get them all the same.
        """
        texts = {name_of(each): (each, encoded(each)) for each in findings}
        fitting = {name: pair for name, pair in texts.items() if len(pair[1]) <= MAX_BYTES}
        pipeline = self._server.client.pipeline(transaction=True)
        for name, (finding, text) in fitting.items():
            if finding.is_forgotten:
                pipeline.hdel(self._hash, name)
            else:
                pipeline.hset(self._hash, name, text)
            pipeline.publish(self._channel, text)
        pipeline.pexpire(self._hash, round(self._settings.ttl * 1000))
        pipeline.hlen(self._hash)
        try:
            *_, length = await self._server.perform(pipeline.execute())
        except NotWritable:
            for _, text in fitting.values():
                await self._server.perform(self._server.client.publish(self._channel, text))
            raise
        if length > self._settings.max_entries:
            await self._make_room()

    async def _make_room(self) -> None:
        """Remove findings that have expired, and the oldest, until a tenth of the room is free."""
        found: dict[bytes, Finding | None] = {}
        with self._server.failures():
            async for chunk in self._stored():
                found |= {name: decoded(text) for name, text in chunk.items()}
        readable = [(name, finding) for name, finding in found.items() if finding is not None]
        readable.sort(key=lambda pair: pair[1].at, reverse=True)
        oldest = self._wall_clock() - self._settings.ttl
        kept = {
            name
            for name, finding in readable[: self._settings.max_entries * 9 // 10]
            if finding.at > oldest
        }
        gone = [name for name in found if name not in kept]
        if gone:
            await self._server.perform(self._server.client.hdel(self._hash, *gone))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()
