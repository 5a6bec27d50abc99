"""Measurements within one process."""

import gc
from collections.abc import Callable

from bench.cases import PAIRS
from bench.conversations import small_turns
from bench.in_process import LEAST, applications, attempts, rounds


def test_variants_take_turns_and_are_prepared_again_each_time() -> None:
    calls: list[str] = []

    def variant(name: str) -> Callable[[], object]:
        calls.append(f"prepare {name}")
        return lambda: calls.append(name)

    found = rounds([lambda: variant("a"), lambda: variant("b")], seconds=0.0)
    assert len(found) == LEAST
    assert all(len(times) == 2 for times in found)
    assert calls == ["prepare a", "a", "prepare b", "b"] * (LEAST + 1)


def test_the_collector_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    gc.set_threshold(600, 9, 8)
    try:
        with applications():
            assert gc.get_threshold() == (5_000, 200, 100)
            assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == (600, 9, 8)
        assert gc.get_freeze_count() == 0
    finally:
        gc.set_threshold(*before)


def test_one_gateway_has_fast_paths_and_the_other_has_none() -> None:
    pair = next(pair for pair in PAIRS if pair.title == "chat→responses")
    body = small_turns(2).body(pair.client, pair.model)
    with applications() as built:
        own, generic = (attempts(application, pair, body)() for application in built)
    assert own.fast is not None
    assert generic.fast is None
    assert own.calls[0].path == generic.calls[0].path == "/responses"
