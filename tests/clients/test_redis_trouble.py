"""A gateway whose Redis server is slow, hangs, is full, or lacks the database: real processes."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from gateway.demo import emulator
from tests.clients.test_sharing import CHAT, CHATTER, Gateway, gateway, is_up, up
from tests.redis_server import RedisProcess, needs_redis, redis_server
from tests.waiting import wait_until

pytestmark = needs_redis


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def one(tmp_path: Path, redis: RedisProcess) -> Iterator[Gateway]:
    with emulator.serve() as upstream, sharing(tmp_path, upstream, redis.url) as running:
        wait_until(partial(is_up, running))
        yield running


def sharing(folder: Path, upstream: emulator.Served, url: str) -> AbstractContextManager[Gateway]:
    both = f"memory: {{url: '{url}'}}\nresponses: {{store: '{url}'}}\n"
    return gateway(folder, upstream.base_url, both)


async def beside(
    one: Gateway, stored: str, then: Callable[[], None] = lambda: None
) -> httpx2.Response:
    """Continue a stored response; meanwhile, requests that need none are served. `then` is next."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        body = {"model": CHATTER, "input": "Go on.", "previous_response_id": stored}
        needing = asyncio.create_task(client.post(f"{one.base_url}/responses", json=body))
        for _ in range(5):
            reply = await client.post(f"{one.base_url}/chat/completions", json=CHAT)
            assert reply.status_code == 200
        assert not needing.done()
        then()
        return await needing


def test_a_server_that_answers_late_delays_only_what_needs_it(
    one: Gateway, redis: RedisProcess
) -> None:
    stored = one.respond("My name is Ada.").json()["id"]
    redis.freeze()
    assert asyncio.run(beside(one, stored, redis.thaw)).status_code == 200
    assert is_up(one)


def test_a_server_that_hangs_fails_only_what_needs_it(one: Gateway, redis: RedisProcess) -> None:
    stored = one.respond("My name is Ada.").json()["id"]
    redis.freeze()
    refused = asyncio.run(beside(one, stored))
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "store_unavailable"
    unstored = one.respond("Hello")
    assert unstored.status_code == 200
    assert "is not stored" in unstored.headers["x-gateway-warning"]
    redis.thaw()
    wait_until(lambda: one.respond("Go on.", previous_response_id=stored).status_code == 200)
    line = one.process.line_with("responses.store: Redis at")
    assert "did not answer within 2 s; responses are not stored, and requests for" in line
    assert "get 503" in line


def test_a_full_server_is_read_but_stores_nothing(one: Gateway, redis: RedisProcess) -> None:
    stored = one.respond("My name is Ada.").json()["id"]
    redis.do("CONFIG", "SET", "maxmemory", 1)
    unstored = one.respond("Hello")
    assert unstored.status_code == 200
    assert "is not stored" in unstored.headers["x-gateway-warning"]
    assert one.respond("Go on.", previous_response_id=stored).status_code == 200
    assert one.ask("/chat/completions", **CHAT).status_code == 200
    wait_until(lambda: up(one) == ["0.0", "0.0"])
    line = one.process.line_with("responses.store: Redis at")
    assert "is full (maxmemory); responses are not stored until it works again; stored ones" in line
    assert "not found" not in line
    redis.do("CONFIG", "SET", "maxmemory", 0)
    assert "x-gateway-warning" not in one.respond("Hello").headers
    wait_until(partial(is_up, one))


def test_a_database_that_does_not_exist_is_named(tmp_path: Path, redis: RedisProcess) -> None:
    url = redis.url.removesuffix("/0") + "/99"
    with emulator.serve() as upstream, sharing(tmp_path, upstream, url) as alone:
        assert "is not stored" in alone.respond("Hello").headers["x-gateway-warning"]
        line = alone.process.line_with("responses.store: Redis at")
        assert "has no database of that number: change the end of its URL (/0 to /15)" in line


def test_a_server_that_hangs_delays_neither_the_start_nor_the_end(
    tmp_path: Path, redis: RedisProcess
) -> None:
    redis.freeze()
    with emulator.serve() as upstream, sharing(tmp_path, upstream, redis.url) as alone:
        assert alone.ask("/chat/completions", **CHAT).status_code == 200
        unstored = alone.respond("Hello")
        assert unstored.status_code == 200
        assert "is not stored" in unstored.headers["x-gateway-warning"]
        refused = alone.respond("Go on.", previous_response_id="resp_1")
        assert refused.status_code == 503
        alone.process.signal(signal.SIGTERM)
        assert alone.process.ended() == 0
        assert not any("Traceback" in line for line in alone.process.lines)
