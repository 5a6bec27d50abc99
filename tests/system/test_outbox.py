"""Writes of one turn of the event loop: which wait, for how long, and in which order they come."""

import asyncio
import gc
from functools import partial

import pytest

from gateway.system import outbox as outboxes
from gateway.system.outbox import MOST, OUTBOXES, Outbox

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, no write waits for too long."""
    monkeypatch.setattr(outboxes, "perf_counter", lambda: 0.0)


async def test_a_write_that_nobody_follows_is_made_at_once() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.put(written.append, 1)
    outbox.expected += 1
    outbox.put(written.append, 2)
    assert written == [1, 2]


async def test_writes_wait_for_the_last_of_their_turn() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.expected = 3
    outbox.put(written.append, 1)
    outbox.put(written.append, 2)
    assert written == []
    outbox.put(written.append, 3)
    assert written == [1, 2, 3]
    outbox.put(written.append, 4)
    assert written == [1, 2, 3, 4]


async def test_a_task_that_was_woken_meanwhile_is_waited_for() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.expected = 2
    outbox.put(written.append, 1)
    outbox.expected += 1
    outbox.put(written.append, 2)
    assert written == []
    outbox.put(written.append, 3)
    assert written == [1, 2, 3]


async def test_who_never_writes_delays_others_until_the_next_turn() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.expected = 3
    outbox.put(written.append, 1)
    outbox.put(written.append, 2)
    asyncio.get_running_loop().call_soon(written.append, 3)
    await asyncio.sleep(0)
    assert written == [1, 2, 3]
    outbox.expected += 1
    outbox.put(written.append, 4)
    assert written == [1, 2, 3, 4]


async def test_few_writes_wait_at_the_same_time() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.expected = 100
    for number in range(MOST):
        assert written == []
        outbox.put(written.append, number)
    assert written == list(range(MOST))
    outbox.put(written.append, MOST)
    await asyncio.sleep(0)
    assert written == list(range(MOST + 1))


async def test_no_write_waits_for_more_once_it_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(outboxes, "perf_counter", lambda: now[0])
    written: list[int] = []
    outbox = Outbox()
    outbox.expected = 100
    outbox.put(written.append, 1)
    outbox.put(written.append, 2)
    assert written == []
    now[0] = outboxes.LONGEST
    outbox.put(written.append, 3)
    assert written == [1, 2, 3]


async def test_what_waits_can_be_written_before_something_else() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.expected = 2
    outbox.put(written.append, 1)
    outbox.flush()
    assert written == [1]
    outbox.flush()
    assert written == [1]


async def test_a_write_that_fails_takes_no_other_with_it() -> None:
    written: list[int] = []
    outbox = Outbox()

    def fail(_: int) -> None:
        raise ConnectionError

    outbox.expected = 4
    outbox.put(fail, 1)
    outbox.put(written.append, 2)
    outbox.put(written.append, 3)
    with pytest.raises(ConnectionError):
        outbox.flush()
    assert written == []
    await asyncio.sleep(0)
    assert written == [2, 3]


async def test_a_write_that_fails_at_the_end_of_the_turn_takes_no_other_with_it() -> None:
    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    written: list[int] = []
    outbox = Outbox()

    def fail(_: int) -> None:
        raise ConnectionError

    outbox.expected = 4
    outbox.put(fail, 1)
    outbox.put(written.append, 2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert written == [2]
    assert [type(failure) for failure in failures] == [ConnectionError]


def test_a_loop_has_one_outbox_which_ends_with_it() -> None:
    gc.collect()
    before = len(OUTBOXES)
    one, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    assert OUTBOXES.of(one) is OUTBOXES.of(one) is not OUTBOXES.of(other)
    one.close()
    other.close()
    del one, other
    gc.collect()
    assert len(OUTBOXES) <= before


async def test_calls_are_made_in_a_row_after_what_this_turn_has_read() -> None:
    made: list[int] = []
    outbox = Outbox()
    outbox.call(lambda: made.append(1))
    outbox.call(lambda: made.append(2))
    assert made == []
    await asyncio.sleep(0)
    assert made == [1, 2]
    outbox.call(lambda: outbox.call(lambda: made.append(4)))
    outbox.call(lambda: made.append(3))
    await asyncio.sleep(0)
    assert made == [1, 2, 3]  # what a call asks for is the next turn's
    await asyncio.sleep(0)
    assert made == [1, 2, 3, 4]


async def test_what_calls_of_a_turn_write_is_written_by_the_last() -> None:
    written: list[int] = []
    seen: list[list[int]] = []
    outbox = Outbox()

    def call(number: int) -> None:
        outbox.put(written.append, number)
        seen.append(list(written))

    outbox.call(partial(call, 1))
    outbox.call(partial(call, 2))
    outbox.call(partial(call, 3))
    await asyncio.sleep(0)
    assert seen == [[], [], [1, 2, 3]]


async def test_what_a_last_call_leaves_unwritten_is_written_after_it() -> None:
    written: list[int] = []
    outbox = Outbox()
    outbox.call(lambda: outbox.put(written.append, 1))
    outbox.call(lambda: written.append(2))
    await asyncio.sleep(0)
    assert written == [2, 1]


async def test_few_writes_of_calls_wait_and_none_for_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(outboxes, "perf_counter", lambda: now[0])
    written: list[int] = []
    seen: list[int] = []
    outbox = Outbox()

    def call(number: int) -> None:
        now[0] += 0.3 * outboxes.LONGEST if number < 8 else 0.0
        outbox.put(written.append, number)
        seen.append(len(written))

    for number in range(MOST + 10):
        outbox.call(partial(call, number))
    await asyncio.sleep(0)
    assert seen[:8] == [0, 0, 0, 4, 4, 4, 4, 8]
    assert seen[8:] == [8] * (MOST - 1) + [MOST + 8] * 2 + [MOST + 10]
    assert written == list(range(MOST + 10))


async def test_a_call_that_fails_does_not_take_the_others_with_it() -> None:
    made: list[int] = []
    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    outbox = Outbox()
    outbox.call(lambda: made.append(1 // 0))
    outbox.call(lambda: made.append(2))
    outbox.call(lambda: made.append(3))
    for _ in range(3):
        await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert made == [2, 3]
    assert [type(failure) for failure in failures] == [ZeroDivisionError]
