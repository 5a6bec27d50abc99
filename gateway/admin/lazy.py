"""The admin application, built when it is first called: Starlette takes 2 MB of memory."""

from collections.abc import Callable

from gateway.admin.entry.hosts import ASGIApp, Message, Receive, Send
from gateway.lazy import Lazy


class LazyApplication:
    """An ASGI application that `build` returns at the first request."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._built = Lazy(build)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        application = await self._built.get()
        await application(scope, receive, send)
