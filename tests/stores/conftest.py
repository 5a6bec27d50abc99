"""A Redis server for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import RedisProcess, redis_server


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with redis_server(tmp_path) as server:
        yield server
