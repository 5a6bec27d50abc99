"""Text, refusals and citations of a stream."""

import copy
from collections.abc import Callable, Sequence

import pytest

from gateway.shapes import Json
from gateway.translate.contract import StreamTranslation
from tests.translate.chat_via_responses.cases import (
    FULL,
    WITH_USAGE,
    citation,
    delta_event,
    deltas_of,
    ending,
    entries,
    events_of,
    folded,
    joined,
    like_llamacpp,
    message,
    message_of,
    refusal,
    response,
    streamed,
    text,
    translated,
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
    shown = message(text("{}"), id="2", phase="final_answer")
    assert deltas_of(streamed(body, events_of(response(hidden, shown)))) == [
        {"content": "{}"},
        {"phase": "final_answer"},
    ]


def begun(cited: Json) -> tuple[StreamTranslation, list[Json]]:
    """Return a stream whose text may be about to end, with a citation, and its deltas so far."""
    stream = translated({"stream": True, "stop": "END"}).stream()
    added = {"type": "response.output_text.annotation.added", "annotation": cited}
    return stream, fed(stream, delta_event("the EN"), added)


def fed(stream: StreamTranslation, *events: Json) -> list[Json]:
    return deltas_of([chunk for event in events for chunk in stream.feed(0, event)])


def test_a_citation_waits_for_its_text() -> None:
    stream, deltas = begun(citation(0, 6))
    assert deltas == [{"content": "the "}]
    text_first, cited = fed(stream, delta_event("T"))
    assert text_first == {"content": "ENT"}
    assert cited["annotations"][0]["url_citation"]["end_index"] == 6
    assert fed(stream, ending(response(message(text("the ENT"))))) == []


def test_a_citation_of_the_last_text_comes_with_its_end() -> None:
    for end in (6, 99):
        stream, _ = begun(citation(0, end))
        text_first, cited = fed(stream, ending(response(message(text("the EN")))))
        assert text_first == {"content": "EN"}
        assert cited["annotations"][0]["url_citation"]["end_index"] == end


def test_a_citation_of_text_that_is_cut_is_left_out() -> None:
    stream, _ = begun(citation(0, 6))
    assert fed(stream, delta_event("D")) == []
    stream, deltas = begun(citation(0, 4))
    assert [*map(list, deltas)] == [["content"], ["annotations"]]
    assert fed(stream, delta_event("D")) == []


FILE: Json = {"type": "file_citation", "file_id": "f", "filename": "a.txt", "index": 3}


def test_citations_that_follow_the_cut_are_those_of_the_text_before_it() -> None:
    cut = text("the END. More", annotations=[citation(0, 3), FILE, citation(9, 13)])
    later = [text("On", annotations=[citation(0, 2), FILE]), text("", annotations=[FILE])]
    other = message(text("x", annotations=[citation(0, 1), FILE]), id="msg_2")
    reply = response(message(cut, *later), other)
    body: Json = {**WITH_USAGE, "stop": "END"}
    said = folded(streamed(body, events_of(reply, size=20)))["message"]
    assert said == message_of(body, reply)
    assert (said["content"], len(said["file_citations"])) == ("the ", 1)
    assert [each["url_citation"]["end_index"] for each in said["annotations"]] == [3]
    nameless = [
        {key: value for key, value in event.items() if key != "item_id"}
        for event in events_of(reply, size=20)
    ]
    assert "annotations" not in folded(streamed(body, nameless))["message"]


def test_parts_of_an_unknown_type_are_left_out() -> None:
    reply = response(message({"type": "output_audio", "data": "x"}, text("a")))
    assert joined(streamed({}, [ending(reply)]), "content") == "a"


def test_text_that_only_its_done_event_has_is_shown_once() -> None:
    reply = response(
        message(text("Hello "), refusal("no"), text("you")), message(text("x"), id="2")
    )
    events = [event for event in events_of(reply)[:-1] if not event["type"].endswith(".delta")]
    for left_out in (("item.done",), ("item.done", "part.done", "part.added"), ()):
        kept = [event for event in events if not event["type"].endswith(left_out)]
        for last in (reply, response()):
            said = folded(streamed({}, [*kept, ending(last)]))["message"]
            assert (said["content"], said["refusal"]) == ("Hello youx", "no")


def test_a_done_event_shows_nothing_that_was_shown() -> None:
    reply = response(message(text("Hello "), refusal("no")))
    for hidden in (
        ("content_index",),
        ("content_index", "output_index"),
        ("item_id", "output_index"),
    ):
        events = [{k: v for k, v in e.items() if k not in hidden} for e in events_of(reply)]
        said = folded(streamed({}, events))["message"]
        assert (said["content"], said["refusal"]) == ("Hello ", "no")


def test_a_done_event_of_an_unknown_item_is_left_to_the_item() -> None:
    reply = response(message(text("Hello "), refusal("no")))
    events = [event for event in events_of(reply) if event["type"].endswith(".done")]
    said = folded(streamed({}, [*events, ending(reply)]))["message"]
    assert (said["content"], said["refusal"]) == ("Hello ", "no")


def test_text_under_an_index_that_the_whole_item_does_not_have_is_shown_once() -> None:
    item = message({"type": "other"}, text("Hello"))
    for index in (0, 1, 7):
        events = [delta_event(part, content_index=index) for part in ("Hel", "lo")]
        for last in (response(item), response(message(text("Hello")))):
            assert joined(streamed({}, [*events, ending(last)]), "content") == "Hello"


def test_an_index_at_some_events_only_doubles_nothing() -> None:
    reply = response(message(text("Hello "), refusal("no"), text("you")))
    for step in ("delta", "done"):
        events = [
            {k: v for k, v in event.items() if k != "content_index"}
            if event["type"].endswith(step)
            else event
            for event in events_of(reply)
        ]
        said = folded(streamed({}, events))["message"]
        assert (said["content"], said["refusal"]) == ("Hello you", "no")


def test_a_delta_without_text_has_no_place_between_two_texts() -> None:
    place = {"output_index": 0, "content_index": 0}
    deltas = [
        delta_event("[1]", **place),
        delta_event("", output_index=0, content_index=7),
        delta_event("[2]", **place),
    ]
    chunks = streamed({}, [*deltas, ending(response(message(text("[1][2]"))))])
    assert joined(chunks, "content") == "[1][2]"


_TOKENS = ("Hel", "lo", " you")
_ENDS = ("output_text.done", "content_part.done", "output_item.done", "completed")


def _late_logprobs(kind: str, deltas: int = 0) -> list[Json]:
    """Return a stream with the logprobs of the first deltas, and all of them in one kind of event.

    The whole text is in all events of the end, as it should be.
    """
    reply = response(message(text("".join(_TOKENS), logprobs=entries(*_TOKENS))))
    events = [copy.deepcopy(event) for event in events_of(reply)]
    kept = 0
    for event in events:
        name = event["type"].removeprefix("response.")
        if name == "output_text.delta":
            kept += 1
            event["logprobs"] = event["logprobs"] if kept <= deltas else []
        elif name == "output_text.done":
            event["logprobs"] = entries(*_TOKENS) if name == kind else []
        elif name in _ENDS and name != kind:
            _of_text(event)["logprobs"] = []
    return events


def _of_text(event: Json) -> Json:
    """Return the text part of an event."""
    item = event.get("item") or event.get("response", {}).get("output", [{}])[0]
    part: Json = event.get("part") or item["content"][0]
    return part


def _as_they_are(events: Sequence[Json]) -> Sequence[Json]:
    return events


@pytest.mark.parametrize("form", [_as_they_are, like_llamacpp])
@pytest.mark.parametrize("deltas", range(4))
@pytest.mark.parametrize("kind", _ENDS)
def test_logprobs_that_only_the_end_has_are_shown(
    kind: str, deltas: int, form: Callable[[Sequence[Json]], Sequence[Json]]
) -> None:
    chunks = streamed({"logprobs": True, "stream": True}, form(_late_logprobs(kind, deltas)))
    choice = folded(chunks)
    assert choice["message"]["content"] == "".join(_TOKENS)
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == [*_TOKENS]


def test_logprobs_of_another_text_are_not_shown() -> None:
    events = _late_logprobs("output_text.done")
    for event in events:
        if event["type"] == "response.output_text.done":
            event["text"] = "Good-bye"
    assert folded(streamed({"logprobs": True, "stream": True}, events))["logprobs"] is None


def test_late_logprobs_cut_nothing_off_that_was_shown() -> None:
    asked = {"max_tokens": 2, "logprobs": True, "stream": True}
    choice = folded(streamed(asked, _late_logprobs("output_text.done")))
    assert choice["message"]["content"] == "".join(_TOKENS)
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == [*_TOKENS]
    assert choice["finish_reason"] == "stop"
