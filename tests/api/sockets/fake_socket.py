"""A client's socket without a connection, which remembers what is sent."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.frames import FrameScanner
from gateway.shapes import Json
from gateway.sockets import NORMAL_CLOSURE, Socket, SocketUser
from tests.waiting import PATIENCE

TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")


class FakeSocket(Socket):
    """`is_slow`: the peer does not read. `code` is the one that it was closed with, 0: open."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.writes = 0
        self.is_slow = False
        self.is_paused = False
        self.code = 0
        self.reason = ""
        self.user: SocketUser | None = None
        self._news = asyncio.Event()

    def attach(self, user: SocketUser) -> None:
        self.user = user
        self._news.set()

    def send(self, message: bytes) -> bool:
        return self.send_all([message])

    def send_all(self, messages: Sequence[bytes]) -> bool:
        for message in messages:
            message.decode()
            if not self.code:
                self.messages.append(message)
        self.writes += 1
        self._news.set()
        return not self.is_slow

    def take_frames(self, *, pings: bool) -> FrameScanner:
        raise NotImplementedError

    def send_frames(self, data: bytes, *, complete: bool) -> bool:
        """Take frames whose payload is the event itself: the tests' relays send it bare."""
        assert complete
        return self.send_all([data])

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        self.leave(code, reason)

    # --- the client ---------------------------------------------------------------------------

    def leave(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """End the connection."""
        if self.user is not None and not self.code:
            self.code, self.reason = code, reason
            self._news.set()
            self.user.closed(code, reason)

    def say(self, event: Json | bytes) -> None:
        """Send the gateway an event."""
        assert self.user is not None
        self.user.received(event if isinstance(event, bytes) else msgspec.json.encode(event))

    def read_again(self) -> None:
        """Read what was sent."""
        assert self.user is not None
        self.is_slow = False
        self.user.drained()

    @property
    def frames(self) -> list[Any]:
        return [msgspec.json.decode(message) for message in self.messages]

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true of what was sent."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def turn(self, **create: Any) -> list[Any]:
        """Send a create; return its frames, once the last of them has come."""
        begun = len(self.messages)
        stream_id = create.get("stream_id")

        def own() -> list[Any]:
            return [f for f in self.frames[begun:] if f.get("stream_id") == stream_id]

        self.say({"type": "response.create", **create})
        await self.until(lambda: any(frame["type"] in TERMINAL for frame in own()))
        return own()
