import asyncio

import pytest

from gateway.envelopes.slices import Work, in_slices


def counting(upto: int) -> Work[int]:
    for _ in range(upto):
        yield
    return upto


def test_others_have_their_turn_after_each_slice() -> None:
    async def scenario() -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(other())
        assert await in_slices(counting(5)) == 5
        assert turns == 5
        others.cancel()

    asyncio.run(scenario())


def test_work_of_one_slice_is_done_at_once() -> None:
    with pytest.raises(StopIteration) as done:
        in_slices(counting(0)).send(None)
    assert done.value.value == 0
