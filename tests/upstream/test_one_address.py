"""The only address of an upstream, over real sockets: its health, and calls in two parts."""

import asyncio
from unittest.mock import Mock

import pytest

from gateway.errors import Reason, UpstreamError, UpstreamUnavailable
from gateway.upstream.health import Health
from gateway.upstream.one_address import OneAddress
from tests.upstream.conftest import GET, call, read, sender_for, settings_for
from tests.upstream.scripted import scripted, until, with_length
from tests.upstream.test_balancer import Clock, Server, nobody

pytestmark = pytest.mark.anyio

POST = call()


async def test_the_health_of_an_only_address_is_known_too(variant: str) -> None:
    clock = Clock()
    a = Server("a")
    async with scripted(a) as upstream:
        settings = settings_for(upstream.base_url)
        health = Health(upstream.base_url, clock=clock)
        one = OneAddress(health, sender_for(variant, settings))
        request = POST.copy()
        assert await read(await one.send(request)) == b"a"
        assert request.address == ""
        (look,) = one.health()
        assert (look.address, look.up, look.reason) == (upstream.base_url, True, None)
        a.reply = with_length(b"oops", "500 Internal Server Error")
        assert await read(await one.send(POST.copy())) == b"oops"
        assert one.health()[0].failures == 1
        a.reply = None
        assert await read(await one.send(POST.copy())) == b"a"
        assert health.in_a_row == 0
        await until(lambda: one.stats().in_flight == 0)
        await one.aclose()


async def test_an_only_address_is_asked_whatever_its_health(variant: str) -> None:
    settings = settings_for(nobody())
    one = OneAddress(Health(settings.base_url), sender_for(variant, settings))
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            await one.send(POST.copy())
    (look,) = one.health()
    assert (look.up, look.reason, look.failures) == (False, Reason.REFUSED, 2)
    look_ups = one.for_look_ups()
    with pytest.raises(UpstreamUnavailable):
        await look_ups.send(GET.copy())
    assert one.health()[0].failures == 3
    await look_ups.aclose()
    await one.aclose()


async def test_a_call_in_two_parts_is_sent_by_the_first() -> None:
    a = Server("a")
    async with scripted(a) as upstream:
        settings = settings_for(upstream.base_url)
        one = OneAddress(Health(upstream.base_url), sender_for("pool-asyncio", settings))
        assert one.begin(POST.copy(), Mock()) is None  # no connection is open
        assert await read(await one.send(POST.copy())) == b"a"
        notified = asyncio.Event()
        begun = one.begin(POST.copy(), notified.set)
        assert begun is not None
        assert one.stats().in_flight == 1
        await notified.wait()
        assert begun.ended
        assert await read(await one.end(POST.copy(), begun)) == b"a"
        assert one.stats().in_flight == 0
        assert upstream.connections == 1
        await one.aclose()


async def test_a_failure_of_the_second_part_is_the_addresss() -> None:
    a = Server("a")
    async with scripted(a) as upstream:
        settings = settings_for(upstream.base_url)
        one = OneAddress(Health(upstream.base_url), sender_for("pool-asyncio", settings))
        assert await read(await one.send(POST.copy())) == b"a"
        a.closes = True
        notified = asyncio.Event()
        begun = one.begin(POST.copy(), notified.set)
        assert begun is not None
        await notified.wait()
        with pytest.raises(UpstreamError):
            await one.end(POST.copy(), begun)
        assert one.health()[0].failures == 1
        a.closes = False
        assert await read(await one.send(POST.copy())) == b"a"
        assert one.stats().in_flight == 0
        await one.aclose()


async def test_no_call_is_begun_until_a_failure_is_made_good() -> None:
    a = Server("a")
    async with scripted(a) as upstream:
        settings = settings_for(upstream.base_url)
        health = Health(upstream.base_url)
        one = OneAddress(health, sender_for("pool-asyncio", settings))
        assert await read(await one.send(POST.copy())) == b"a"
        health.failed(Reason.FIRST_BYTE_TIMEOUT)
        assert one.begin(POST.copy(), Mock()) is None
        assert await read(await one.send(POST.copy())) == b"a"
        begun = one.begin(POST.copy(), Mock())
        assert begun is not None
        assert await read(await one.end(POST.copy(), begun)) == b"a"
        await one.aclose()


async def test_a_library_sends_in_one_part_only() -> None:
    async with scripted(Server("a")) as upstream:
        settings = settings_for(upstream.base_url)
        one = OneAddress(Health(upstream.base_url), sender_for("httpcore2-asyncio", settings))
        assert await read(await one.send(POST.copy())) == b"a"
        assert one.begin(POST.copy(), Mock()) is None
        await one.aclose()
