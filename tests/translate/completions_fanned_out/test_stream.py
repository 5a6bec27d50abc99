from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.contract import StreamTranslation
from tests.translate.completions_fanned_out.backend import (
    ONE_CHOICE,
    asking,
    choice,
    chunk,
    fed,
    raised,
    texts,
)
from tests.translate.completions_via_chat.chat_backend import FRESH_ID

WITH_USAGE: Any = {"stream": True, "stream_options": {"include_usage": True}}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STREAM: list[tuple[int, Json]] = [
    (0, chunk(choice("a", reason=None), system_fingerprint="fp")),
    (1, chunk(choice("b", reason=None), created=9, id="cmpl-2")),
    (0, chunk(choice("!", reason=""))),
    (1, chunk(choice("", reason="length"), usage=USAGE)),
    (0, chunk(choice("", reason="stop"))),
    (0, chunk(usage=USAGE)),
]


def end_all(stream: StreamTranslation) -> None:
    for call in (0, 1):
        stream.end(call)


def test_chunks_interleave_under_one_id_and_the_clients_indexes() -> None:
    stream = asking(stream=True).stream()
    events = fed(stream, *STREAM)
    assert texts(events) == {0: "a!", 1: "b"}
    assert {event["id"] for event in events} == {f"cmpl-{FRESH_ID}"}
    assert {event["created"] for event in events} == {5}
    assert {event["model"] for event in events} == {"asked"}
    assert {event["object"] for event in events} == {"text_completion"}
    assert events[0]["system_fingerprint"] == "fp"
    assert all("usage" not in event for event in events)
    reasons = {c["index"]: c["finish_reason"] for e in events for c in e["choices"]}
    assert reasons == {0: "stop", 1: "length"}
    assert stream.end(0) == []
    assert stream.end(1) == []
    assert stream.end(1) == []
    assert not stream.satisfied(0)


def test_the_usage_of_all_calls_comes_last_and_only_if_asked_for() -> None:
    stream = asking(**WITH_USAGE).stream()
    assert all(event["usage"] is None for event in fed(stream, *STREAM))
    assert stream.end(1) == []
    (last,) = stream.end(0)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10}


def test_unknown_usage_is_not_sent() -> None:
    stream = asking(**WITH_USAGE).stream()
    fed(stream, (0, chunk(choice("a"))), (1, chunk(choice("b"), usage=USAGE)))
    assert stream.end(0) == []
    assert stream.end(1) == []


def test_a_list_of_one_keeps_the_upstreams_id() -> None:
    stream = asking(prompt=["a"], stream=True).stream()
    (event,) = stream.feed(0, chunk(choice("a")))
    assert event["id"] == "cmpl-1"


@pytest.mark.parametrize("events", range(len(STREAM) - 1))
def test_a_stream_that_is_cut_off_never_ends_well(events: int) -> None:
    stream = asking(stream=True).stream()
    fed(stream, *STREAM[:events])
    with pytest.raises(TruncatedStream):
        end_all(stream)


def test_what_belongs_to_no_choice_is_left_out() -> None:
    stream = asking(ONE_CHOICE, n=2, stream=True).stream()
    assert len(stream.feed(0, chunk(choice("a")))) == 1
    assert stream.feed(0, chunk(choice("x", 1))) == []
    assert stream.feed(0, {"choices": None}) == []
    assert stream.feed(0, {}) == []
    (event,) = stream.feed(3, chunk(choice("d")))
    assert event["choices"][0]["index"] == 3


@pytest.mark.parametrize("index", ["0", 1, None])
def test_the_first_choice_of_a_call_for_one_counts(index: Any) -> None:
    stream = asking(stream=True).stream()
    pieces = [{**choice("a", reason=None), "index": index}, {**choice("b"), "index": index}]
    events = [out for each in pieces for out in stream.feed(1, chunk(None, each))]
    assert texts(events) == {1: "ab"}
    assert stream.end(1) == []


@pytest.mark.parametrize("broken", [{"choices": "x"}, {"choices": ["x"]}])
def test_a_chunk_that_is_none_is_the_upstreams_fault(broken: Json) -> None:
    with pytest.raises(UpstreamError):
        asking(stream=True).stream().feed(0, broken)


def test_an_error_event_is_reported_in_the_clients_terms() -> None:
    stream = asking(stream=True).stream()
    with pytest.raises(UpstreamReplied) as caught:
        stream.feed(1, {"error": {"message": "no", "param": "prompt", "code": 400}})
    assert raised(caught.value) == (400, "prompt[1]")
    assert stream.fail(caught.value) == [dict(caught.value.envelope())]


@given(st.permutations([(call, n) for call in range(3) for n in range(3)]))
def test_any_order_of_arrival_gives_each_choice_its_own_text(order: list[tuple[int, int]]) -> None:
    prompts = ["x", "y", "z"]
    stream = asking(prompt=prompts, stream=True).stream()
    sent = [0, 0, 0]
    events: list[Json] = []
    for call, _ in order:
        reason = "stop" if sent[call] == 2 else None
        events += stream.feed(call, chunk(choice(f"{prompts[call]}{sent[call]}", 0, reason)))
        sent[call] += 1
    for call in range(3):
        stream.end(call)
    assert texts(events) == {i: f"{p}0{p}1{p}2" for i, p in enumerate(prompts)}
