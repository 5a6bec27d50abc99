"""Stores are asked whether they answer."""

import asyncio
from pathlib import Path

from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.config.store_settings import MemorySettings, ResponsesSettings
from gateway.stores.answering import unanswered
from tests.redis_server import RedisProcess, needs_redis


def asked(memory: MemorySettings, responses: ResponsesSettings) -> dict[str, str]:
    return asyncio.run(unanswered(Settings((), memory=memory, responses=responses)))


def test_only_what_is_a_server_is_asked(tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path}/m.sqlite"
    assert asked(MemorySettings(), ResponsesSettings()) == {}
    assert asked(MemorySettings(url=file), ResponsesSettings("memory://")) == {}


@needs_redis
def test_a_server_answers_those_who_may_ask(redis: RedisProcess) -> None:
    assert asked(MemorySettings(url=redis.url), ResponsesSettings(redis.url)) == {}
    credentials = Secret("nobody:wrong-password")
    found = asked(
        MemorySettings(url=redis.url, credentials=credentials),
        ResponsesSettings(redis.url, credentials=credentials),
    )
    assert list(found) == ["memory.url", "responses.store"]
    assert "rejects the user name or the password" in found["memory.url"]
    redis.kill()
    found = asked(MemorySettings(url=redis.url), ResponsesSettings())
    assert "cannot be reached" in found["memory.url"]
