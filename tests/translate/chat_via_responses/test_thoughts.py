"""Reasoning of a stream."""

from tests.translate.chat_via_responses.cases import (
    context,
    deltas_of,
    ending,
    events_of,
    joined,
    reasoning,
    response,
    streamed,
)


def test_reasoning_shows_the_form_that_comes_first() -> None:
    where = {"item_id": "rs_1"}
    chunks = streamed(
        {},
        [
            {"type": "response.reasoning_summary_text.delta", "delta": "short", **where},
            {"type": "response.reasoning_text.delta", "delta": "long", **where},
            ending(response(reasoning("long", summary=["short"]))),
        ],
    )
    assert joined(chunks, "reasoning_content") == "short"


def test_parts_of_a_summary_are_joined_by_blank_lines() -> None:
    reply = response(reasoning(summary=["one", "two"]), reasoning("three", id="rs_2"))
    chunks = streamed({}, events_of(reply))
    assert joined(chunks, "reasoning_content") == "one\n\ntwo\n\nthree"


def test_both_fields_hold_the_same() -> None:
    reply = response(reasoning("hm"))
    (delta,) = deltas_of(streamed({}, events_of(reply), context(reasoning_out="both")))
    assert delta == {"reasoning_content": "hm", "reasoning": "hm"}
    assert deltas_of(streamed({}, events_of(reply), context(reasoning_out="none"))) == []
