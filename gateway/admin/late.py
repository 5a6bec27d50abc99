"""The admin application, built when it is first called: Starlette takes a megabyte."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.admin.hosts import ASGIApp, Message


class LateApplication:
    """An ASGI application that `build` returns at the first request."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._built: ASGIApp | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        if self._built is None:
            self._built = self._build()
        await self._built(scope, receive, send)
