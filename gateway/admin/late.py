"""The admin application, built when it is first called: Starlette takes two megabytes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.admin.hosts import ASGIApp, Message


class LateApplication:
    """An ASGI application that `build` returns at the first request."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._built: ASGIApp | None = None
        self._building = asyncio.Lock()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        application = await self._application()
        await application(scope, receive, send)

    async def _application(self) -> ASGIApp:
        async with self._building:
            if self._built is None:
                # In a thread, since requests to the gateway go on meanwhile.
                self._built = await asyncio.to_thread(self._build)
            return self._built
