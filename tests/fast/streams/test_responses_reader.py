"""What is read of a common responses stream."""

import pytest

from gateway.fast.streams.responses_reader import ResponsesReader
from gateway.shapes import Json
from tests.fast.both_paths import changed
from tests.fast.common_streams import responses


class Noting(ResponsesReader):
    def _open(self) -> list[Json]:
        return [{"opened": self._last["id"]}]

    def _say(self, text: str) -> list[Json] | None:
        return [{"said": text}]

    def _close(self) -> list[Json]:
        return [{"closed": self._last["status"]}]


@pytest.mark.parametrize("thinks", [True, False])
def test_what_a_stream_says(*, thinks: bool) -> None:
    reader = Noting(99)
    taken = [reader.take(event) for event in responses(" on", " and", thinks=thinks)]
    assert [each for some in taken for each in some or ()] == [
        *({"opened": "resp_7"}, {"said": " on"}, {"said": " and"}, {"closed": "completed"}),
    ]
    assert None not in taken
    assert reader.length == len(" on and")


@pytest.mark.parametrize("limit", [5, 6])
def test_a_response_as_long_as_its_limit_is_not_common(limit: int) -> None:
    reader = Noting(limit)
    *_, last = [reader.take(event) for event in responses(" on")]
    assert (last is None) is (limit == 5)


def test_nothing_is_common_after_what_is_not() -> None:
    reader = Noting(0)
    assert reader.take({"type": "response.failed"}) is None
    assert reader.take({"type": ["x"]}) is None
    events = responses(" on")
    assert reader.take(changed(events[0], [("response.id", "")])) is None
    assert reader.take(events[2]) is None
