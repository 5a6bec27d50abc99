"""The memory of one socket: bounded, with shared conversations."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.remembered.items import Segment
from gateway.exchange.remembered.memory import ConnectionMemory, Remembered


def segment(size: int) -> Segment:
    return Segment((), size)


def test_a_response_is_found_again_by_its_id() -> None:
    memory = ConnectionMemory(100, 10)
    remembered = Remembered((segment(10),))
    memory.remember("resp_1", remembered)
    assert memory.recall("resp_1") is remembered
    assert memory.recall("resp_2") is None
    memory.clear()
    assert memory.recall("resp_1") is None
    assert memory.size == 0


def test_conversations_share_what_they_have_in_common() -> None:
    memory = ConnectionMemory(100, 10)
    first = Remembered((segment(60),))
    memory.remember("resp_1", first)
    memory.remember("resp_2", Remembered((*first.segments, segment(20))))
    memory.remember("resp_3", Remembered((*first.segments, segment(20))))
    assert memory.size == 100
    assert memory.recall("resp_1") is first


def test_the_longest_unused_is_forgotten_first() -> None:
    memory = ConnectionMemory(100, 2)
    memory.remember("resp_1", Remembered((segment(1),)))
    memory.remember("resp_2", Remembered((segment(1),)))
    assert memory.recall("resp_1") is not None
    memory.remember("resp_3", Remembered((segment(1),)))
    assert memory.recall("resp_2") is None
    assert memory.recall("resp_1") is not None


def test_what_was_not_to_be_stored_can_be_forgotten() -> None:
    memory = ConnectionMemory(100, 10)
    shared = segment(10)
    memory.remember("a", Remembered((shared,), is_fleeting=True))
    memory.remember("b", Remembered((shared, segment(5))))
    for response_id in ("a", "b", "c"):
        memory.forget_fleeting(response_id)
    assert memory.recall("a") is None
    assert memory.recall("b") is not None
    assert memory.size == 15


def test_what_is_too_large_is_not_remembered() -> None:
    memory = ConnectionMemory(100, 10)
    memory.remember("resp_1", Remembered((segment(101),)))
    assert memory.recall("resp_1") is None
    assert memory.size == 0


def test_an_id_that_comes_again_replaces_the_one_before() -> None:
    memory = ConnectionMemory(100, 10)
    memory.remember("resp_1", Remembered((segment(60),)))
    again = Remembered((segment(70),))
    memory.remember("resp_1", again)
    assert memory.recall("resp_1") is again
    assert memory.size == 70


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 60)), max_size=30),
)
def test_the_bounds_hold_whatever_is_remembered(steps: list[tuple[int, int, int]]) -> None:
    memory = ConnectionMemory(100, 3)
    for before, number, size in steps:
        earlier = memory.recall(str(before))
        segments = earlier.segments if earlier is not None else ()
        memory.remember(str(number), Remembered((*segments, segment(size))))
        kept = [found for i in range(6) if (found := memory.recall(str(i))) is not None]
        assert len(kept) <= 3
        assert memory.size == sum(s.size for s in {s for each in kept for s in each.segments})
        assert memory.size <= 100
