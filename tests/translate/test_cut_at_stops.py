"""Replies of the client's own shape, cut at stop sequences."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.cut_at_stops import CutAtStops
from gateway.translate.renaming import Renaming
from gateway.translate.stream.stops import cut

CHAT, COMPLETIONS = Shape.CHAT, Shape.COMPLETIONS


def cutting(shape: Shape, body: Json | None = None, stops: Sequence[str] = ("stop",)) -> CutAtStops:
    asked = body or {}
    return CutAtStops(Renaming(shape, asked, Context("asked", "sent")), shape, asked, stops)


def chunk(shape: Shape, text: str | None, index: int = 0, **more: Any) -> Json:
    said: Json = {} if text is None else {"content": text}
    choice = {"delta": said} if shape is CHAT else {"text": text or ""}
    return {
        "id": "x",
        "choices": [{"index": index, "logprobs": None, "finish_reason": None, **choice, **more}],
    }


def fed(translation: CutAtStops, events: Sequence[Json]) -> list[Json]:
    """Return the client's events; the upstream's are read as far as they are needed."""
    stream = translation.stream()
    out: list[Json] = []
    for event in events:
        out += stream.feed(0, event)
        if stream.satisfied(0):
            break
    return out + stream.end(0)


def texts(events: Sequence[Json], index: int = 0) -> str:
    return "".join(
        (choice.get("delta", choice).get("content") or choice.get("text") or "")
        for event in events
        for choice in event["choices"]
        if choice["index"] == index
    )


def reasons(events: Sequence[Json], index: int = 0) -> list[object]:
    return [
        choice["finish_reason"]
        for event in events
        for choice in event["choices"]
        if choice["index"] == index and choice["finish_reason"]
    ]


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_a_whole_reply_is_cut_and_the_rest_of_it_stays(shape: Shape) -> None:
    said: Json = {
        "role": "assistant",
        "content": "go stop on",
        "reasoning": "hm",
        "tool_calls": [1],
    }
    choice = {"message": said} if shape is CHAT else {"text": "go stop on"}
    reply = {
        "model": "sent",
        "choices": [{"index": 0, "finish_reason": "length", "zzz": 1, **choice}],
        "usage": {"total_tokens": 9},
    }
    folded = cutting(shape).reply([reply])
    kept = {"role": "assistant", "content": "go ", "reasoning": "hm"}
    place = {"message": kept} if shape is CHAT else {"text": "go "}
    assert folded == {
        "model": "asked",
        "choices": [{"index": 0, "finish_reason": "stop", "zzz": 1, **place}],
        "usage": {"total_tokens": 9},
    }


def test_a_whole_reply_without_a_stop_sequence_is_as_it_was() -> None:
    for message in (
        {"role": "assistant", "content": "go st"},
        {"role": "assistant", "content": None, "tool_calls": [1]},
        {"role": "assistant", "content": ""},
    ):
        reply: Json = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        assert cutting(CHAT).reply([reply]) == reply
    odds: list[Json] = [{"choices": None}, {"error": {}}, {"choices": [5, {"message": 5}, {}]}]
    for odd in odds:
        assert cutting(CHAT).reply([odd]) == odd
    nothing: Json = {"choices": [{"message": {"content": "stop"}, "finish_reason": "length"}]}
    assert cutting(CHAT).reply([nothing])["choices"] == [
        {"message": {"content": ""}, "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_a_stream_is_cut_across_its_pieces_and_then_left(shape: Shape) -> None:
    pieces = ["go ", "s", "to", "p", " on"]
    events = [chunk(shape, piece) for piece in pieces]
    out = fed(cutting(shape), events)
    assert (texts(out), reasons(out)) == ("go ", ["stop"])
    assert len(out) == 2
    stream = cutting(shape).stream()
    for event in events[:4]:
        stream.feed(0, event)
    assert stream.satisfied(0)
    assert stream.feed(0, events[4]) == []
    assert not stream.passes_text


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_what_was_held_back_comes_with_the_end(shape: Shape) -> None:
    events = [
        chunk(shape, "go", finish_reason=""),
        chunk(shape, " st"),
        chunk(shape, None, finish_reason="length"),
    ]
    out = fed(cutting(shape), events)
    assert (texts(out), reasons(out)) == ("go st", ["length"])
    assert fed(cutting(shape, stops=("x",)), events) == events


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_what_comes_after_a_finish_reason_passes_and_is_cut_too(shape: Shape) -> None:
    events = [chunk(shape, piece, finish_reason="stop") for piece in ("go s", "o st")]
    assert texts(fed(cutting(shape), events)) == "go so st"
    out = fed(cutting(shape), [*events, chunk(shape, " stop on")])
    assert texts(out) == "go so st "


def test_a_call_after_a_finish_reason_passes() -> None:
    call = chunk(CHAT, None)
    call["choices"][0]["delta"] = {"tool_calls": [{"index": 0, "id": "c"}]}
    events = [chunk(CHAT, None, finish_reason="tool_calls"), call]
    assert fed(cutting(CHAT), events) == events


@pytest.mark.parametrize("index", [None, "0"])
def test_an_index_may_be_missing_or_a_string(index: object) -> None:
    events = [chunk(CHAT, piece) for piece in ("go st", "op on")]
    for event in events:
        event["choices"][0]["index"] = index
    assert "".join(e["choices"][0]["delta"]["content"] for e in fed(cutting(CHAT), events)) == "go "


def test_the_usage_is_waited_for_where_the_client_asks_for_it() -> None:
    usage = {"id": "x", "choices": [], "usage": {"total_tokens": 3}}
    events = [chunk(CHAT, "a stop"), chunk(CHAT, " on"), chunk(CHAT, None, finish_reason="stop")]
    asked = {"stream_options": {"include_usage": True}}
    out = fed(cutting(CHAT, asked), [*events, usage])
    assert (texts(out), reasons(out), out[-1]) == ("a ", ["stop"], usage)
    stream = cutting(CHAT, asked).stream()
    stream.feed(0, events[0])
    with pytest.raises(TruncatedStream):
        stream.end(0)
    in_each = {**events[1], "usage": {"total_tokens": 2}}
    assert fed(cutting(CHAT, asked), [events[0], in_each, events[2]])[1] == {
        **in_each,
        "choices": [],
    }


@pytest.mark.parametrize(
    ("body", "early"),
    [
        ({"n": 2}, True),
        ({"prompt": ["a", "b"]}, True),
        ({"prompt": [[1], [2]], "n": 1}, True),
        ({"prompt": [1, 2], "n": 2}, True),
        ({"prompt": ["a", "b"], "n": 2}, False),
        ({"n": "2"}, False),
        ({}, False),
    ],
)
def test_choices_are_cut_one_by_one_and_all_waited_for(body: Json, early: bool) -> None:
    stream = cutting(COMPLETIONS, body).stream()
    out = stream.feed(0, chunk(COMPLETIONS, "a stop b", 0))
    assert stream.satisfied(0) is (body == {})
    out += stream.feed(0, chunk(COMPLETIONS, "b", 1))
    assert not stream.satisfied(0) or body == {}
    out += stream.feed(0, chunk(COMPLETIONS, "b", 1, finish_reason="length"))
    assert stream.satisfied(0) is early
    assert (texts(out, 0), reasons(out, 0)) == ("a ", ["stop"])
    assert (texts(out, 1), reasons(out, 1)) == ("bb", ["length"])


@pytest.mark.parametrize(
    ("body", "early"),
    [
        ({"moderation": {"model": "m"}}, False),
        ({"moderation": None}, True),
        ({"stream_options": {"include_usage": True}}, False),
        ({"stream_options": {"include_usage": False}}, True),
    ],
)
def test_what_follows_the_choices_is_awaited_where_it_was_asked_for(
    body: Json, early: bool
) -> None:
    stream = cutting(CHAT, body).stream()
    stream.feed(0, chunk(CHAT, "a stop b"))
    assert stream.satisfied(0) is early
    last = {"id": "x", "choices": [], "moderation": {}, "usage": {}}
    assert stream.feed(0, last) == [last]


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_citations_may_follow_a_text_that_was_cut(shape: Shape) -> None:
    stream = cutting(shape, {"stream_options": {"include_usage": True}}).stream()
    stream.feed(0, chunk(shape, "a stop b"))
    cited: Json = {"annotations": [{"type": "url_citation"}], "phase": "final"}
    late = chunk(shape, " c")
    (choice,) = late["choices"]
    (choice["delta"] if shape is CHAT else choice).update(cited)
    (event,) = stream.feed(0, late)
    (shown,) = event["choices"]
    assert shown == {
        "index": 0,
        **({"delta": cited} if shape is CHAT else {"text": "", **cited}),
        "logprobs": None,
        "finish_reason": None,
    }
    assert stream.feed(0, chunk(shape, " d")) == []


def test_a_stream_in_which_nothing_was_cut_is_read_to_its_end() -> None:
    stream = cutting(CHAT).stream()
    stream.feed(0, chunk(CHAT, "a", finish_reason="stop"))
    assert not stream.satisfied(0)
    assert stream.end(0) == []


def test_calls_reasoning_and_unknown_events_pass() -> None:
    reasoning = chunk(CHAT, None)
    reasoning["choices"][0]["delta"] = {"role": "assistant", "content": "", "reasoning": "stop"}
    call = chunk(CHAT, None)
    call["choices"][0]["delta"] = {"tool_calls": [{"index": 0}]}
    odd: list[Json] = [
        {"choices": "x"},
        {"object": "ping"},
        {"choices": [5]},
        {"choices": [{"index": -1, "delta": {}}, {"index": True}, {"index": 0, "delta": 5}]},
    ]
    events = [reasoning, call, *odd, chunk(CHAT, None, finish_reason="tool_calls")]
    assert fed(cutting(CHAT), events) == events


def test_an_error_is_reported_as_without_stops() -> None:
    translation = cutting(CHAT)
    events = translation.stream().fail(GatewayError("no"))
    assert events == Renaming(CHAT, {}, Context("a", "b")).stream().fail(GatewayError("no"))
    assert (translation.local_reply(), translation.client_param(0, "stop")) == (None, "stop")
    with pytest.raises(TruncatedStream):
        translation.stream().end(0)


def entries(*tokens: str) -> list[Json]:
    return [{"token": token, "logprob": -1, "bytes": list(token.encode())} for token in tokens]


def lists(*tokens: str) -> Json:
    return {
        "tokens": list(tokens),
        "token_logprobs": [-1.0] * len(tokens),
        "top_logprobs": None,
        "text_offset": [5] * len(tokens),
    }


def test_logprobs_are_cut_with_their_text() -> None:
    chat = {"index": 0, "message": {"content": "a stop b"}, "finish_reason": "length"}
    chat["logprobs"] = {"content": entries("a", " stop", " b"), "refusal": None}
    (choice,) = cutting(CHAT).reply([{"choices": [chat]}])["choices"]
    assert choice["logprobs"] == {"content": entries("a", " stop"), "refusal": None}
    uncut: Json = {"index": 0, "text": "\u20acst", "logprobs": lists("bytes:\\xe2\\x82", "\\xac")}
    uncut["logprobs"]["tokens"][1] = "bytes:\\xac"
    uncut["finish_reason"] = "stop"
    (kept,) = cutting(COMPLETIONS).reply([{"choices": [uncut]}])["choices"]
    assert kept == uncut
    cut_off = {**uncut, "text": "\u20acstop", "logprobs": lists("\u20ac", "st", "op")}
    (choice,) = cutting(COMPLETIONS).reply([{"choices": [cut_off]}])["choices"]
    assert (choice["text"], choice["logprobs"]) == ("\u20ac", lists("\u20ac"))


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_logprobs_of_a_stream_wait_with_their_text(shape: Shape) -> None:
    def logprobs_of(*tokens: str) -> Json:
        return {"content": entries(*tokens)} if shape is CHAT else lists(*tokens)

    pieces = ["go", " ", "st", "art", " st", "op", "!"]
    events = [chunk(shape, piece, logprobs=logprobs_of(piece)) for piece in pieces]
    out = fed(cutting(shape), events)
    logprobs = [event["choices"][0]["logprobs"] for event in out]
    named = [
        entry["token"] if shape is CHAT else entry
        for each in logprobs
        if each
        for entry in each["content" if shape is CHAT else "tokens"]
    ]
    assert texts(out) == "go start "
    assert named == ["go", " ", "st", "art", " st"]
    ended = [*events[:3], chunk(shape, "", finish_reason="length", logprobs=logprobs_of())]
    out = fed(cutting(shape), ended)
    assert texts(out) == "go st"
    assert out[-1]["choices"][0]["logprobs"] == logprobs_of("st")


@pytest.mark.parametrize("nothing", [{"delta": None}, {"delta": []}, {"delta": {}}, {}])
def test_what_was_held_back_comes_with_an_end_without_a_delta(nothing: Json) -> None:
    last = {"choices": [{"index": 0, "finish_reason": "stop", **nothing}]}
    out = fed(cutting(CHAT), [chunk(CHAT, "go st"), last])
    assert (texts(out), reasons(out)) == ("go st", ["stop"])
    unheld = fed(cutting(CHAT), [chunk(CHAT, "go"), last])
    assert unheld[-1] == last


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("ending", [{"logprobs": None}, {}])
def test_logprobs_that_wait_come_with_an_end_that_has_none(shape: Shape, ending: Json) -> None:
    """vLLM, OpenAI and llama.cpp have none in the event with the finish reason."""
    held = {"content": entries("st")} if shape is CHAT else lists("st")
    said: Json = {"delta": {}} if shape is CHAT else {"text": ""}
    last = {"choices": [{"index": 0, "finish_reason": "length", **said, **ending}]}
    out = fed(cutting(shape), [chunk(shape, "st", logprobs=held), last])
    assert texts(out) == "st"
    assert out[-1]["choices"][0]["logprobs"] == held


def test_a_refusals_logprobs_stay() -> None:
    refused = {"content": None, "refusal": entries("No")}
    choice = {"index": 0, "message": {"refusal": "No"}, "logprobs": refused}
    (kept,) = cutting(CHAT).reply([{"choices": [choice]}])["choices"]
    assert kept["logprobs"] == refused


def test_logprobs_of_reasoning_are_not_those_of_the_text_behind_it() -> None:
    tokens = ["<think>", "hm", "</think>", "a", " stop", " b"]
    said = {"content": "a stop b", "reasoning": "hm"}
    whole = {"index": 0, "message": said, "logprobs": {"content": entries(*tokens)}}
    (choice,) = cutting(CHAT).reply([{"choices": [whole]}])["choices"]
    assert choice["logprobs"] == {"content": entries(*tokens[:5])}
    events = [
        chunk(CHAT, None, delta={"reasoning": "hm"}, logprobs={"content": entries("hm")}),
        chunk(CHAT, "a", logprobs={"content": entries("a")}),
        chunk(CHAT, " st", logprobs={"content": entries(" st")}),
        chunk(CHAT, "op", logprobs={"content": entries("op")}),
    ]
    out = [event["choices"][0] for event in fed(cutting(CHAT), events)]
    shown = [(each["delta"], each["logprobs"]) for each in out]
    assert shown == [
        ({"reasoning": "hm"}, {"content": entries("hm")}),
        ({"content": "a"}, {"content": entries("a")}),
        ({"content": " "}, {"content": entries(" st")}),
        ({"content": ""}, None),
    ]


@pytest.mark.parametrize("odd", [{}, {"content": None}, {"content": [5, {}]}, {"tokens": [5]}, 5])
def test_odd_logprobs_spoil_nothing(odd: object) -> None:
    choice = {"index": 0, "message": {"content": "a"}, "logprobs": odd, "finish_reason": "stop"}
    (kept,) = cutting(CHAT).reply([{"choices": [choice]}])["choices"]
    assert kept["message"] == {"content": "a"}


@given(
    pieces=st.lists(st.text("ab#", max_size=4), max_size=8),
    stops=st.lists(st.text("ab#", min_size=1, max_size=3), min_size=1, max_size=3),
    shape=st.sampled_from([CHAT, COMPLETIONS]),
)
def test_a_stream_is_the_whole_reply_however_it_is_cut_up(
    pieces: list[str], stops: list[str], shape: Shape
) -> None:
    before, found = cut("".join(pieces), stops)
    events = [chunk(shape, piece) for piece in pieces]
    out = fed(cutting(shape, stops=stops), [*events, chunk(shape, None, finish_reason="length")])
    assert texts(out) == before
    assert reasons(out) == ["length" if found is None else "stop"]


def whole_event(text: str, **more: Any) -> Json:
    said = {"role": "assistant", "content": text, **more}
    return {"id": "x", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}


@pytest.mark.parametrize("before", [[], ["go "], ["go ", "st"], ["go s", "top", " on"]])
def test_a_whole_message_in_a_stream_is_cut_and_said_once(before: list[str]) -> None:
    deltas = [chunk(CHAT, text) for text in before]
    made = fed(cutting(CHAT), [*deltas, whole_event("go stop on")])
    assert (texts(made), reasons(made)) == ("go ", ["stop"])
    if before[:1] == ["go s"]:
        return
    made = fed(cutting(CHAT), [*deltas[:1], whole_event("go on")])
    assert (texts(made), reasons(made)) == ("go on", ["stop"])
    assert not any("message" in choice for event in made for choice in event["choices"])


def test_calls_of_a_whole_message_are_left_out_where_deltas_had_some() -> None:
    calls = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]
    first = chunk(CHAT, None, delta={"tool_calls": [{"index": 0, **calls[0]}]})
    last = whole_event("", tool_calls=calls)
    empty = chunk(CHAT, None, delta={"content": "a", "tool_calls": [{"index": 0}]})
    for events, count in (([last], 1), ([first, last], 1), ([last, last], 1), ([empty, last], 2)):
        made = fed(cutting(CHAT), events)
        said = [c["delta"].get("tool_calls") for e in made for c in e["choices"]]
        assert len([each for each in said if each]) == count
    odd = {"choices": [{"index": 0, "message": None, "delta": {"content": "a"}}]}
    assert fed(cutting(CHAT), [odd, *[chunk(CHAT, "", finish_reason="stop")]])[0] == odd
