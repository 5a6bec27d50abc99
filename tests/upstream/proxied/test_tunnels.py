"""Tunnels through a proxy in which no TLS comes about: none keeps its place in the pool.

httpcore2 takes them for connections in use, whatever became of the request.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.errors import Reason, UpstreamUnavailable
from tests.certificates import make_pair
from tests.upstream.conftest import GENEROUS, World, sender_for, settings_for
from tests.upstream.proxied.http2_server import server_tls
from tests.upstream.proxied.tunnel import tunnels_to
from tests.upstream.scripted import Peer, Script, replies, scripted, until, with_length

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def behind(proxy: Script, base_url: str) -> AsyncIterator[World]:
    """A sender with a single slot, whose pool says soon that no place is free."""
    async with scripted(proxy) as through:
        settings = settings_for(
            base_url,
            proxy=Secret(through.base_url.removesuffix("/v1")),
            max_connections=1,
            timeouts=replace(GENEROUS, queue=0.2),
        )
        world = World(sender_for("httpcore2-asyncio", settings), through)
        yield world
        await world.sender.aclose()


async def test_certificates_that_are_not_accepted(tmp_path: Path) -> None:
    tls = server_tls(make_pair(tmp_path), "http/1.1")
    async with (
        scripted(replies(with_length(b"")), tls=tls) as origin,
        behind(tunnels_to(origin, []), origin.base_url) as world,
    ):
        for _ in range(4):
            with pytest.raises(UpstreamUnavailable) as refused:
                await world.fetch()
            assert refused.value.reason is Reason.TLS
            await until(lambda: world.upstream.open == 0)


async def test_handshakes_that_are_given_up() -> None:
    begun: asyncio.Queue[bytes] = asyncio.Queue()

    async def silent(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        begun.put_nowait(await peer.reader.readexactly(1))
        await peer.gone()

    async with behind(silent, "https://model.test/v1") as world:
        for _ in range(4):
            fetching = asyncio.create_task(world.fetch())
            await begun.get()
            fetching.cancel()
            await asyncio.wait([fetching])
            assert fetching.cancelled()
            await until(lambda: world.upstream.open == 0)
