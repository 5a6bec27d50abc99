"""Streams as the whole replies that say the same."""

from typing import Any

import pytest

from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.stream.folding.replies import events_as_whole, is_terminal


def chunk(delta: Any = None, finish: Any = None, index: Any = 0, **more: Any) -> Json:
    choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None, **more}
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def chat(*events: Json) -> Json:
    return events_as_whole(Shape.CHAT, events)


def test_a_chat_stream_is_a_chat_completion() -> None:
    entries = [{"token": "a"}, {"token": "b"}]
    assert chat(
        {"id": "", "model": "", "choices": []},
        chunk({"role": "assistant", "content": ""}, logprobs={"content": [], "refusal": None}),
        chunk({"content": "a"}, logprobs={"content": entries[:1], "refusal": None}),
        chunk({"content": "b"}, logprobs={"content": entries[1:]}),
        chunk({}, "stop"),
        {"id": "d", "system_fingerprint": "fp", "choices": [], "usage": {"total_tokens": 3}},
        {"choices": None, "usage": {"total_tokens": 0}},
    ) == {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab"},
                "finish_reason": "stop",
                "logprobs": {"content": entries, "refusal": None},
            }
        ],
        "usage": {"total_tokens": 3},
    }


def test_choices_are_distinguished_and_numbered() -> None:
    whole = chat(
        chunk({"content": "b"}, index=1),
        chunk({"content": "a"}, index="odd"),
        chunk(None, "length"),
        chunk({"refusal": "no"}, "stop", index=1),
    )
    assert [choice["index"] for choice in whole["choices"]] == [0, 1]
    assert [choice["message"]["content"] for choice in whole["choices"]] == ["a", "b"]
    assert whole["choices"][1]["message"]["refusal"] == "no"
    assert "usage" not in whole


def test_a_whole_reply_in_an_event_stays_one() -> None:
    message = {"role": "assistant", "content": "a"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    assert chat({"choices": [choice]})["choices"] == [choice]
    assert chat({"choices": [{**choice, "message": "x"}]})["choices"][0]["message"] == "x"
    empty = {**choice, "message": {"tool_calls": [None]}}
    made = chat({"choices": [empty]})["choices"][0]["message"]
    assert made == {"role": "assistant", "content": None}


@pytest.mark.parametrize(
    "odd",
    [
        {"message": {"tool_calls": "x"}},
        {"message": {"tool_calls": [5]}},
        {"message": {"function_call": 5}},
        {"delta": 5},
        {"delta": {"tool_calls": [None, "x"]}},
    ],
)
def test_what_streams_cannot_say_is_not_a_whole_reply_either(odd: Json) -> None:
    with pytest.raises(UpstreamError):
        chat({"choices": [{"index": 0, "finish_reason": "stop", **odd}]})


@pytest.mark.parametrize(
    "events",
    [[], [{"choices": []}], [chunk({"content": "a"})], [chunk(None, ""), {"choices": [None]}]],
)
def test_a_stream_without_its_finish_is_cut_off(events: list[Json]) -> None:
    with pytest.raises(TruncatedStream):
        chat(*events)


def test_a_completions_stream_is_a_completion() -> None:
    def piece(text: Any, finish: Any = None, **logprobs: Any) -> Json:
        choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": logprobs or None}
        return {"id": "c", "object": "text_completion", "choices": [choice]}

    whole = events_as_whole(
        Shape.COMPLETIONS,
        [
            piece("a", tokens=["a"], top_logprobs=None),
            piece("b", tokens=["b"], top_logprobs=[{}]),
            piece(None, "stop"),
        ],
    )
    assert whole == {
        "id": "c",
        "object": "text_completion",
        "choices": [
            {
                "index": 0,
                "text": "ab",
                "finish_reason": "stop",
                "logprobs": {"tokens": ["a", "b"], "top_logprobs": [{}]},
            }
        ],
    }


@pytest.mark.parametrize("odd", [{"a": 1}, [1], 5])
def test_a_text_that_is_none_gives_way_to_one(odd: object) -> None:
    choices: list[Json] = [{"text": odd}, {"text": "a"}, {"text": "b", "finish_reason": "stop"}]
    events = [{"object": "text_completion", "choices": [{"index": 0, **c}]} for c in choices]
    assert events_as_whole(Shape.COMPLETIONS, events)["choices"][0]["text"] == "ab"


ITEM = {"type": "message", "id": "m", "content": []}


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_a_responses_stream_is_the_response_of_its_last_event(kind: str) -> None:
    done = {"type": "response.output_item.done", "output_index": 0, "item": ITEM}
    other = {"type": "x", "id": "y"}
    for output, seen in (([other], [other]), ([], [ITEM]), (None, [ITEM])):
        response = {"id": "r", "status": kind, "output": output}
        events: list[Json] = [
            {"type": "response.created", "response": {"id": "r", "output": []}},
            {"type": "response.output_item.done", "item": None},
            done,
            {"type": f"response.{kind}", "response": response},
            {"type": "response.completed", "response": {}},
        ]
        assert events_as_whole(Shape.RESPONSES, events) == {**response, "output": seen}


def test_a_responses_stream_without_its_last_event_is_cut_off() -> None:
    for event in ({"type": "response.completed", "response": None}, {"type": ["x"]}):
        with pytest.raises(TruncatedStream):
            events_as_whole(Shape.RESPONSES, [event])


@pytest.mark.parametrize(
    ("event", "last"),
    [
        ({"type": "response.failed"}, True),
        ({"type": "response.created"}, False),
        ({"type": {}}, False),
        ([], False),
    ],
)
def test_the_last_event_is_known_by_its_type(event: object, last: bool) -> None:
    assert is_terminal(event) is last
