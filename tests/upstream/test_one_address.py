"""The only address of an upstream, over real sockets, and its health."""

import pytest

from gateway.errors import Reason, UpstreamUnavailable
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
