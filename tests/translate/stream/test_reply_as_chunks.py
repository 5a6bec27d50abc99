"""A whole reply as the chunks of OpenAI's own stream."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.stream.reply_as_chunks import as_chunks

HEAD: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chunked(delta: Json, *, with_usage: bool = False, **more: Any) -> list[Json]:
    choice = {"index": 0, "delta": delta, "finish_reason": "stop", "logprobs": {"content": []}}
    return as_chunks({**HEAD, "choices": [choice], **more}, with_usage=with_usage)


@pytest.mark.parametrize(
    ("said", "text", "deltas"),
    [
        ({"role": "assistant", "content": "Hi", "refusal": None}, "", [{"content": "Hi"}]),
        ({"content": ""}, "", []),
        ({"content": None, "tool_calls": [CALL]}, None, [{"tool_calls": [CALL]}]),
        ({"refusal": "No."}, None, [{"refusal": "No."}]),
        ({"content": "Hi", "reasoning": "x"}, "", [{"content": "Hi", "reasoning": "x"}]),
    ],
)
def test_a_message_has_a_beginning_and_an_end(
    said: Json, text: str | None, deltas: list[Json]
) -> None:
    first, *others, last = chunked(said)
    begun = {"role": "assistant", "content": text, "refusal": None}
    (choice,) = first["choices"]
    assert choice == {"index": 0, "delta": begun, "logprobs": None, "finish_reason": None}
    assert [chunk["choices"][0]["delta"] for chunk in others] == deltas
    assert all(chunk["choices"][0]["logprobs"] == {"content": []} for chunk in others)
    (choice,) = last["choices"]
    assert choice == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert all(HEAD.items() <= chunk.items() for chunk in (first, *others, last))


@pytest.mark.parametrize("wanted", [True, False])
def test_usage_has_a_chunk_of_its_own_if_it_is_wanted(*, wanted: bool) -> None:
    *chunks, last = chunked({"content": "Hi"}, with_usage=wanted, usage=USAGE, citations=["x"])
    if wanted:
        assert last == {**HEAD, "choices": [], "usage": USAGE}
        assert [chunk["usage"] for chunk in chunks] == [None] * 3
        last = chunks[-1]
    assert [chunk.get("citations") for chunk in chunks[:2]] == [None] * 2
    assert (last["citations"], last.get("usage")) == (["x"], None)


def test_each_choice_has_its_own_chunks() -> None:
    choices = [{"index": index, "text": "Hi", "finish_reason": "stop"} for index in range(3)]
    chunks = as_chunks({**HEAD, "choices": choices}, with_usage=False)
    assert [chunk["choices"] for chunk in chunks] == [[choice] for choice in choices]


@pytest.mark.parametrize(
    "event",
    [
        {"choices": []},
        {"choices": [{"delta": {}}], "error": {"message": "no"}},
        {"choices": [{"delta": {}, "error": {"message": "no"}}]},
    ],
)
def test_an_error_stays_one_event(event: Json) -> None:
    assert as_chunks(event, with_usage=True) == [event]
