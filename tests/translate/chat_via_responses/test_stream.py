"""Responses streams as chat streams."""

import pytest

from gateway.errors import UpstreamReplied
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    FULL,
    ROLE,
    WITH_USAGE,
    delta_event,
    ending,
    events_of,
    expected_chunk,
    finishes_of,
    message,
    opening,
    response,
    run,
    streamed,
    text,
    translated,
)
from tests.translate.openai_schema import check_schema


def test_a_stream_of_text_becomes_role_content_and_finish() -> None:
    chunks = streamed({}, events_of(response(message(text("Hello")))))
    assert chunks == [
        expected_chunk(ROLE),
        expected_chunk({"content": "Hel"}),
        expected_chunk({"content": "lo"}),
        expected_chunk({}, finish="stop"),
    ]


def test_nothing_is_sent_before_the_response_does_something() -> None:
    stream = translated({"stream": True}).stream()
    reply = response(message(text("a")))
    for event in opening(reply):
        assert stream.feed(0, event) == []
    assert stream.feed(0, {"type": "keepalive"}) == []
    assert stream.feed(0, {}) == []
    added = {"type": "response.output_item.added", "output_index": 0, "item": message()}
    assert stream.feed(0, added) == [expected_chunk(ROLE)]


def test_the_usage_comes_last_and_only_if_asked_for() -> None:
    events = events_of(response(message(text("a"))))
    chunks = streamed(WITH_USAGE, events)
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 14
    assert not any("usage" in chunk for chunk in streamed({}, events))


def test_unknown_usage_is_not_invented() -> None:
    chunks = streamed(WITH_USAGE, events_of(response(message(text("a")), usage=None)))
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_all_chunks_are_valid() -> None:
    for chunk in streamed({**WITH_USAGE, **ALL_TOOLS}, events_of(FULL)):
        if not any("custom" in str(choice["delta"]) for choice in chunk["choices"]):
            check_schema("CreateChatCompletionStreamResponse", chunk)


def test_one_finish_reason_after_all_calls() -> None:
    chunks = streamed(ALL_TOOLS, events_of(FULL))
    assert finishes_of(chunks) == ["tool_calls"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_finished_stream_is_not_satisfied_for_it_is_at_its_end() -> None:
    stream = translated({"stream": True}).stream()
    run(stream, events_of(response(message(text("a")))))
    assert not stream.satisfied(0)
    assert stream.end(0) == []


def test_the_moderations_of_several_choices_come_as_one_after_the_last() -> None:
    stream = translated({"n": 3, "moderation": {"model": "m"}}).stream()
    found = [{"output": {"results": [word]}} for word in "ab"]
    replies = [response(), *(response(moderation=each) for each in found)]
    chunks = [chunk for call in (2, 0, 1) for chunk in run(stream, [ending(replies[call])], call)]
    assert [chunk["moderation"] for chunk in chunks if "moderation" in chunk] == [
        {"output": {"results": ["a", "b"]}}
    ]


@pytest.mark.parametrize(
    ("body", "reason"), [({"stop": "b"}, "stop"), ({"max_tokens": 1, "logprobs": True}, "length")]
)
@pytest.mark.parametrize("usage", [{}, WITH_USAGE])
def test_a_moderation_is_awaited_after_a_text_that_was_cut_here(
    body: Json, reason: str, usage: Json
) -> None:
    results = {"output": {"results": ["a"]}}
    entries = [{"token": token, "logprob": -1.0, "top_logprobs": []} for token in "abc"]
    reply = response(message(text("abc", logprobs=entries)), moderation=results)
    asked = {"stream": True, **usage, **body, "moderation": {"model": "m"}}
    stream = translated(asked).stream()
    chunks: list[Json] = []
    for event in events_of(reply):
        assert not stream.satisfied(0)
        chunks += stream.feed(0, event)
    chunks += stream.end(0)
    assert finishes_of(chunks) == [reason]
    assert [chunk["moderation"] for chunk in chunks if "moderation" in chunk] == [results]
    assert bool(chunks[-1].get("usage")) is bool(usage)


def test_several_choices_announce_themselves_in_order() -> None:
    stream = translated({"n": 3, **WITH_USAGE}).stream()
    first = stream.feed(2, delta_event("z"))
    assert [c["choices"][0]["index"] for c in first] == [0, 1, 2, 2]
    assert [c["choices"][0]["delta"] for c in first[:3]] == [ROLE] * 3
    chunks = [*first]
    for call in (1, 0):
        chunks += run(stream, events_of(response(message(text("ab")))), call)
    chunks += run(stream, [ending(response())], 2)
    assert [finishes_of(chunks, index) for index in range(3)] == [["stop"]] * 3
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[-1]["usage"]["completion_tokens"] == 15
    assert sum(chunk["usage"] is not None for chunk in chunks) == 1


def test_what_both_shapes_call_the_same_is_kept() -> None:
    reply = response(message(text("a")), service_tier="flex", moderation={"results": []})
    chunks = streamed({"moderation": {"model": "m"}}, events_of(reply))
    assert chunks[-2]["service_tier"] == "flex"
    assert (chunks[-1]["choices"], chunks[-1]["moderation"]) == ([], {"results": []})


def test_an_error_is_sent_as_openai_python_expects_it() -> None:
    error = UpstreamReplied("broken", status=500)
    assert translated({"stream": True}).stream().fail(error) == [error.envelope()]
