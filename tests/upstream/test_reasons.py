"""Why a call failed, as the operator reads it: the same word from both senders, over sockets."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.config.settings import TimeoutSettings
from gateway.errors import Reason, UpstreamError
from tests.addresses import NO_SUCH_HOST, held_port
from tests.upstream.conftest import GENEROUS, WorldMaker
from tests.upstream.scripted import Peer, Script, until, with_length

pytestmark = pytest.mark.anyio


def sends(raw: bytes, *, then: Callable[[Peer], None] = lambda _: None) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        if raw:
            await peer.send(raw)
        then(peer)

    return script


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def stalls(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour")
    await peer.gone()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (sends(b""), Reason.CLOSED),
        (sends(b"", then=Peer.reset), Reason.CLOSED),
        (sends(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), Reason.BAD_HTTP),
        (sends(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour"), Reason.TRUNCATED),
        (
            sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour"),
            Reason.TRUNCATED,
        ),
        (silent, Reason.FIRST_BYTE_TIMEOUT),
        (stalls, Reason.IDLE_TIMEOUT),
    ],
    ids=["closed", "reset", "no-http", "cut", "cut-chunks", "silent", "stalls"],
)
async def test_a_reply_that_fails(before: WorldMaker, script: Script, reason: Reason) -> None:
    timeouts = replace(
        GENEROUS,
        first_byte=0.1 if script is silent else GENEROUS.first_byte,
        stream_idle=0.1 if script is stalls else GENEROUS.stream_idle,
    )
    async with before(script, timeouts=timeouts) as world:
        with pytest.raises(UpstreamError) as caught:
            await world.fetch()
        assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{closed}/v1", Reason.REFUSED),
        (f"http://{NO_SUCH_HOST}/v1", Reason.DNS),
        ("https://127.0.0.1:{plain}/v1", Reason.TLS),
    ],
    ids=["refused", "dns", "tls"],
)
async def test_a_connection_that_fails(before: WorldMaker, url: str, reason: Reason) -> None:
    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(no_tls, "127.0.0.1", 0)
    base_url = url.format(closed=held_port(), plain=plain.sockets[0].getsockname()[1])
    try:
        async with before(silent, base_url=base_url) as world:
            with pytest.raises(UpstreamError) as caught:
                await world.fetch()
            assert caught.value.reason is reason
    finally:
        plain.close()
        await plain.wait_closed()


async def test_no_place_in_time(before: WorldMaker) -> None:
    release = asyncio.Event()

    async def held(peer: Peer) -> None:
        await peer.request()
        await release.wait()
        await peer.send(with_length(b"fine"))

    timeouts = TimeoutSettings(first_byte=30.0, queue=0.05)
    async with before(held, timeouts=timeouts, max_connections=1) as world:
        first = asyncio.create_task(world.fetch())
        await until(lambda: world.sender.stats().in_flight == 1)
        with pytest.raises(UpstreamError) as caught:
            await world.fetch()
        assert caught.value.reason is Reason.BUSY
        release.set()
        await first
