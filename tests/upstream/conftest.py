"""What the network's tests share: a sender before a scripted upstream, and a look for leaks."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.config.settings import CredentialPolicy, TimeoutSettings, UpstreamSettings
from gateway.shapes import UpstreamCall, UpstreamReply
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import parse_base_url
from gateway.upstream.pool import Pool
from gateway.upstream.proxied.http_client import HttpClient
from gateway.upstream.slots import Slots
from tests.upstream.scripted import Script, ScriptedUpstream, open_files, replies, scripted, until

GENEROUS = TimeoutSettings(connect=10.0, queue=10.0, first_byte=10.0, stream_idle=10.0)
"""Long enough that no test meets one of these limits by accident."""


def settings_for(base_url: str, **changes: Any) -> UpstreamSettings:
    settings = UpstreamSettings(
        "local",
        base_url,
        credential=CredentialPolicy.NONE,
        timeouts=GENEROUS,
        keepalive_expiry=10.0,
    )
    return replace(settings, **changes)


def call(body: Any = b"{}", **changes: Any) -> UpstreamCall:
    return UpstreamCall("local", "POST", "/chat/completions", body).copy(**changes)


GET = call(b"", method="GET", path="/models")


async def read(reply: UpstreamReply) -> bytes:
    return b"".join([chunk async for chunk in reply.chunks()])


@dataclass
class World:
    """A sender, and the upstream that it talks to."""

    sender: Pool | HttpClient
    upstream: ScriptedUpstream

    async def fetch(self, request: UpstreamCall = GET) -> tuple[int, bytes]:
        reply = await self.sender.send(request)
        return reply.status, await read(reply)

    async def begin(self, request: UpstreamCall = GET) -> UpstreamReply:
        return await self.sender.send(request)


WorldMaker = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture(params=["pool-asyncio", "pool-uvloop", "httpcore2-asyncio"])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    variant = request.getfixturevalue("variant") if "variant" in request.fixturenames else ""
    return "asyncio", {"use_uvloop": "uvloop" in variant}


@pytest.fixture
def before(variant: str) -> WorldMaker:
    """Make a world with `async with before(script, …)`; leaving it looks for leaks.

    Every request must be over by then; no socket and no task may be left.
    """

    @asynccontextmanager
    async def make(
        *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", **changes: Any
    ) -> AsyncIterator[World]:
        await warm_up()
        files, tasks = open_files(), len(asyncio.all_tasks())
        async with scripted(*scripts, tls=tls) as upstream:
            upstream.host = host
            settings = settings_for(changes.pop("base_url", upstream.base_url), **changes)
            sender = sender_for(variant, settings)
            try:
                yield World(sender, upstream)
                await until(lambda: sender.stats().in_flight == 0)
                assert sender.stats().queued == 0
            finally:
                await sender.aclose()
        await until(lambda: open_files() <= files)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)

    return make


async def warm_up() -> None:
    """Let the loop open the files of its own that it opens at first need."""
    async with scripted(replies(b"")) as upstream:
        _, writer = await asyncio.open_connection(upstream.host, upstream.port)
        writer.close()
        await writer.wait_closed()


def sender_for(
    variant: str, settings: UpstreamSettings, slots: Slots | None = None
) -> Pool | HttpClient:
    make = Pool if variant.startswith("pool") else HttpClient
    origin = parse_base_url(settings.base_url)
    return make(settings, origin, Credentials(settings), slots=slots)
