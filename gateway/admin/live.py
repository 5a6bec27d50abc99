"""The page's event stream (server-sent events): what has changed, once a second.

The workers are asked again and again while a page is open, so that requests cost nothing for a
page that nobody looks at.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from gateway.admin.overview import Overview
from gateway.observe.recent import Wanted
from gateway.shapes import Json

INTERVAL = 1.0
"""Seconds between two looks."""
MAX_PAGES = 32
"""Open event streams of a worker."""
_QUIET = 15
"""Looks without a change after which a comment keeps the connection open."""


class Live:
    """Makes event streams. They end when the listener is `stopping`, or the overview replaced.

    Browsers then connect again.
    """

    def __init__(self, overview: Overview, stopping: Callable[[], bool]) -> None:
        self._overview = overview
        self._stopping = stopping
        self._open = 0

    @property
    def full(self) -> bool:
        """Whether no more streams may be opened."""
        return self._open >= MAX_PAGES

    async def events(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        """Yield the recent requests that are wanted and the state, and then what is new."""
        seen: dict[int, int] = {}
        shown: Json = {}
        quiet = 0
        self._open += 1
        try:
            # Browsers wait for as long before they connect again.
            yield b"retry: 1000\n\n"
            while not (self._stopping() or self._overview.replaced):
                state = await self._overview.look(seen, wanted)
                requests = state.pop("requests")
                for request in requests:
                    seen[request["worker"]] = max(request["number"], seen.get(request["worker"], 0))
                quiet += 1
                if requests or not shown:
                    quiet = 0
                    yield _event("requests", requests)
                if state != shown:
                    shown, quiet = state, 0
                    yield _event("state", state)
                if quiet == _QUIET:
                    quiet = 0
                    yield b":\n\n"
                await asyncio.sleep(INTERVAL)
        finally:
            self._open -= 1


def _event(name: str, data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
