"""What a Redis server's failures mean, in texts without a credential, a key or a value."""

import asyncio
import errno
import os
from contextlib import closing
from pathlib import Path

import pytest
from redis import exceptions

from gateway.config.secret import Secret
from gateway.exchange.stored.responses import StoreError
from gateway.stores import redis_server as module
from gateway.stores.redis_server import NotWritable, RedisServer
from tests.redis_server import RedisProcess, needs_redis, redis_server
from tests.stores.processes import until

PLACE = "Redis at h:6379"


def refused() -> exceptions.ConnectionError:
    error = exceptions.ConnectionError("Error 111 connecting to u:canary@h")
    error.__cause__ = OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (exceptions.AuthenticationError("canary"), "rejects the user name or the password"),
        (exceptions.NoPermissionError("canary"), "does not permit this user the commands that"),
        (exceptions.BusyLoadingError("canary"), "is loading its data"),
        (exceptions.ReadOnlyError("canary"), "is a read-only replica"),
        (exceptions.TimeoutError("canary"), "did not answer within 2 s"),
        (TimeoutError("canary"), "did not answer within 2 s"),
        (refused(), "cannot be reached: Connection refused"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "cannot be reached: No route to host"),
        (exceptions.ConnectionError("canary"), "cannot be reached"),
        (exceptions.ResponseError("MISCONF canary"), "replied with an error (MISCONF)"),
        (exceptions.ResponseError("LOADED canary"), "replied with an error (LOADED)"),
        (exceptions.ResponseError("canary and more"), "replied with an error"),
        (exceptions.ResponseError("DB index is out of range"), "has no database of that number"),
        (exceptions.RedisError("canary"), "failed"),
    ],
)
def test_a_failure_has_its_meaning(error: Exception, meaning: str) -> None:
    server = RedisServer("redis://h", Secret("u:canary"))
    with pytest.raises(StoreError) as caught, server.failures():
        raise error
    assert str(caught.value).startswith(f"{PLACE} {meaning}")
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
    asyncio.run(server.aclose())


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (exceptions.OutOfMemoryError("canary"), "is full"),
        (exceptions.ReadOnlyError("canary"), "is a read-only replica"),
        (exceptions.NoPermissionError("canary"), "does not permit this user"),
        (exceptions.ResponseError("MISCONF canary"), "replied with an error"),
        (exceptions.ResponseError("NOREPLICAS canary"), "replied with an error"),
    ],
)
def test_a_server_that_takes_no_data_may_still_be_read(error: Exception, meaning: str) -> None:
    server = RedisServer("rediss://h:1/0", None)
    with pytest.raises(NotWritable, match=f"Redis at h:1 {meaning}"), server.failures():
        raise error
    asyncio.run(server.aclose())


@needs_redis
def test_commands_of_a_transaction_take_effect_together(tmp_path: Path) -> None:
    async def scenario(running: RedisProcess) -> None:
        server = RedisServer(running.url, None)
        async with server.transaction() as transaction:
            await server.perform(transaction.queue([("SET", "a", "1"), ("SET", "b", b"x")]))
            await server.perform(transaction.queue([("SET", "a", 2, "NX")]))
            assert await server.client.get("a") is None
            assert await server.perform(transaction.execute()) == [b"OK", b"OK", None]
        assert await server.client.mget("a", "b") == [b"1", b"x"]
        async with server.transaction() as transaction:
            await server.perform(transaction.queue([("SET", "a", "3")]))
        async with server.transaction() as transaction:
            await server.perform(transaction.queue([("INCR", "b"), ("SET", "c", "1")]))
            with pytest.raises(StoreError, match="replied with an error"):
                await server.perform(transaction.execute())
        async with server.transaction() as transaction:
            with pytest.raises(StoreError, match="replied with an error"):
                await server.perform(transaction.queue([("NOSUCH",), ("SET", "c", "1")]))
        async with server.transaction():
            pass
        found = await asyncio.gather(*(server.client.get("a") for _ in range(9)))
        assert found == [b"1"] * 9
        await server.aclose()

    with redis_server(tmp_path) as running:
        asyncio.run(scenario(running))


@needs_redis
def test_connections_that_the_server_has_closed_are_not_noticed(tmp_path: Path) -> None:
    async def scenario(running: RedisProcess) -> None:
        server = RedisServer(running.url, None)
        await asyncio.gather(*(server.perform(server.client.ping()) for _ in range(5)))
        assert running.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") == 5
        for _ in range(5):
            await server.perform(server.client.set("endpoint-gateway:x", "1"))
        running.kill()
        with pytest.raises(StoreError, match="cannot be reached"):
            await server.perform(server.client.ping())
        running.start()
        await asyncio.gather(*(server.perform(server.client.ping()) for _ in range(5)))
        await server.aclose()

    with redis_server(tmp_path) as running:
        asyncio.run(scenario(running))


@needs_redis
def test_a_server_that_has_become_a_replica_is_left(tmp_path: Path) -> None:
    async def scenario(running: RedisProcess) -> None:
        server = RedisServer(running.url, None)
        await server.perform(server.client.set("endpoint-gateway:x", "1"))
        (before,) = clients(running)
        running.do("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(NotWritable, match="is a read-only replica"):
            await server.perform(server.client.set("endpoint-gateway:x", "2"))
        await until(lambda: before not in clients(running))
        running.do("REPLICAOF", "NO", "ONE")
        await server.perform(server.client.set("endpoint-gateway:x", "2"))
        await server.aclose()

    with redis_server(tmp_path) as running:
        asyncio.run(scenario(running))


def clients(running: RedisProcess) -> list[str]:
    """The ids of the server's connections, but that which asks."""
    with closing(running.client) as client:
        return [each["id"] for each in client.client_list() if each["cmd"] != "client|list"]


@needs_redis
@pytest.mark.parametrize(
    ("credentials", "works"), [(None, False), (":wrong", False), (":p%40ss%2Fw", True)]
)
def test_the_credentials_are_those_of_the_url(
    tmp_path: Path, credentials: str | None, *, works: bool
) -> None:
    async def scenario(url: str) -> None:
        server = RedisServer(url, Secret(credentials) if credentials else None)
        try:
            if works:
                assert await server.perform(server.client.ping())
                return
            with pytest.raises(StoreError, match="rejects the user name or the password"):
                await server.perform(server.client.ping())
        finally:
            await server.aclose()

    with redis_server(tmp_path, "--requirepass", "p@ss/w") as running:
        asyncio.run(scenario(running.url))


@needs_redis
def test_an_operation_has_a_limit_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)

    async def scenario(url: str) -> None:
        server = RedisServer(url, None)
        with pytest.raises(StoreError, match="did not answer"):
            await server.perform(server.client.blpop("nothing", timeout=60))
        await server.aclose()

    with redis_server(tmp_path) as running:
        asyncio.run(scenario(running.url))
