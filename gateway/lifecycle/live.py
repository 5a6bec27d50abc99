"""The application in use, behind its listeners: replaced without an interruption.

Connections stay. Requests that have begun end under the application that admitted them, which is
closed after the last of them. The new application serves new requests, also on old connections.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.app import Application
from gateway.server.door import Door

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Admin:
    """The admin listener's application, which can be replaced."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.application(scope, receive, send)


class Live:
    """An application at its listeners, and those before it that still serve requests."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.door = Door(application.gateway)
        self.admin = Admin(application.admin)
        self.draining = False
        self._before: list[Application] = []
        self._retiring: asyncio.Task[None] | None = None

    def replace(self, following: Application) -> None:
        """Serve new requests by another application, built from the one in use."""
        before, self.application = self.application, following
        following.take_over()
        self.door.change_application(following.gateway)
        self.admin.application = following.admin
        self._before.append(before)
        self._retiring = asyncio.create_task(self._retire(before, following, self._retiring))

    def grace_period(self) -> float:
        """Return how long running requests may continue at the end, in seconds."""
        return self.application.settings.server.grace_period

    def admin_tls(self) -> Any:
        """Return the `SSLContext` for a new connection to the admin listener; None without TLS."""
        application = self.application
        return application.gateway.tls if application.settings.admin.tls else None

    def drain(self) -> None:
        """Refuse new requests."""
        self.draining = True
        self.application.gateway.drain()

    async def retired(self) -> None:
        """Wait until only the application in use is left."""
        if self._retiring is not None:
            await self._retiring

    async def aclose(self) -> None:
        """Close all of them."""
        if self._retiring is not None:
            self._retiring.cancel()
        for before in self._before:
            await before.upstreams.aclose(besides=self.application.upstreams)
        await self.application.aclose()

    async def _retire(
        self, before: Application, following: Application, earlier: "asyncio.Task[None] | None"
    ) -> None:
        # In order: `before` closes all that `following` lacks, which earlier ones may still use.
        if earlier is not None:
            await earlier
        await self.door.wait_until_unused(before.gateway)
        await before.retire(following)
        self._before.remove(before)
