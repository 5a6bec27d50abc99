"""What operators ask of the process itself: `POST /reload`."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.config.changes import ReloadResult

Ask = Callable[[], Awaitable[ReloadResult]]


class ReloadControl:
    """Reloads the configuration when an operator asks; `stopping` says that the gateway stops."""

    def __init__(self, ask: Ask, stopping: Callable[[], bool]) -> None:
        self._ask = ask
        self.stopping = stopping

    async def reload(self, _: Request) -> Response:
        """Reload: 200 if the configuration is in use, 422 if nothing has changed."""
        done, text = await self._ask()
        content = msgspec.json.encode({"reloaded": done, "message": text})
        return Response(content, 200 if done else 422, {"content-type": "application/json"})
