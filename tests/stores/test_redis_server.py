"""What a Redis server's failures mean, in texts without a credential, a key or a value."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from redis import exceptions

from gateway.config.secret import Secret
from gateway.exchange.stored.responses import StoreError
from gateway.stores import redis_server as module
from gateway.stores.redis_server import RedisServer, StoreFull
from tests.redis_server import needs_redis, redis_server

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
        (exceptions.ResponseError("canary and more"), "replied with an error"),
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


def test_a_full_server_is_another_failure() -> None:
    server = RedisServer("rediss://h:1/0", None)
    with pytest.raises(StoreFull, match="Redis at h:1 is full"), server.failures():
        raise exceptions.OutOfMemoryError("canary")
    asyncio.run(server.aclose())


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
