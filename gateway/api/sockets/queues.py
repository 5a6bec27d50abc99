"""The creates of one socket that wait for their turn: in order within a queue, queues in parallel.

The creates with the same `stream_id` form a queue, and those without one form another.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from gateway.api.concurrency import too_many_requests
from gateway.api.sockets.client_events import Create
from gateway.errors import GatewayError

_NAME: Final = "queue"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may wait at the same time."""

    queues: int = 8
    waiting: int = 8
    """Creates in each queue, beside the one that is served."""
    waiting_bytes: int = 32 * 1024 * 1024
    """Bytes of all that wait."""


class Queues:
    """Serves creates. `idle` is called whenever the last one that was being served has ended."""

    def __init__(
        self,
        bounds: Bounds,
        serve: Callable[[Create], Coroutine[Any, Any, None]],
        idle: Callable[[], None],
    ) -> None:
        self._bounds = bounds
        self._serve = serve
        self._idle = idle
        self._waiting: dict[str | None, deque[Create]] = {}
        self._waiting_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def are_idle(self) -> bool:
        """Whether no create is being served."""
        return not self._waiting

    def put(self, create: Create) -> GatewayError | None:
        """Serve a create when it is its turn; return the error if too much is waiting."""
        bounds, queue = self._bounds, self._waiting.get(create.stream_id)
        if queue is None:
            if len(self._waiting) >= bounds.queues:
                return _too_many(f"{bounds.queues} queues (`stream_id`) of this WebSocket are busy")
            self._waiting[create.stream_id] = deque()
            task = asyncio.create_task(self._run(create), name=_NAME)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return None
        if len(queue) >= bounds.waiting:
            return _too_many(f"{bounds.waiting} requests wait in this queue (`stream_id`) already")
        size = self._waiting_bytes + len(create.message)
        if size > bounds.waiting_bytes:
            return _too_many(f"the requests that wait have {self._waiting_bytes} bytes already")
        queue.append(create)
        self._waiting_bytes = size
        return None

    def take_waiting(self) -> list[Create]:
        """Return what waits; it is not served any more."""
        taken = [create for queue in self._waiting.values() for create in queue]
        for queue in self._waiting.values():
            queue.clear()
        self._waiting_bytes = 0
        return taken

    def cancel(self) -> None:
        """Serve nothing more."""
        self.take_waiting()
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until nothing is served any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, create: Create) -> None:
        """Serve a queue until nothing waits in it."""
        stream_id = create.stream_id
        queue = self._waiting[stream_id]
        try:
            await self._serve(create)
            while queue:
                create = queue.popleft()
                self._waiting_bytes -= len(create.message)
                await self._serve(create)
        finally:
            del self._waiting[stream_id]
            if not self._waiting:
                self._idle()


def _too_many(what: str) -> GatewayError:
    return too_many_requests(
        f"Too many requests at once: {what}. Wait until a response has ended, and try again."
    )
