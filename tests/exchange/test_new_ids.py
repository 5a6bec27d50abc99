"""Ids of what the gateway makes."""

import multiprocessing
from itertools import pairwise

from gateway.exchange.new_ids import new_id


def test_ids_differ_and_later_ones_sort_behind() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len({each[16:] for each in ids}) == 1000
    assert all(one[:16] <= other[:16] for one, other in pairwise(ids))
    assert all(len(bytes.fromhex(each)) == 16 for each in ids)


def test_a_forked_process_draws_others() -> None:
    new_id()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        theirs = {each[16:] for each in pool.map(_draw, range(200))}
    assert len(theirs) == 200
    assert theirs.isdisjoint(new_id()[16:] for _ in range(200))


def _draw(_: int) -> str:
    return new_id()
