"""The store of one process, and the form in which both stores keep responses."""

import asyncio

import msgspec

from gateway.exchange.stored.responses import StoredResponse
from gateway.stores.memory import MemoryStore, decode, encode, named_items
from tests.fakes import FakeClock

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


def test_what_is_kept_is_json_and_reads_back_as_it_was() -> None:
    encoded = encode(HELLO)
    assert set(msgspec.json.decode(encoded)) == {"response", "items", "inputs"}
    assert decode(encoded) == HELLO


def test_a_response_from_before_its_inputs_were_counted_is_read() -> None:
    assert decode(b'{"response":{"id":"r"},"items":[]}') == StoredResponse({"id": "r"}, [])


def test_items_are_found_by_their_names_and_those_without_one_are_not() -> None:
    stored = StoredResponse({}, [{"id": "a"}, {"type": "message"}, {"id": "b"}])
    assert named_items(stored, {"b", "c"}) == {"b": {"id": "b"}}
