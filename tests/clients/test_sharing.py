"""Gateways that share what they learn and store: real processes, a real Redis server, SQLite."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.demo import emulator
from tests.processes import GatewayProcess, gateway_process
from tests.redis_server import RedisProcess, needs_redis, redis_server
from tests.waiting import wait_until

WRITER = "davinci-002"
"""A model at completions, which only a refusal teaches: the upstream is of an unknown kind."""
CHATTER = "gpt-3.5-turbo"
SECRET, OTHER_SECRET = "s" * 32, "t" * 32
CHAT: dict[str, Any] = {"model": WRITER, "messages": [{"role": "user", "content": "Hello"}]}
PASSWORD = "p-canary"


class Gateway:
    """A running gateway, and what its process has printed."""

    def __init__(self, process: GatewayProcess) -> None:
        self.process = process
        self.base_url = process.line_with("gateway: http").split()[-1]
        self.admin_url = process.line_with("admin: http").split()[-1]

    def ask(self, path: str, **body: Any) -> httpx2.Response:
        return httpx2.post(self.base_url + path, json=body, trust_env=False)

    def respond(self, text: str, **body: Any) -> httpx2.Response:
        return self.ask("/responses", model=CHATTER, input=text, **body)

    def resolved_by(self) -> str:
        asked = {"model": WRITER, "from": "chat"}
        reply = httpx2.get(f"{self.admin_url}/resolve", params=asked, trust_env=False)
        resolved_by: str = reply.json()["resolved_by"]
        return resolved_by

    def metrics(self) -> str:
        return httpx2.get(f"{self.admin_url}/metrics", trust_env=False).text


@contextmanager
def gateway(
    folder: Path, upstream: str, sharing: str, secret: str = SECRET, workers: int = 1
) -> Iterator[Gateway]:
    text = (
        f"server: {{port: 0, workers: {workers}}}\nadmin: {{port: 0}}\nsecret: {secret}\n"
        f"upstreams: {{openai: {{base_url: '{upstream}', kind: other, api_key: sk-demo}}}}\n"
        f"models: {{{CHATTER}: {{endpoint: chat}}}}\n"
    )
    path = folder / "config.yaml"
    path.write_text(text + sharing, "utf-8")
    with gateway_process("serve", "--config", str(path), folder=folder) as process:
        yield Gateway(process)


@pytest.fixture
def upstream() -> Iterator[emulator.Served]:
    with emulator.serve() as served:
        yield served


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with redis_server(tmp_path, "--requirepass", PASSWORD) as server:
        yield server


@pytest.fixture
def gateways(
    tmp_path: Path, upstream: emulator.Served, redis: RedisProcess
) -> Iterator[list[Gateway]]:
    """Two that share everything, and a third one with another secret."""
    url = redis.url.replace("://", f"://:{PASSWORD}@")
    sharing = f"memory: {{url: '{url}'}}\nresponses: {{store: '{url}'}}\n"
    with ExitStack() as stack:
        running = [
            stack.enter_context(gateway(tmp_path, upstream.base_url, sharing, secret))
            for secret in (SECRET, SECRET, OTHER_SECRET)
        ]
        for each in running:
            wait_until(partial(is_up, each))
        yield running


def is_up(each: Gateway) -> bool:
    return up(each) == ["1.0", "1.0"]


def is_down(each: Gateway) -> bool:
    return up(each) == ["0.0", "0.0"]


def up(each: Gateway) -> list[str]:
    """What the metric says of the two stores."""
    lines = [line for line in each.metrics().splitlines() if line.startswith("gateway_shared")]
    return [line.rpartition(" ")[2] for line in lines]


@needs_redis
def test_what_one_gateway_learns_and_stores_another_uses(
    gateways: list[Gateway], upstream: emulator.Served
) -> None:
    one, other, stranger = gateways
    first = one.ask("/chat/completions", **CHAT)
    assert first.headers["x-gateway-attempts"] == "2"
    wait_until(lambda: other.resolved_by() == "learned")
    reply = other.ask("/chat/completions", **CHAT)
    assert (reply.status_code, reply.headers["x-gateway-attempts"]) == (200, "1")
    assert reply.headers["x-gateway-resolved-by"] == "learned"

    stored = one.respond("My name is Ada.").json()["id"]
    again = other.respond("What is my name?", previous_response_id=stored)
    assert again.status_code == 200
    assert "My name is Ada." in str(upstream.journal[-1].body)
    third = one.respond("Really?", previous_response_id=again.json()["id"])
    assert "My name is Ada." in str(upstream.journal[-1].body)
    assert third.status_code == 200

    assert stranger.resolved_by() != "learned"
    refused = stranger.respond("What is my name?", previous_response_id=stored)
    assert refused.json()["error"]["code"] == "previous_response_not_found"


@needs_redis
def test_redis_is_killed_in_the_middle_of_traffic(
    gateways: list[Gateway], redis: RedisProcess
) -> None:
    one, other, _ = gateways
    stored = one.respond("My name is Ada.").json()["id"]
    statuses = asyncio.run(traffic([one, other], redis))
    assert statuses == [200] * len(statuses)

    for each in (one, other):
        wait_until(partial(is_down, each))
        refused = each.respond("What is my name?", previous_response_id=stored)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["error"]["code"] == "store_unavailable"
        unstored = each.respond("Hello")
        assert unstored.status_code == 200
        assert "is not stored" in unstored.headers["x-gateway-warning"]

    redis.start()
    for each in (one, other):
        wait_until(partial(is_up, each))
    lost = other.respond("Go on.", previous_response_id=unstored.json()["id"]).json()["error"]
    assert lost["code"] == "previous_response_not_found"
    assert "could not be stored when it was made" in lost["message"]
    stored = one.respond("My name is Eve.").json()["id"]
    assert other.respond("Who am I?", previous_response_id=stored).status_code == 200
    one.ask("/chat/completions", **CHAT)
    wait_until(lambda: other.resolved_by() == "learned")

    for each in (one, other):
        each.process.signal(signal.SIGTERM)
        assert each.process.ended() == 0
        printed = "\n".join(each.process.lines)
        assert PASSWORD not in printed
        assert "responses.store: Redis at 127.0.0.1" in printed
        assert "responses.store: works again" in printed
        assert "Traceback" not in printed


async def traffic(gateways: list[Gateway], redis: RedisProcess) -> list[int]:
    """Return the statuses of requests that need no store, Redis being killed at a third of them."""
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def ask(number: int) -> int:
            if number == 100:
                await asyncio.to_thread(redis.kill)
            where = gateways[number % 2].base_url
            if number % 3:
                reply = await client.post(f"{where}/chat/completions", json=CHAT)
            else:
                body = {"model": CHATTER, "input": "Hello", "stream": number % 2 == 0}
                reply = await client.post(f"{where}/responses", json=body)
            assert "Hello" in reply.text
            return reply.status_code

        statuses: list[int] = []
        for start in range(0, 300, 20):
            statuses += await asyncio.gather(*map(ask, range(start, start + 20)))
        return statuses


def test_a_file_is_shared_by_workers_and_read_after_a_restart(
    tmp_path: Path, upstream: emulator.Served
) -> None:
    sharing = f"memory: {{url: 'sqlite:///{tmp_path}/memory.sqlite'}}\n"
    with gateway(tmp_path, upstream.base_url, sharing, workers=2) as two:
        assert two.ask("/chat/completions", **CHAT).headers["x-gateway-attempts"] == "2"
        wait_until(lambda: {two.resolved_by() for _ in range(20)} == {"learned"})
        two.process.signal(signal.SIGTERM)
        assert two.process.ended() == 0
    with gateway(tmp_path, upstream.base_url, sharing) as again:
        wait_until(lambda: again.resolved_by() == "learned")
        assert again.ask("/chat/completions", **CHAT).headers["x-gateway-attempts"] == "1"


@needs_redis
def test_a_wrong_password_costs_nothing_but_the_sharing(
    tmp_path: Path, upstream: emulator.Served, redis: RedisProcess
) -> None:
    url = redis.url.replace("://", "://:q-canary@")
    sharing = f"memory: {{url: '{url}'}}\nresponses: {{store: '{url}'}}\n"
    with gateway(tmp_path, upstream.base_url, sharing) as alone:
        assert alone.ask("/chat/completions", **CHAT).status_code == 200
        assert alone.resolved_by() == "learned"
        assert "is not stored" in alone.respond("Hello").headers["x-gateway-warning"]
        assert is_down(alone)
        alone.process.signal(signal.SIGTERM)
        assert alone.process.ended() == 0
        printed = "\n".join(alone.process.lines)
    assert "rejects the user name or the password" in printed
    assert "canary" not in printed
