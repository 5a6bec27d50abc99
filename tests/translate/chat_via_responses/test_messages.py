"""Text, refusals and citations of a stream."""

from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    FULL,
    citation,
    deltas_of,
    ending,
    events_of,
    folded,
    joined,
    like_llamacpp,
    message,
    refusal,
    response,
    streamed,
    text,
)


def test_citations_are_moved_by_the_text_before_them() -> None:
    chunks = streamed({}, events_of(FULL))
    shown, _ = (d["annotations"][0] for d in deltas_of(chunks) if "annotations" in d)
    assert shown["url_citation"]["end_index"] == 5
    later = response(message(text("123"), text("abc", annotations=[citation(0, 3)])))
    chunks = streamed({}, events_of(later))
    assert folded(chunks)["message"]["annotations"][0]["url_citation"]["start_index"] == 3


def test_refusals_are_streamed() -> None:
    chunks = streamed({}, events_of(response(message(refusal("I won't")))))
    assert joined(chunks, "refusal") == "I won't"


def test_citations_that_only_the_whole_item_has_are_shown() -> None:
    reply = response(message(text("abc", annotations=[citation(0, 1), citation(1, 2)])))
    events = [e for e in events_of(reply) if "annotation" not in e]
    chunks = streamed({}, events)
    assert [d["annotations"][0]["index"] for d in deltas_of(chunks) if "annotations" in d] == [0, 1]


def test_citations_without_a_part_are_shown_once() -> None:
    reply = response(
        message(text("abc", annotations=[citation(0, 1)]), text("de", annotations=[citation(0, 2)]))
    )
    chunks = streamed({}, like_llamacpp(events_of(reply)))
    assert len(folded(chunks)["message"]["annotations"]) == 2


def test_citations_of_a_hidden_message_are_hidden() -> None:
    body: Json = {"response_format": {"type": "json_object"}}
    hidden = message(text("abc", annotations=[citation(0, 1)]), phase="commentary")
    assert deltas_of(streamed(body, events_of(response(hidden)))) == []


def test_parts_of_an_unknown_type_are_left_out() -> None:
    reply = response(message({"type": "output_audio", "data": "x"}, text("a")))
    assert joined(streamed({}, [ending(reply)]), "content") == "a"
