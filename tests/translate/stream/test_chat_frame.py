"""The frame that every stream of chat chunks has."""

from collections.abc import Sequence

import pytest

from gateway.errors import TruncatedStream
from gateway.shapes import Json
from gateway.translate.parts.tokens.usage_sums import sum_usage
from gateway.translate.stream.chat_frame import ChatFrame

USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


class Stream(ChatFrame):
    """Calls whose events are texts, the last of them empty."""

    def __init__(self, calls: int = 1, *, include_usage: bool = False) -> None:
        super().__init__(calls, calls, include_usage=include_usage)
        self.finished: set[int] = set()

    def feed(self, call: int, event: Json) -> list[Json]:
        self._usages[call] = event.get("usage")
        chunks = self._opened(lambda: {"id": "chatcmpl-1"})
        if not event["text"]:
            self.finished.add(call)
        return [*chunks, self._choice_chunk(call, {"content": event["text"]})]

    def _close(self, call: int) -> list[Json]:
        if call not in self.finished:
            raise TruncatedStream("It broke off.")
        return [self._choice_chunk(call, {}, finish_reason="stop")]

    def _total_usage(self, usages: Sequence[object]) -> Json | None:
        return sum_usage(usages)


def opening(index: int) -> Json:
    delta = {"role": "assistant", "content": "", "refusal": None}
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}


def test_every_choice_is_announced_with_its_role_in_ascending_order() -> None:
    chunks = Stream(2).feed(1, {"text": "hi"})
    assert [chunk["choices"] for chunk in chunks[:2]] == [[opening(0)], [opening(1)]]
    assert [chunk["id"] for chunk in chunks] == ["chatcmpl-1"] * 3


def test_logprobs_are_those_of_the_text() -> None:
    entries = [{"token": "hi", "logprob": -0.5}]
    chunk = Stream()._choice_chunk(0, {"content": "hi"}, entries=entries)
    assert chunk["choices"][0]["logprobs"] == {"content": entries, "refusal": None}


def test_the_usage_of_all_calls_comes_after_the_end_of_the_last_one() -> None:
    stream = Stream(2, include_usage=True)
    first = stream.feed(0, {"text": "", "usage": USAGE})
    assert [chunk["usage"] for chunk in first] == [None] * 3
    stream.feed(1, {"text": "", "usage": USAGE})
    (closing,) = stream.end(1)
    assert closing["choices"][0]["finish_reason"] == "stop"
    _, last = stream.end(0)
    assert last == {
        "id": "chatcmpl-1",
        "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 10, "total_tokens": 13},
    }


@pytest.mark.parametrize(("usage", "include"), [(USAGE, False), (None, True)])
def test_there_is_no_usage_that_is_unwanted_or_unknown(
    usage: Json | None, *, include: bool
) -> None:
    stream = Stream(include_usage=include)
    stream.feed(0, {"text": "", "usage": usage})
    (closing,) = stream.end(0)
    assert not closing.get("usage")


def test_a_call_ends_once() -> None:
    stream = Stream()
    stream.feed(0, {"text": ""})
    assert stream.end(0)
    assert stream.end(0) == []


def test_a_stream_that_broke_off_has_no_end() -> None:
    stream = Stream(include_usage=True)
    stream.feed(0, {"text": "hi", "usage": USAGE})
    with pytest.raises(TruncatedStream):
        stream.end(0)
