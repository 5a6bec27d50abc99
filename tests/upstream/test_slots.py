import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamUnavailable
from gateway.upstream.slots import WAITING_PER_SLOT, Share, Slots, for_look_ups, for_requests
from tests.upstream.conftest import settings_for
from tests.upstream.scripted import until

pytestmark = pytest.mark.anyio


async def test_slots_are_given_in_order_and_newcomers_cannot_overtake() -> None:
    slots = Slots("local", 1, 10.0)
    order: list[int] = []

    async def work(number: int) -> None:
        await slots.acquire()
        order.append(number)
        slots.release()

    await slots.acquire()
    workers = [asyncio.create_task(work(number)) for number in range(3)]
    await until(lambda: slots.queued == 3)
    slots.release()
    newcomer = asyncio.create_task(work(9))
    await asyncio.gather(*workers, newcomer)
    assert order == [0, 1, 2, 9]
    assert (slots.in_use, slots.queued) == (0, 0)


async def test_the_queue_has_an_end() -> None:
    slots = Slots("local", 1, 10.0)
    await slots.acquire()
    waiters = [asyncio.create_task(slots.acquire()) for _ in range(WAITING_PER_SLOT)]
    await until(lambda: slots.queued == WAITING_PER_SLOT)
    with pytest.raises(UpstreamUnavailable, match="4 more are waiting") as caught:
        await slots.acquire()
    assert caught.value.status == 503
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    assert (slots.in_use, slots.queued) == (1, 0)


@pytest.mark.parametrize(
    ("max_connections", "look_ups"), [(1, 4), (8, 4), (20, 5), (256, 64), (10_000, 64)]
)
async def test_look_ups_have_a_quarter_of_the_places_beside_those_of_requests(
    max_connections: int, look_ups: int
) -> None:
    upstream = settings_for("http://127.0.0.1:1", max_connections=max_connections)
    assert for_look_ups(upstream).limit == look_ups


async def test_as_many_look_ups_may_wait_as_requests() -> None:
    slots = for_look_ups(settings_for("http://127.0.0.1:1", max_connections=1))
    for _ in range(4):
        await slots.acquire()
    waiters = [asyncio.create_task(slots.acquire()) for _ in range(WAITING_PER_SLOT)]
    await until(lambda: slots.queued == WAITING_PER_SLOT)
    with pytest.raises(UpstreamUnavailable, match=r"busy: 4 look-ups are in flight, .* 4 more"):
        await slots.acquire()
    slots.close()
    await asyncio.wait(waiters)
    assert all(waiter.exception() for waiter in waiters)


async def test_waiting_has_an_end() -> None:
    slots = Slots("local", 1, 0.01)
    await slots.acquire()
    with pytest.raises(UpstreamUnavailable, match=r"none ended within 0\.01 s") as caught:
        await slots.acquire()
    assert caught.value.headers == (("retry-after", "1"),)
    assert (slots.in_use, slots.queued) == (1, 0)


async def test_a_slot_granted_in_the_moment_of_giving_up_goes_to_the_next() -> None:
    slots = Slots("local", 1, 10.0)
    await slots.acquire()
    leaving = asyncio.create_task(slots.acquire())
    staying = asyncio.create_task(slots.acquire())
    await until(lambda: slots.queued == 2)
    slots.release()
    leaving.cancel()
    await asyncio.wait([leaving, staying])
    assert leaving.cancelled()
    assert (slots.in_use, slots.queued) == (1, 0)


async def test_a_waiter_that_was_cancelled_but_has_not_run_yet_is_passed_over() -> None:
    slots = Slots("local", 1, 10.0)
    await slots.acquire()
    leaving = asyncio.create_task(slots.acquire())
    staying = asyncio.create_task(slots.acquire())
    await until(lambda: slots.queued == 2)
    leaving.cancel()
    slots.release()
    await asyncio.wait([leaving, staying])
    assert staying.exception() is None
    assert (slots.in_use, slots.queued) == (1, 0)


async def test_closing_refuses_those_who_wait_and_those_who_come() -> None:
    slots = Slots("local", 1, 10.0)
    await slots.acquire()
    waiting = asyncio.create_task(slots.acquire())
    leaving = asyncio.create_task(slots.acquire())
    await until(lambda: slots.queued == 2)
    leaving.cancel()
    slots.close()
    await asyncio.wait([waiting, leaving])
    with pytest.raises(UpstreamUnavailable, match="is stopping"):
        waiting.result()
    with pytest.raises(UpstreamUnavailable, match="is stopping"):
        await slots.acquire()
    slots.release()
    assert (slots.in_use, slots.queued) == (0, 0)


@given(st.lists(st.sampled_from(["acquire", "release", "cancel", "run"]), max_size=40))
def test_no_slot_is_ever_lost_or_made(steps: list[str]) -> None:
    async def scenario() -> None:
        slots = Slots("local", 2, 10.0)
        tasks: list[asyncio.Task[None]] = []
        holders = 0

        async def settle() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        def held() -> int:
            done = [t for t in tasks if t.done() and not t.cancelled() and not t.exception()]
            return len(done) - holders

        for step in steps:
            if step == "acquire":
                tasks.append(asyncio.create_task(slots.acquire()))
            elif step == "release" and held() > 0:
                slots.release()
                holders += 1
            elif step == "cancel" and tasks:
                tasks[len(steps) % len(tasks)].cancel()
            else:
                await settle()
        await settle()
        assert slots.in_use == held() <= 2
        for task in tasks:
            task.cancel()
        await settle()

    asyncio.run(scenario())


async def test_slots_can_become_more_and_fewer() -> None:
    slots = Slots("local", 1, 10.0)
    await slots.acquire()
    waiting = [asyncio.create_task(slots.acquire()) for _ in range(3)]
    await until(lambda: slots.queued == 3)
    slots.resize(3)
    assert (slots.in_use, slots.queued) == (3, 1)
    slots.resize(2)
    slots.release()
    assert (slots.in_use, slots.queued) == (2, 1)
    slots.release()
    assert (slots.in_use, slots.queued) == (2, 0)
    await asyncio.gather(*waiting)


async def test_who_had_a_slot_waits_first_and_whatever_the_length_of_the_queue() -> None:
    slots = Slots("local", 1, 10.0)
    order: list[int] = []

    async def work(number: int, *, first: bool) -> None:
        await slots.acquire(first=first)
        order.append(number)
        slots.release()

    await slots.acquire()
    workers = [asyncio.create_task(work(n, first=False)) for n in range(WAITING_PER_SLOT)]
    await until(lambda: slots.queued == WAITING_PER_SLOT)
    workers.append(asyncio.create_task(work(9, first=True)))
    await until(lambda: slots.queued == WAITING_PER_SLOT + 1)
    slots.release()
    await asyncio.gather(*workers)
    assert order == [9, *range(WAITING_PER_SLOT)]


async def test_a_share_is_counted_and_waits_for_nothing() -> None:
    given_back: list[int] = []
    share = Share("local", 1, lambda: given_back.append(share.in_use))
    for _ in range(3):
        await share.acquire()
    assert (share.in_use, share.limit) == (3, 1)
    share.release()
    assert given_back == [2]
    share.close()
    with pytest.raises(UpstreamUnavailable, match="stopping"):
        await share.acquire()


def test_each_address_has_its_slots() -> None:
    upstream = settings_for("http://127.0.0.1:1", max_connections=20)
    assert (for_requests(upstream).limit, for_requests(upstream, 3).limit) == (20, 60)
    assert for_look_ups(upstream, 3).limit == 15
