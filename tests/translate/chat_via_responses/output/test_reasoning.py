"""Reasoning of a stream."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.output import reasoning as reasoning_module
from gateway.translate.stream.folding.replies import events_as_whole
from tests.translate.chat_via_responses.cases import (
    context,
    delta_event,
    deltas_of,
    ending,
    events_of,
    folded,
    joined,
    message,
    message_of,
    reasoning,
    response,
    streamed,
    text,
    translated,
)

FIELD = "reasoning_content"


def summary_delta(words: str, item_id: str = "rs_1") -> Json:
    return {"type": "response.reasoning_summary_text.delta", "delta": words, "item_id": item_id}


def text_delta(words: str, item_id: str = "rs_1") -> Json:
    return {"type": "response.reasoning_text.delta", "delta": words, "item_id": item_id}


def ended(item: Json) -> Json:
    return {"type": "response.output_item.done", "item": item}


BOTH = reasoning("TEXT", summary=["SUM"])
SHORT = reasoning(summary=["SHORT"], id="rs_2")
OTHER = reasoning("OTHER", summary=["BRIEF"], id="rs_3")
REPLY = response(BOTH, SHORT, OTHER, message(text("hi")))


@pytest.mark.parametrize("items_end", [True, False], ids=["items end", "only the response ends"])
@pytest.mark.parametrize("first", ["summary", "text"])
def test_whichever_form_comes_first_the_text_is_the_reasoning(first: str, items_end: bool) -> None:
    events = [
        *([summary_delta("SU"), summary_delta("M"), text_delta("TE"), text_delta("XT")]),
        *([ended(BOTH)] if items_end else []),
        *([summary_delta("SH", "rs_2"), summary_delta("ORT", "rs_2")]),
        *([ended(SHORT)] if items_end else []),
        *([summary_delta("BRIEF", "rs_3"), text_delta("OTHER", "rs_3")]),
        *([ended(OTHER)] if items_end else []),
        delta_event("hi"),
    ]
    if first == "text":
        events[:4] = events[2:4] + events[:2]
    expected = message_of({}, REPLY)
    assert expected["reasoning_content"] == "TEXT\n\nSHORT\n\nOTHER"
    assert expected["reasoning_summary"] == "SUM\n\nBRIEF"
    assert "reasoning_text" not in expected
    for sent in ([*events, ending(REPLY)], [*events, ending(response(message(text("hi"))))]):
        assert folded(streamed({}, sent))["message"] == expected
        whole = events_as_whole(Shape.RESPONSES, sent)
        assert message_of({}, whole) == expected


def test_a_summary_waits_for_the_end_of_its_item_and_no_longer() -> None:
    stream = translated({"stream": True}).stream()
    assert deltas_of(stream.feed(0, summary_delta("one "))) == []
    assert deltas_of(stream.feed(0, summary_delta("two"))) == []
    assert deltas_of(stream.feed(0, text_delta("more", "rs_2"))) == []
    shown = deltas_of(stream.feed(0, ended(reasoning(summary=["one two"]))))
    assert "".join(each["reasoning_content"] for each in shown) == "one two\n\nmore"
    # Nothing is taken back: a text that comes too late to be the reasoning is sent beside it.
    late = response(reasoning("late", summary=["one two"]), reasoning("more", id="rs_2"))
    shown = deltas_of(stream.feed(0, ending(late)))
    assert shown == [{"reasoning_text": "late"}]


def test_reasoning_that_waits_is_shown_where_the_text_is_cut() -> None:
    chunks = streamed({"stop": "!"}, [summary_delta("short"), delta_event("hi!")])
    assert joined(chunks, "reasoning_content") == "short"
    assert joined(chunks, "content") == "hi"


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasoning_module, "MAX_HELD_CHARACTERS", 4)
    assert joined(streamed({}, [text_delta("long"), text_delta("er"), ending(response())]), FIELD)
    with pytest.raises(UpstreamError, match="more than 4 characters"):
        streamed({}, [summary_delta("long"), summary_delta("er")])


def test_parts_of_a_summary_are_joined_by_blank_lines() -> None:
    reply = response(reasoning(summary=["one", "two"]), reasoning("three", id="rs_2"))
    chunks = streamed({}, events_of(reply))
    assert joined(chunks, "reasoning_content") == "one\n\ntwo\n\nthree"


def test_both_fields_hold_the_same() -> None:
    reply = response(reasoning("hm"))
    (delta,) = deltas_of(streamed({}, events_of(reply), context(reasoning_out="both")))
    assert delta == {"reasoning_content": "hm", "reasoning": "hm"}
    assert deltas_of(streamed({}, events_of(reply), context(reasoning_out="none"))) == []


def of_litellm(words: str, at_the_end: Json) -> list[Json]:
    """Return what LiteLLM 1.110 streams: a summary, which the end has in another form."""
    return [
        summary_delta(words[:1]),
        summary_delta(words[1:]),
        ended({"type": "reasoning", "id": "rs_1", "summary": [{"text": words}]}),
        delta_event("hi"),
        ending(response(at_the_end, message(text("hi")))),
    ]


@pytest.mark.parametrize("kind", ["output_text", "reasoning_text"])
@pytest.mark.parametrize("summary", [{}, {"summary": None}, {"summary": []}])
def test_a_text_that_repeats_its_summary_counts_once(kind: str, summary: Json) -> None:
    part = {"type": kind, "text": "thought"}
    item = {"type": "reasoning", "id": "rs_1", "role": "assistant", **summary, "content": [part]}
    sent = of_litellm("thought", item)
    expected = message_of({}, response(item, message(text("hi"))))
    assert expected[FIELD] == "thought"
    assert folded(streamed({}, sent))["message"] == expected
    assert message_of({}, events_as_whole(Shape.RESPONSES, sent)) == expected


def test_a_summary_that_repeats_its_text_counts_once() -> None:
    twice = response(reasoning("thought", summary=["thought"]))
    expected = {"role": "assistant", "content": "", "refusal": None, FIELD: "thought"}
    assert message_of({}, twice) == expected
    late = [text_delta("thought"), ended(reasoning("thought")), ending(twice)]
    assert folded(streamed({}, late))["message"] == expected


@pytest.mark.parametrize("words", ["thoughts", "though", "another"])
def test_a_text_that_is_not_its_summary_is_shown_beside_it(words: str) -> None:
    said = folded(streamed({}, of_litellm("thought", reasoning(words))))["message"]
    assert (said[FIELD], said["reasoning_text"]) == ("thought", words)


@pytest.mark.parametrize("name", ["content", "summary"])
@pytest.mark.parametrize("given", ["hm", ["hm"], [None, "hm"], [{"text": "h"}, "m"]])
def test_reasoning_may_be_a_string(name: str, given: object) -> None:
    item = {"type": "reasoning", "id": "rs_1", name: given}
    said = message_of({}, response(item, message(text("hi"))))
    assert said[FIELD].replace("\n\n", "") == "hm"
    assert folded(streamed({}, [ended(item), ending(response())]))["message"][FIELD] == said[FIELD]
