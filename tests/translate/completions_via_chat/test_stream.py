"""Streams. `streamed` sends each whole, byte by byte, and cut off after every event."""

from typing import Any

import pytest
from openai.types import Completion

from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Shape
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.stream.reply_as_event import whole_as_event
from tests.translate.completions_via_chat.chat_backend import (
    FRESH_ID,
    HEAD,
    NO_STOP,
    asking,
    choice,
    chunk,
    completion,
    delta,
    entry,
    gathered,
    make_context,
    part,
    role,
    streamed,
    usage,
)


def test_a_chat_stream_becomes_a_completions_stream() -> None:
    events = streamed(
        asking(stream=True),
        [
            chunk(role()),
            chunk(delta(" up")),
            chunk(delta("on")),
            chunk(delta(finish_reason="stop")),
            chunk(usage=usage()),
        ],
    )
    assert events == [
        {**HEAD, "choices": [part(" up")]},
        {**HEAD, "choices": [part("on")]},
        {**HEAD, "choices": [part("", reason="stop")]},
    ]


def test_stream_options_include_usage_sends_it_last_and_null_before() -> None:
    events = streamed(
        asking(stream=True, stream_options={"include_usage": True}),
        [
            chunk(role(), usage=None),
            chunk(delta("a"), usage=None),
            chunk(delta(finish_reason="length"), usage=None),
            chunk(usage=usage()),
        ],
    )
    assert events == [
        {**HEAD, "choices": [part("a")], "usage": None},
        {**HEAD, "choices": [part("", reason="length")], "usage": None},
        {**HEAD, "choices": [], "usage": usage()},
    ]


def test_stream_options_include_usage_takes_the_last_of_several() -> None:
    events = streamed(
        asking(stream=True, stream_options={"include_usage": True}),
        [
            chunk(delta("a"), usage=usage(3, 1)),
            chunk(delta("b", finish_reason="stop"), usage=usage(3, 2)),
            chunk(usage={}),
        ],
    )
    assert [event["usage"] for event in events] == [None, None, usage(3, 2)]


def test_stream_options_include_usage_takes_usage_before_the_finish() -> None:
    events = streamed(
        asking(stream=True, stream_options={"include_usage": True}),
        [chunk(usage=usage()), chunk(delta("a", finish_reason="stop"))],
    )
    assert [event["usage"] for event in events] == [None, usage()]


def test_usage_that_one_call_does_not_give_is_not_invented() -> None:
    events = streamed(
        asking(prompt=["a", "b"], stream=True, stream_options={"include_usage": True}),
        [chunk(delta("x", finish_reason="stop"), usage=usage())],
        [chunk(delta("y", finish_reason="stop"))],
    )
    assert [event["usage"] for event in events] == [None, None]


def test_a_role_in_every_chunk_changes_nothing() -> None:
    events = streamed(
        asking(stream=True),
        [
            chunk(delta(None, role="assistant")),
            chunk({"index": 0, "delta": {"role": "assistant", "content": None}}),
            chunk(delta("a", role="assistant")),
            chunk(delta("b", role="assistant", finish_reason="stop")),
        ],
    )
    assert [c["text"] for event in events for c in event["choices"]] == ["a", "b"]


def test_chunks_of_other_backends_are_understood() -> None:
    events = streamed(
        asking(stream=True),
        [
            # Azure's first chunk, then llama.cpp's progress, then what is left out at times.
            {
                "id": "",
                "object": "",
                "created": 0,
                "model": "",
                "choices": [],
                "prompt_filter_results": [{"prompt_index": 0}],
            },
            chunk(prompt_progress={"total": 9}, timings={}),
            chunk(choices=None),
            {"id": "chatcmpl-7"},
            chunk({"index": 0, "delta": None, "finish_reason": ""}),
            chunk({"delta": {"content": "a"}, "content_filter_results": {}}),
            chunk({"index": 0, "delta": {}, "finish_reason": "stop"}, obfuscation="xyz"),
        ],
    )
    assert events == [
        {**HEAD, "choices": [part("a")]},
        {**HEAD, "choices": [part("", reason="stop")]},
    ]


def test_identity_is_pinned_to_the_first_chunk() -> None:
    events = streamed(
        asking(stream=True),
        [
            chunk(role()),
            chunk(delta("a"), id="chatcmpl-8", created=1_600_000_001, model="other"),
            chunk(delta("b", finish_reason="stop"), id="chatcmpl-9", created=1_600_000_002),
        ],
    )
    assert all({key: event[key] for key in HEAD} == HEAD for event in events)


def test_system_fingerprint_is_passed_on_from_when_it_comes() -> None:
    events = streamed(
        asking(stream=True, stream_options={"include_usage": True}),
        [
            chunk(delta("a"), system_fingerprint=None),
            chunk(delta("b", finish_reason="stop"), system_fingerprint="fp_1"),
            chunk(usage=usage()),
        ],
    )
    assert [event.get("system_fingerprint") for event in events] == [None, "fp_1", "fp_1"]


def test_passes_text_no_more_once_a_choice_has_its_finish_reason() -> None:
    stream = asking(stream=True).stream()
    stream.feed(0, chunk(delta("a")))
    assert stream.passes_text
    stream.feed(0, chunk(delta("b", finish_reason="stop")))
    assert not stream.passes_text


@pytest.mark.parametrize("index", [0, 1, -1, 5, 10**30, None, True, "0", "7", "x", 0.0, [0]])
def test_the_one_choice_is_the_first_whatever_its_index(index: Any) -> None:
    mine = {"index": index, "delta": {"content": "x"}}
    others: list[Any] = [delta("other", index + 1), None] if type(index) is int else []
    events = streamed(
        asking(stream=True),
        [chunk(mine, *others), chunk({**mine, "finish_reason": "stop"})],
    )
    assert gathered(events) == {0: {"text": "xx", "logprobs": None, "finish_reason": "stop"}}


def test_of_several_choices_those_that_nobody_asked_for_are_ignored() -> None:
    asked = asking(n=2, stream=True)
    both = chunk(delta("a", 0, "stop"), delta("b", 1, "stop"))
    events = streamed(asked, [chunk(delta("x", 2), delta("y", -1)), both])
    assert [choice["text"] for choice in gathered(events).values()] == ["a", "b"]


def test_echo_is_the_first_chunk_of_every_choice() -> None:
    events = streamed(
        asking(prompt="Once", n=2, echo=True, stream=True),
        [
            chunk(),
            chunk(role(1)),
            chunk(delta("b", 1)),
            chunk(role(0)),
            chunk(delta("a", finish_reason="stop"), delta(None, 1, finish_reason="length")),
        ],
    )
    assert [c for event in events for c in event["choices"]] == [
        part("Once"),
        part("Once", 1),
        part("b", 1),
        part("a", reason="stop"),
        part("", 1, "length"),
    ]


def test_echo_of_an_empty_prompt_is_not_a_chunk() -> None:
    events = streamed(
        asking(prompt="", echo=True, stream=True), [chunk(delta("a", finish_reason="stop"))]
    )
    assert len(events) == 1


def test_prompt_list_streams_interleave_under_one_identity() -> None:
    translation = asking(
        prompt=["p", "q"], n=2, echo=True, stream=True, stream_options={"include_usage": True}
    )
    fold = translation.stream()
    events = fold.feed(1, chunk(delta("d", 1), id="chatcmpl-2", created=1_600_000_009))
    events += fold.feed(0, chunk(delta("a", 0, "stop"), delta("b", 1, "stop"), id="chatcmpl-1"))
    events += fold.feed(0, chunk(usage=usage(3, 5)))
    events += fold.end(0)
    assert fold.end(0) == [], "a call ends once"
    events += fold.feed(1, chunk(delta("c", 0, "stop"), delta(None, 1, "length")))
    events += fold.feed(1, chunk(usage=usage(4, 6)))
    events += fold.end(1)
    texts = {index: choice["text"] for index, choice in gathered(events).items()}
    assert texts == {0: "pa", 1: "pb", 2: "qc", 3: "qd"}
    assert {event["id"] for event in events} == {"cmpl-" + FRESH_ID}
    assert {event["created"] for event in events} == {1_600_000_009}
    assert events[-1] == {**events[0], "choices": [], "usage": usage(7, 11)}


def test_n_emulated_is_one_stream_per_choice_and_the_prompt_counts_once() -> None:
    translation = asking(
        make_context(Capabilities(n=False)),
        n=2,
        echo=True,
        stream=True,
        stream_options={"include_usage": True},
    )
    events = streamed(
        translation,
        [chunk(delta("a", finish_reason="stop")), chunk(usage=usage(3, 5))],
        [chunk(delta("b", finish_reason="length")), chunk(usage=usage(3, 6))],
    )
    assert [c for event in events[:2] for c in event["choices"]] == [part("Once"), part("Once", 1)]
    assert gathered(events)[1] == {"text": "Onceb", "logprobs": None, "finish_reason": "length"}
    assert events[-1]["usage"] == usage(3, 11)


def test_stop_found_makes_the_rest_of_the_stream_needless() -> None:
    fold = asking(make_context(NO_STOP), stop="#", n=2, stream=True).stream()
    fold.feed(0, chunk(delta("a#")))
    assert not fold.satisfied(0), "the other choice goes on"
    fold.feed(0, chunk(delta("b#", 1)))
    assert fold.satisfied(0)
    assert fold.end(0) == []


def test_stop_found_does_not_end_a_stream_whose_usage_is_asked_for() -> None:
    translation = asking(
        make_context(NO_STOP), stop="#", stream=True, stream_options={"include_usage": True}
    )
    fold = translation.stream()
    fold.feed(0, chunk(delta("a#")))
    assert not fold.satisfied(0)
    assert fold.feed(0, chunk(delta("b", finish_reason="length"))) == []
    fold.feed(0, chunk(usage=usage()))
    assert fold.end(0)[-1]["usage"] == usage()


def test_a_stream_that_the_upstream_finishes_is_read_to_its_end() -> None:
    fold = asking(make_context(NO_STOP), stop="#", stream=True).stream()
    fold.feed(0, chunk(delta("a#", finish_reason="stop")))
    assert not fold.satisfied(0)
    simple = asking(stream=True).stream()
    simple.feed(0, chunk(delta("a", finish_reason="stop")))
    assert not simple.satisfied(0)


def test_an_error_event_is_the_upstreams_error_in_the_clients_words() -> None:
    fold = asking(prompt=["a", "b"], stream=True).stream()
    fold.feed(1, chunk(delta("x")))
    event = {"error": {"message": "too long", "param": "messages", "code": 400}}
    with pytest.raises(UpstreamReplied) as caught:
        fold.feed(1, event)
    assert caught.value.param == "prompt[1]"
    assert caught.value.message == "too long (upstream parameter: messages)."
    assert caught.value.status == 400


def test_an_error_that_is_null_is_none() -> None:
    events = streamed(asking(stream=True), [chunk(delta("a", finish_reason="stop"), error=None)])
    assert gathered(events)[0]["text"] == "a"
    assert all("error" not in event for event in events)


def test_fail_is_the_envelope_alone() -> None:
    fold = asking(stream=True).stream()
    error = TruncatedStream("cut")
    assert fold.fail(error) == [error.envelope()]


def test_a_stream_without_any_event_is_truncated() -> None:
    with pytest.raises(TruncatedStream):
        asking(stream=True).stream().end(0)


def test_a_choice_that_never_came_is_truncated() -> None:
    fold = asking(n=2, stream=True).stream()
    fold.feed(0, chunk(delta("a", finish_reason="stop")))
    with pytest.raises(TruncatedStream, match="choice 1"):
        fold.end(0)


def test_a_whole_reply_in_place_of_a_stream_goes_the_same_way() -> None:
    event = whole_as_event(Shape.CHAT, completion(choice("a"), choice("b", 1)))
    events = streamed(asking(n=2, stream=True), [event])
    assert [c for event in events for c in event["choices"]] == [
        part("a", reason="stop"),
        part("b", 1, "stop"),
    ]


def test_every_chunk_is_one_that_the_official_client_accepts() -> None:
    events = streamed(
        asking(stream=True, stream_options={"include_usage": True}, logprobs=2),
        [
            chunk(delta("a", finish_reason="stop", entries=[entry("a", b=-1.0)])),
            chunk(usage=usage()),
        ],
    )
    for event in events[:-1]:
        Completion.model_validate(event, strict=True)
    Completion.model_validate(events[-1], strict=True)


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {"choices": 5},
        {"choices": {}},
        {"choices": [5]},
        {"choices": [{"index": 0, "delta": "x"}]},
        {"choices": [{"index": 0, "text": "x"}]},
        {"choices": [{"index": 0, "message": "x"}]},
        {"choices": [{"index": 0, "delta": {"content": 5}}]},
        {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": 5}]},
        {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [5]}}]},
    ],
)
@pytest.mark.parametrize("capabilities", [Capabilities(), NO_STOP])
def test_a_malformed_event_is_an_upstream_error(event: Any, capabilities: Capabilities) -> None:
    with pytest.raises(UpstreamError):
        asking(make_context(capabilities), stream=True, stop="#", logprobs=1).stream().feed(
            0, event
        )
