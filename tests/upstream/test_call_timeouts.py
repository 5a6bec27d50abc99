"""A call has the timeouts of its upstream, but where its model has others."""

import asyncio
from dataclasses import replace

import pytest

from gateway.config.settings import TimeoutSettings
from gateway.errors import UpstreamTimeout, UpstreamUnavailable
from gateway.shapes import CallTimeouts
from gateway.upstream.balancer import Balancer
from gateway.upstream.health import Health
from tests.upstream.conftest import GENEROUS, WorldMaker, call, sender_for, settings_for
from tests.upstream.scripted import Peer, scripted, until, with_length

pytestmark = pytest.mark.anyio
SHORT = 0.05


def test_only_what_is_given_replaces_what_the_upstream_has() -> None:
    assert GENEROUS.but(None) is GENEROUS
    assert GENEROUS.but(CallTimeouts(first_byte=5.0)) == replace(GENEROUS, first_byte=5.0)
    assert TimeoutSettings().but(CallTimeouts(1, 2, 3)) == TimeoutSettings(
        queue=1, first_byte=2, stream_idle=3
    )


async def test_a_calls_own_wait_for_the_head(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with before(script, timeouts=GENEROUS) as world:
        with pytest.raises(UpstreamTimeout, match=r"no reply within 0\.05 s"):
            await world.fetch(call(timeouts=CallTimeouts(first_byte=SHORT)))


async def test_a_calls_own_wait_within_the_body(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
        await peer.gone()

    async with before(script, timeouts=GENEROUS) as world:
        with pytest.raises(UpstreamTimeout, match=r"sent nothing for 0\.05 s"):
            await world.fetch(call(timeouts=CallTimeouts(stream_idle=SHORT)))


async def test_a_calls_own_wait_for_a_slot(before: WorldMaker) -> None:
    release = asyncio.Event()

    async def held(peer: Peer) -> None:
        await peer.request()
        await release.wait()
        await peer.send(with_length(b"fine"))

    async with before(held, timeouts=GENEROUS, max_connections=1) as world:
        first = asyncio.create_task(world.fetch())
        await until(lambda: world.sender.stats().in_flight == 1)
        with pytest.raises(UpstreamUnavailable, match=r"none ended within 0\.05 s"):
            await world.fetch(call(timeouts=CallTimeouts(queue=SHORT)))
        release.set()
        await first


async def test_several_addresses_have_one_queue() -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with scripted(silent) as upstream:
        settings = settings_for(upstream.base_url, max_connections=1)
        balancer = Balancer(
            settings,
            [Health(upstream.base_url)],
            [lambda slots: sender_for("pool-asyncio", settings, slots)],
        )
        held = asyncio.create_task(balancer.send(call()))
        await until(lambda: balancer.stats().in_flight == 1)
        with pytest.raises(UpstreamUnavailable, match=r"within 0\.05 s"):
            await balancer.send(call(timeouts=CallTimeouts(queue=SHORT)))
        held.cancel()
        await asyncio.wait([held])
        await balancer.aclose()
