"""One choice of a stream: its text, what is beside it, and how it ends."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.completions_via_chat.chat_backend import (
    HEAD,
    NO_STOP,
    asking,
    chunk,
    delta,
    entry,
    gathered,
    make_context,
    part,
    role,
    streamed,
)


def test_finish_with_text_is_one_chunk() -> None:
    events = streamed(asking(stream=True), [chunk(delta("a", finish_reason="stop"))])
    assert events == [{**HEAD, "choices": [part("a", reason="stop")]}]


def test_reasoning_and_tool_calls_are_not_shown() -> None:
    events = streamed(
        asking(stream=True, logprobs=0),
        [
            chunk(delta(None, reasoning_content="hm", entries=[entry("hm")])),
            chunk(delta(None, reasoning="hm", entries=[entry("hm")])),
            chunk(delta(None, tool_calls=[{"index": 0, "id": "c"}], entries=[entry("{")])),
            chunk(delta("a", reasoning_content=None, entries=[entry("a")])),
            chunk(delta(finish_reason="tool_calls")),
        ],
    )
    assert gathered(events)[0]["logprobs"]["tokens"] == ["a"]
    assert gathered(events)[0]["finish_reason"] == "stop"


def test_finish_reason_tool_calls_without_text_is_a_stop_and_reported() -> None:
    translation = asking(stream=True)
    events = streamed(
        translation,
        [chunk(delta(None, tool_calls=[{"id": "c"}])), chunk(delta(finish_reason="tool_calls"))],
    )
    assert events == [{**HEAD, "choices": [part("", reason="stop")]}]
    assert translation.report.changed == ["finish_reason:tool_calls->stop"]
    assert translation.report.dropped == ["tool_calls"]


@pytest.mark.parametrize("word", ["stop", "tool_calls"])
@pytest.mark.parametrize("calls", [{"tool_calls": [{"id": "c"}]}, {"function_call": {"name": "f"}}])
def test_calls_are_reported_beside_any_text_and_with_any_finish_reason(
    word: str, calls: Json
) -> None:
    translation = asking(stream=True)
    streamed(translation, [chunk(delta("a", **calls)), chunk(delta(finish_reason=word))])
    assert translation.report.dropped == list(calls)


def test_a_refusal_is_text() -> None:
    events = streamed(
        asking(stream=True),
        [chunk(delta(None, refusal="No")), chunk(delta(None, refusal=".", finish_reason="stop"))],
    )
    assert gathered(events)[0]["text"] == "No."


@pytest.mark.parametrize("word", ["abort", "error"])
def test_finish_reason_of_a_failure_is_an_error(word: str) -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(delta("a")))
    with pytest.raises(UpstreamError):
        fold.feed(0, chunk(delta(finish_reason=word)))


def test_finish_reason_unknown_is_a_stop_after_text_and_an_error_without() -> None:
    events = streamed(asking(stream=True), [chunk(delta("a")), chunk(delta(finish_reason="new"))])
    assert gathered(events)[0]["finish_reason"] == "stop"
    silent = asking(stream=True).stream()
    assert silent.feed(0, chunk(delta(finish_reason="new"))) == []
    with pytest.raises(UpstreamError, match="'new'"):
        silent.end(0)


def test_text_that_follows_a_finish_is_not_lost() -> None:
    events = streamed(
        asking(stream=True),
        [
            chunk(delta("a", finish_reason="stop")),
            chunk(delta("b")),
            chunk(delta("c", finish_reason="length")),
        ],
    )
    assert events == [
        {**HEAD, "choices": [part("a")]},
        {**HEAD, "choices": [part("b")]},
        {**HEAD, "choices": [part("c", reason="stop")]},
    ]


def test_logprobs_come_with_their_text_and_offsets_go_on() -> None:
    events = streamed(
        asking(prompt="Once", stream=True, logprobs=1),
        [
            chunk(role()),
            chunk(delta(" u", entries=[entry(" u", -0.1, d=-2.0)])),
            chunk(delta("pon", finish_reason="stop", entries=[entry("p"), entry("on")])),
        ],
    )
    assert [event["choices"][0]["logprobs"] for event in events] == [
        {
            "tokens": [" u"],
            "token_logprobs": [-0.1],
            "top_logprobs": [{"d": -2.0, " u": -0.1}],
            "text_offset": [4],
        },
        {
            "tokens": ["p", "on"],
            "token_logprobs": [-0.5, -0.5],
            "top_logprobs": [{"p": -0.5}, {"on": -0.5}],
            "text_offset": [6, 7],
        },
    ]


def test_logprobs_of_a_character_split_over_tokens_are_not_lost() -> None:
    half = {"token": "x", "logprob": -0.1, "bytes": [0xC3]}
    other = {"token": "y", "logprob": -0.2, "bytes": [0xA9]}
    events = streamed(
        asking(prompt="Once", stream=True, logprobs=0),
        [
            chunk(delta("", entries=[half])),
            chunk(delta("é", entries=[other])),
            chunk(delta("!", finish_reason="stop", entries=[entry("!")])),
        ],
    )
    found = gathered(events)[0]
    assert found["text"] == "é!"
    assert found["logprobs"]["tokens"] == ["bytes:\\xc3", "bytes:\\xa9", "!"]
    assert found["logprobs"]["text_offset"] == [4, 4, 5]


@pytest.mark.parametrize("stop", [None, "##"])
def test_logprobs_of_reasoning_in_the_same_chunk_are_left_out(stop: str | None) -> None:
    """vLLM sends several tokens at once, and so the end of the reasoning with the text."""
    tokens = [entry(" brief"), entry("</think>"), entry(" up"), entry("on")]
    events = streamed(
        asking(make_context(NO_STOP), stream=True, logprobs=0, stop=stop),
        [
            chunk(delta(entries=[entry("Be")], reasoning="Be")),
            chunk(delta(" upon", entries=tokens, reasoning=" brief")),
            chunk(delta("!", entries=[entry("!")])),
            chunk(delta(finish_reason="stop")),
        ],
    )
    found = gathered(events)[0]
    assert found["text"] == " upon!"
    assert found["logprobs"]["tokens"] == [" up", "on", "!"]


def test_logprobs_not_asked_for_are_null() -> None:
    events = streamed(
        asking(stream=True), [chunk(delta("a", finish_reason="stop", entries=[entry("a")]))]
    )
    assert events[0]["choices"][0]["logprobs"] is None


def test_stop_looked_for_by_the_gateway_ends_the_choice() -> None:
    translation = asking(make_context(NO_STOP), stop=["##"], stream=True, logprobs=0)
    events = streamed(
        translation,
        [
            chunk(delta("ab", entries=[entry("ab")])),
            chunk(delta("c#", entries=[entry("c#")])),
            chunk(delta("#d", entries=[entry("#d")])),
            chunk(delta("e", finish_reason="length", entries=[entry("e")])),
        ],
    )
    found = gathered(events)[0]
    assert (found["text"], found["finish_reason"]) == ("abc", "stop")
    assert found["logprobs"]["tokens"] == ["ab", "c#"]
    assert events[-1]["choices"] == [part("", reason="stop")]


def test_stop_that_does_not_come_true_is_given_back() -> None:
    translation = asking(make_context(NO_STOP), stop=["##"], stream=True, logprobs=0)
    events = streamed(
        translation,
        [
            chunk(delta("a#", entries=[entry("a"), entry("#")])),
            chunk(delta("b", entries=[entry("b")])),
            chunk(delta("#", entries=[entry("#")])),
            chunk(delta(finish_reason="length")),
        ],
    )
    found = gathered(events)[0]
    assert (found["text"], found["finish_reason"]) == ("a#b#", "length")
    assert found["logprobs"]["tokens"] == ["a", "#", "b", "#"]
    assert [event["choices"][0]["text"] for event in events] == ["a", "#b", "#"]


def test_stop_cuts_logprobs_by_bytes_where_characters_have_several() -> None:
    translation = asking(make_context(NO_STOP), stop=["##"], stream=True, logprobs=0)
    events = streamed(
        translation,
        [
            chunk(delta("éé#", entries=[entry("é"), entry("é"), entry("#")])),
            chunk(delta("#", entries=[entry("#")])),
        ],
    )
    assert gathered(events)[0]["text"] == "éé"
    assert gathered(events)[0]["logprobs"]["tokens"] == ["é", "é"]
