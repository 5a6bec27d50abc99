import asyncio
import gc
from typing import Any

import pytest

from gateway.upstream.transport.rows import ROWS, Rows

pytestmark = pytest.mark.anyio


class Reading:
    """A connection and its receiver in one; `handed` is what all of them were given."""

    def __init__(self, handed: list[bytes], arrived: bytes) -> None:
        self.arrived = arrived
        self.receiver: Reading | None = self
        self.handed = handed
        self.failure: Exception | None = None
        self.aborted: list[Exception | None] = []

    def receive(self, data: bytes) -> None:
        self.handed.append(data)
        if self.failure is not None:
            raise self.failure

    def abort(self, error: Exception | None = None) -> None:
        self.aborted.append(error)


async def test_reads_are_handed_on_in_their_order_after_this_turn() -> None:
    rows, handed = Rows(), list[bytes]()
    for each in (b"one", b"two"):
        rows.put(Reading(handed, each))
    assert handed == []
    await asyncio.sleep(0)
    assert handed == [b"one", b"two"]
    rows.put(Reading(handed, b"three"))
    await asyncio.sleep(0)
    assert handed == [b"one", b"two", b"three"]


async def test_a_read_is_handed_on_once_and_to_nobody_where_nobody_wants_it() -> None:
    rows, handed = Rows(), list[bytes]()
    taken, given_up, other = (Reading(handed, each) for each in (b"one", b"two", b"three"))
    for reading in (taken, given_up, other):
        rows.put(reading)
    taken.arrived = b""
    given_up.receiver = None
    await asyncio.sleep(0)
    assert handed == [b"three"]
    assert other.arrived == b""


async def test_what_comes_while_a_row_is_handed_on_is_the_next_rows() -> None:
    rows, handed = Rows(), list[bytes]()
    late = Reading(handed, b"late")

    class Putting(Reading):
        def receive(self, data: bytes) -> None:
            super().receive(data)
            rows.put(late)

    rows.put(Putting(handed, b"one"))
    await asyncio.sleep(0)
    assert handed == [b"one"]
    await asyncio.sleep(0)
    assert handed == [b"one", b"late"]


async def test_a_receiver_that_fails_loses_its_connection_and_no_other_one() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    rows, handed = Rows(), list[bytes]()
    failing, other = Reading(handed, b"one"), Reading(handed, b"two")
    failing.failure = LookupError("a fault")
    rows.put(failing)
    rows.put(other)
    await asyncio.sleep(0)
    assert handed == [b"one", b"two"]
    assert (failing.aborted, other.aborted) == ([failing.failure], [])
    assert [context["exception"] for context in reported] == [failing.failure]


async def handed_on() -> None:
    ROWS.of(asyncio.get_running_loop()).put(Reading([], b"read"))
    await asyncio.sleep(0)


def test_a_loop_has_one_which_ends_with_it() -> None:
    gc.collect()
    before = len(ROWS)
    loop = asyncio.new_event_loop()

    loop.run_until_complete(handed_on())
    loop.close()
    del loop
    gc.collect()
    assert len(ROWS) <= before
