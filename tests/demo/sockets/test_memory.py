"""What a socket remembers."""

import pytest

from gateway.demo.kept_responses import Earlier
from gateway.demo.refusals import Refused
from gateway.demo.sockets.memory import MOST_STREAMS, ConnectionMemory


def test_the_last_response_of_each_stream_is_remembered() -> None:
    memory = ConnectionMemory()
    for stream_id, known_as in ((None, "r1"), ("a", "r2"), (None, "r3")):
        memory.remember(stream_id, Earlier(known_as, [{"id": known_as}]))
    assert memory.recall("r2").items == [{"id": "r2"}]
    assert memory.knows("r3")
    with pytest.raises(Refused, match="'r1' not found"):
        memory.recall("r1")
    memory.forget("r3")
    memory.forget("r1")
    assert not memory.knows("r3")


def test_the_oldest_streams_are_forgotten() -> None:
    memory = ConnectionMemory()
    for number in range(MOST_STREAMS + 1):
        memory.remember(f"s{number}", Earlier(f"r{number}", []))
    assert not memory.knows("r0")
    assert memory.knows("r1")
