"""A real Redis server (Debian's `redis-server`), started on a port of its own for a test."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.addresses import held_port
from tests.waiting import wait_until

PROGRAM = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(
    PROGRAM is None, reason="redis-server is not installed (Debian's package redis-server)"
)


class RedisProcess:
    """A server that keeps nothing on disk: what it held is gone once it is killed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.port = held_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Any:
        """A client of the test's own, to be closed."""
        return redis.Redis(port=self.port, password=self._password)

    @property
    def _password(self) -> str | None:
        if "--requirepass" not in self._options:
            return None
        return self._options[self._options.index("--requirepass") + 1]

    def start(self) -> None:
        assert PROGRAM is not None
        fixed = ("--save", "", "--appendonly", "no", "--dir", str(self._folder))
        self._process = subprocess.Popen(
            [PROGRAM, "--bind", "127.0.0.1", "--port", str(self.port), *fixed, *self._options],
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, as a machine that has gone does."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def do(self, *command: str | int) -> Any:
        """Carry out a command, as `redis-cli` does."""
        with closing(self.client) as client:
            return client.execute_command(*command)

    def subscribers(self) -> int:
        """How many connections listen for changes."""
        with closing(self.client) as client:
            return sum(
                count
                for channel in client.pubsub_channels()
                for _, count in client.pubsub_numsub(channel)
            )

    def _answers(self) -> bool:
        try:
            return self.do("PING") is not None
        except redis.ConnectionError:
            return False


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisProcess]:
    """Run a server until the block ends."""
    server = RedisProcess(folder, *options)
    try:
        yield server
    finally:
        server.kill()
