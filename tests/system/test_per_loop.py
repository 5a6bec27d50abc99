import asyncio
import gc

from gateway.system.per_loop import PerLoop


def test_each_loop_has_one_which_ends_with_it() -> None:
    lists: PerLoop[list[int]] = PerLoop(list)
    one, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    lists.of(one).append(1)
    assert (lists.of(one), lists.of(other), len(lists)) == ([1], [], 2)
    one.close()
    other.close()
    del one, other
    gc.collect()
    assert len(lists) == 0
