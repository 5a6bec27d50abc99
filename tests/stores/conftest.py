"""A Redis server for each test that asks for one, and stores that wait as long as tests do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.stores import redis_findings, redis_server, sqlite_file
from tests import waiting
from tests.redis_server import RedisProcess
from tests.redis_server import redis_server as running_server


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no store give up because the machine is busy: by themselves, they do after 1 to 3 s."""
    for limits, name in (
        (redis_server, "PATIENCE"),
        (redis_server, "_CONNECT_SECONDS"),
        (redis_findings, "PATIENCE"),
        (sqlite_file, "_PATIENCE"),
    ):
        monkeypatch.setattr(limits, name, waiting.PATIENCE)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with running_server(tmp_path) as server:
        yield server
