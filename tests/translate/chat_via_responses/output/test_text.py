"""Text that is cut, and its logprobs."""

from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    WITH_USAGE,
    delta_event,
    ending,
    entries,
    events_of,
    finishes_of,
    folded,
    joined,
    message,
    response,
    run,
    streamed,
    text,
    translated,
    whole,
)


def test_logprobs_get_the_bytes_of_their_tokens_where_these_are_known() -> None:
    delta = delta_event(
        "é",
        logprobs=[
            {"token": "é", "logprob": -1, "top_logprobs": [{"token": "e", "logprob": -2}]},
            {"token": "\ufffd", "logprob": -3, "top_logprobs": []},
        ],
    )
    chunks = streamed({"logprobs": True, "top_logprobs": 1}, [delta, ending(response())])
    assert folded(chunks)["logprobs"]["content"] == [
        {
            "token": "é",
            "logprob": -1,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -2, "bytes": [101]}],
        },
        {"token": "\ufffd", "logprob": -3, "bytes": None, "top_logprobs": []},
    ]


def test_the_bytes_that_a_stream_names_are_those_of_its_tokens() -> None:
    half: Json = {"token": "\ufffd", "logprob": -1, "bytes": [195]}
    rest: Json = {"token": "\ufffd", "logprob": -2, "bytes": [169], "top_logprobs": [half]}
    delta = delta_event("é", logprobs=[{**half, "top_logprobs": []}, rest])
    chunks = streamed({"logprobs": True, "top_logprobs": 1}, [delta, ending(response())])
    result = folded(chunks)["logprobs"]["content"]
    assert [each["bytes"] for each in result] == [[195], [169]]
    assert result[1]["top_logprobs"] == [half]


def test_a_stop_sequence_ends_the_stream_before_the_upstream_does() -> None:
    stream = translated({"stream": True, "stop": "END"}).stream()
    events = events_of(response(message(text("some text EN END and more"))), size=2)
    chunks: list[Json] = []
    for event in events:
        chunks += stream.feed(0, event)
        if stream.satisfied(0):
            break
    assert event is not events[-1]
    chunks += stream.end(0)
    assert joined(chunks, "content") == "some text EN "
    assert finishes_of(chunks) == ["stop"]


def test_the_usage_is_waited_for_after_a_stop_sequence() -> None:
    stream = translated({**WITH_USAGE, "stop": "."}).stream()
    events = events_of(response(message(text("a.b"))))
    chunks = [made for event in events for made in stream.feed(0, event)]
    assert not stream.satisfied(0)
    chunks += stream.end(0)
    assert finishes_of(chunks) == ["stop"]
    assert chunks[-1]["usage"]["total_tokens"] == 14


def test_an_upstream_error_after_a_complete_choice_changes_nothing() -> None:
    stream = translated({**WITH_USAGE, "stop": "."}).stream()
    stream.feed(0, delta_event("a.b"))
    assert stream.feed(0, {"type": "error", "message": "late"}) == []
    assert stream.end(0) == []


def test_a_raised_limit_ends_the_stream_where_logprobs_count_the_tokens() -> None:
    part = text("abcd", logprobs=entries("a", "b", "c", "d"))
    stream = translated({"stream": True, "logprobs": True, "max_tokens": 2}).stream()
    chunks = run(stream, events_of(response(message(part))))
    assert stream.satisfied(0)
    assert (joined(chunks, "content"), finishes_of(chunks)) == ("ab", ["length"])


def test_text_that_only_looks_like_a_stop_sequence_is_shown_at_the_end() -> None:
    chunks = streamed({"stop": "END"}, events_of(response(message(text("the EN")))))
    assert joined(chunks, "content") == "the EN"


def test_nothing_follows_a_limit() -> None:
    parts = [text("ab", logprobs=entries("a", "b")), text("c", logprobs=entries("c"))]
    choice = whole({"logprobs": True, "max_tokens": 1}, response(message(*parts)))["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("a", "length")
