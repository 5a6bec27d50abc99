"""A client that leaves, told by the protocol."""

import asyncio

import pytest

from gateway.server.departure import Departure


def test_a_departure_cancels_the_task_it_was_armed_with() -> None:
    async def scenario() -> None:
        departure = Departure()
        task = asyncio.create_task(asyncio.Event().wait())
        departure.arm(task)
        assert not departure.gone
        departure.happen()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert departure.gone

    asyncio.run(scenario())


def test_a_client_that_left_before_cancels_at_once() -> None:
    async def scenario() -> None:
        departure = Departure()
        departure.happen()
        task = asyncio.create_task(asyncio.Event().wait())
        departure.arm(task)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_after_the_request_nothing_is_cancelled() -> None:
    async def scenario() -> None:
        departure = Departure()
        task = asyncio.create_task(asyncio.sleep(0))
        departure.arm(task)
        departure.disarm()
        departure.happen()
        await task
        assert departure.finished

    asyncio.run(scenario())
