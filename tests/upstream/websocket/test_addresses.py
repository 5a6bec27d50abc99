"""Several addresses: the least busy one, another one where there is no connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection

from gateway.errors import UpstreamError, UpstreamUnavailable
from gateway.sockets import Refused
from gateway.upstream.health import Health
from gateway.upstream.websocket.addresses import SocketAddress, SocketAddresses
from tests.upstream.scripted import Peer, scripted, with_length
from tests.upstream.websocket.scene import REALTIME, User, dialer_for, serving

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9/v1"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def quiet(connection: ServerConnection) -> None:
    await connection.wait_closed()


@asynccontextmanager
async def at(*urls: str) -> AsyncIterator[tuple[SocketAddresses, list[SocketAddress], Clock]]:
    clock = Clock()
    places = [SocketAddress(Health(url, clock=clock), dialer_for(url)) for url in urls]
    addresses = SocketAddresses(places)
    yield addresses, places, clock
    await addresses.aclose()
    assert [place.dialer.open for place in places] == [0] * len(places)


async def dialled(addresses: SocketAddresses) -> str:
    call = REALTIME.copy()
    (await addresses.dial(call)).attach(User())
    return call.address


async def test_sockets_are_spread() -> None:
    async with serving(quiet) as one, serving(quiet) as two, at(one, two) as (addresses, places, _):
        used = [await dialled(addresses) for _ in range(4)]
        assert sorted(used) == sorted([one, two] * 2)
        assert [place.dialer.open for place in places] == [2, 2]


async def test_an_only_address_is_not_named() -> None:
    async with serving(quiet) as only, at(only) as (addresses, _, _):
        assert await dialled(addresses) == ""


async def test_another_one_is_asked_where_there_is_no_connection() -> None:
    async with serving(quiet) as there, at(NOWHERE, there) as (addresses, places, clock):
        call = REALTIME.copy()
        (await addresses.dial(call)).attach(User())
        assert (call.address, call.resends, places[0].health.up) == (there, 1, False)
        assert [await dialled(addresses) for _ in range(2)] == [there] * 2
        clock.now += 2
        assert places[0].health.is_due
        assert await dialled(addresses) == there
        assert (places[0].health.is_due, places[0].health.pause) == (False, 2.0)


async def test_an_address_is_back_once_it_answers() -> None:
    async with (
        serving(quiet) as one,
        serving(quiet) as two,
        at(one, two) as (addresses, places, clock),
    ):
        places[0].health.failed(UpstreamUnavailable("x").reason)
        while places[0].health.up:
            places[0].health.failed(places[0].health.reason or UpstreamError("x").reason)
        clock.now += 2
        assert await dialled(addresses) == one
        assert places[0].health.up


async def test_where_none_is_there_the_last_error_is_raised() -> None:
    async with at(NOWHERE, "http://127.0.0.1:10/v1") as (addresses, places, _):
        with pytest.raises(UpstreamUnavailable):
            await addresses.dial(REALTIME.copy())
        assert [place.health.up for place in places] == [False, False]


async def test_what_may_have_been_received_is_not_repeated() -> None:
    async def breaks(peer: Peer) -> None:
        await peer.head()

    async with (
        scripted(breaks) as broken,
        serving(quiet) as fine,
        at(broken.base_url, fine) as (addresses, places, _),
    ):
        with pytest.raises(UpstreamError, match="without a reply"):
            await addresses.dial(REALTIME.copy())
        assert places[0].health.in_a_row == 1


async def test_a_refusal_is_the_answer_and_a_bad_sign_if_it_is_the_servers_fault() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(b"", "503 Service Unavailable"))
        await peer.gone()

    async with (
        scripted(refuses) as broken,
        serving(quiet) as fine,
        at(broken.base_url, fine) as (addresses, places, _),
    ):
        with pytest.raises(Refused) as caught:
            await addresses.dial(REALTIME.copy())
        await caught.value.reply.aclose()
        assert places[0].health.in_a_row == 1
