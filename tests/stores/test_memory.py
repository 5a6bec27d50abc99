"""The store of one process, and the form in which both stores keep responses."""

import asyncio

import msgspec
import pytest

from gateway.exchange.stored.responses import StoredResponse, TooLarge
from gateway.stores import memory
from gateway.stores.memory import MemoryStore, decode, encode, named_items
from tests.fakes import FakeClock
from tests.stores.processes import until

HELLO = StoredResponse(
    {"id": "resp_1", "output": []}, [{"type": "message", "id": "msg_1", "content": "Hallö"}], 1
)


def test_each_process_has_a_secret_of_its_own() -> None:
    first, second = (MemoryStore(100, 2000, FakeClock()) for _ in range(2))
    assert len(first.secret) == 32
    assert first.secret != second.secret


def test_nothing_is_left_once_it_is_closed() -> None:
    store = MemoryStore(100, 2000, FakeClock())

    async def scenario() -> None:
        await store.put("alice", "resp_1", HELLO)
        await store.aclose()
        assert await store.get("alice", "resp_1") is None

    asyncio.run(scenario())


def with_items(count: int, name: str = "m") -> StoredResponse:
    ids = [f"{name}_{number}" for number in range(count)]
    return StoredResponse({}, [{"id": each} for each in ids], count, ids)


def test_items_count_for_more_than_their_text() -> None:
    """Each is found by its id, which takes memory of its own."""

    async def scenario() -> None:
        store = MemoryStore(100, 1_000_000, FakeClock())
        with pytest.raises(TooLarge, match="allows 1,000,000"):
            await store.put("alice", "large", with_items(4000))
        for number in range(20):
            await store.put("alice", f"resp_{number}", with_items(1000, f"m{number}"))
        assert len(store._places) == 3000
        assert store._held <= 1_000_000
        assert await store.get("alice", "resp_16") is None
        assert list(await store.items("alice", ["m17_1", "m16_1"])) == ["m17_1"]

    asyncio.run(scenario())


def test_what_is_forgotten_leaves_no_item_behind() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        store = MemoryStore(100, 1_000_000, clock)
        await store.put("alice", "resp_1", with_items(10))
        await store.put("alice", "resp_2", with_items(5))
        assert await store.delete("alice", "resp_1")
        assert len(store._places) == 5
        clock.advance(101)
        assert not await store.delete("alice", "resp_2")
        assert (store._places, store._held) == ({}, 0)

    asyncio.run(scenario())


def test_a_cancelled_request_leaves_no_item_behind_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_PIECE", 2)

    async def scenario() -> None:
        store = MemoryStore(100, 1_000_000, FakeClock())
        await store.put("alice", "resp_1", with_items(10))
        deleting = asyncio.ensure_future(store.delete("alice", "resp_1"))
        await asyncio.sleep(0)
        assert len(store._places) == 8
        deleting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deleting
        assert store._places == {}

    asyncio.run(scenario())


def test_a_response_that_makes_room_while_it_is_noted_is_noted_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_PIECE", 2)

    async def scenario() -> None:
        store = MemoryStore(100, 1_000_000, FakeClock())
        putting = asyncio.ensure_future(store.put("alice", "resp_1", with_items(3000)))
        await until(lambda: bool(store._places))
        assert await store.delete("alice", "resp_1")
        await putting
        assert store._places == {}

    asyncio.run(scenario())


def test_what_is_kept_is_json_and_reads_back_as_it_was() -> None:
    encoded = encode(HELLO)
    assert set(msgspec.json.decode(encoded)) == {"response", "items", "inputs"}
    assert decode(encoded) == HELLO


def test_a_response_from_before_its_inputs_were_counted_is_read() -> None:
    assert decode(b'{"response":{"id":"r"},"items":[]}') == StoredResponse({"id": "r"}, [])


def test_items_are_found_by_their_names_and_those_without_one_are_not() -> None:
    stored = StoredResponse({}, [{"id": "a"}, {"type": "message"}, {"id": "b"}])
    assert named_items(stored, {"b", "c"}) == {"b": {"id": "b"}}
