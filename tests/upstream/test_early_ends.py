"""Servers that end each connection right after its answer: which are known as such, and until when.

The requests that they lose are counted in `test_delivery.py`.
"""

from collections.abc import Awaitable, Callable
from math import inf

import pytest

from gateway.upstream import early_ends
from gateway.upstream.early_ends import SOON, EarlyEnds
from tests.loop_clock import LoopClock
from tests.upstream.conftest import World, WorldMaker
from tests.upstream.scripted import Peer, replies, until, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")
on_pools = pytest.mark.parametrize("variant", ["pool-asyncio", "pool-uvloop"], indirect=True)


async def ends(peer: Peer) -> None:
    """Answer one request, then close the connection."""
    await peer.request()
    await peer.send(OK)


async def resets(peer: Peer) -> None:
    """Answer one request, then reset the connection."""
    await ends(peer)
    peer.reset()


async def ends_later(peer: Peer) -> None:
    """Answer two requests, then close the connection."""
    await ends(peer)
    await ends(peer)


class Lasting:
    """A peer that keeps its connections open, and knows which of them are used."""

    def __init__(self) -> None:
        self._opened = 0
        self._used: list[int] = []

    async def __call__(self, peer: Peer) -> None:
        self._opened += 1
        number = self._opened
        while True:
            await peer.request()
            self._used.append(number)
            await peer.send(OK)

    async def check_use(self, fetch: Callable[[], Awaitable[object]], clock: LoopClock) -> None:
        """Check that a connection is used again only once it has outlived its answer for long."""
        for seconds in (0.8 * SOON, 0.4 * SOON, 0.0, 0.0):
            await fetch()
            clock.advance(seconds)
        assert self._used == [1, 2, 1, 1]


async def fetch_until_it_ends(world: World) -> None:
    await world.fetch()
    await until(lambda: world.sender.stats().idle == 0)


@on_pools
async def test_a_connection_is_used_again_once_it_has_outlived_its_answer(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = Lasting()
    async with before(ends, resets, ends, lasting, keepalive_expiry=1000.0) as world:
        with monkeypatch.context() as patch:
            patch.setattr(early_ends, "SOON", inf)
            for _ in range(3):
                await fetch_until_it_ends(world)
        with monkeypatch.context() as patch:
            await lasting.check_use(world.fetch, LoopClock(patch))


@on_pools
async def test_a_connection_that_carries_a_second_answer_shows_that_others_do(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_ends, "SOON", inf)
    scripts = (ends, ends, ends_later, ends, replies(OK, OK))
    async with before(*scripts, keepalive_expiry=1000.0) as world:
        for _ in range(2):
            await fetch_until_it_ends(world)
        await world.fetch()
        for _ in range(2):
            await fetch_until_it_ends(world)
        assert world.upstream.connections == 4
        for _ in range(2):
            await world.fetch()
        assert world.upstream.connections == 5


def after_three(keepalive_expiry: float = 2.0) -> EarlyEnds:
    known = EarlyEnds(keepalive_expiry)
    for _ in range(3):
        assert not known.may_come(0.0, 10.0)
        known.ended(1, 0.0, 10.0)
    return known


def test_three_in_a_row_make_a_pattern_until_one_outlives_its_answer() -> None:
    known = after_three()
    assert known.may_come(0.4, 11.0)
    assert not known.may_come(0.5, 11.0)
    known.outlived()
    assert not known.may_come(0.0, 11.0)
    known.ended(1, 0.0, 12.0)
    assert not known.may_come(0.0, 12.0)


def test_five_minutes_after_the_last_one_more_is_waited_for() -> None:
    known = after_three()
    assert known.may_come(0.0, 309.0)
    assert not known.may_come(0.0, 310.0)
    assert not known.may_come(0.0, 310.0)
    known.ended(1, 0.0, 311.0)
    assert known.may_come(0.0, 610.0)


@pytest.mark.parametrize(
    ("answers", "idle_for"), [(2, 0.0), (100, 0.0), (1, 0.5), (1, 5.0)], ids=str
)
def test_an_end_that_is_not_due_to_the_first_answer_does_not_count(
    answers: int, idle_for: float
) -> None:
    known = EarlyEnds(75.0)
    for _ in range(10):
        known.ended(answers, idle_for, 10.0)
    assert not known.may_come(0.0, 10.0)


def test_an_idle_connection_has_time_to_show_that_it_stays() -> None:
    known = after_three(keepalive_expiry=0.2)
    assert known.may_come(0.09, 11.0)
    assert not known.may_come(0.1, 11.0)
