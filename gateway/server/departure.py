"""Tells a request that its client has left, straight from the server's protocol.

ASGI's own way is a task per request that waits in `receive()`; that costs a sixth of a forwarded
request. The protocol knows at once, and says it here.
"""

import asyncio

SCOPE_KEY = "gateway.departure"
"""Where a request's departure stands in its ASGI scope."""


class Departure:
    """One request's client: there, or gone. Once armed, it cancels a task when the client goes."""

    __slots__ = ("_task", "finished", "gone")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self.gone = False
        self.finished = False

    def arm(self, task: "asyncio.Task[object]") -> None:
        """Cancel `task` when the client leaves, or now if it has left."""
        self._task = task
        if self.gone:
            task.cancel()

    def disarm(self) -> None:
        """Take note that the request is over."""
        self._task = None
        self.finished = True

    def happen(self) -> None:
        """Take note that the client has left (called by the protocol)."""
        self.gone = True
        if self._task is not None:
            self._task.cancel()
