"""A gateway before an upstream that serves sockets in the test's own loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import Settings, UpstreamSettings
from tests import kinds
from tests.clients.running import RunningGateway, running_gateway

Handler = Callable[[ServerConnection], Awaitable[None]]
UNLIMITED: dict[str, Any] = {"compression": None, "max_size": None, "ping_interval": None}


@asynccontextmanager
async def upstream(handler: Handler, **options: Any) -> AsyncIterator[str]:
    """Serve sockets; gives the base URL."""
    async with serve(handler, "127.0.0.1", 0, **{**UNLIMITED, **options}) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"


@asynccontextmanager
async def gateway_before(
    url: str, more: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[RunningGateway]:
    """Run a gateway before an upstream; `more` are settings of the upstream."""
    given = {"kind": kinds.OPENAI, **(more or {})}
    made = Settings((UpstreamSettings("openai", url, **given),), admin=AdminSettings(), **settings)
    context = running_gateway(made)
    running = await asyncio.to_thread(context.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
