"""Output items put together from the events of a stream."""

from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.stream.folding.items import StreamedItems

WHERE = {"item_id": "m", "output_index": 0, "content_index": 0}
ADDED = {
    "type": "response.output_item.added",
    "output_index": 0,
    "item": {"id": "m", "type": "message", "role": "assistant", "content": []},
}


def heard(*events: Json, output: Any = ()) -> list[Json]:
    items = StreamedItems()
    for event in events:
        items.take(event)
    return items.completed(list(output) if isinstance(output, tuple) else output)


def delta(kind: str, piece: Any, **more: Any) -> Json:
    return {"type": f"response.{kind}.delta", "delta": piece, **more}


def test_text_that_only_deltas_have_is_the_messages() -> None:
    events = [ADDED, delta("output_text", "Hel", **WHERE), delta("output_text", "lo", **WHERE)]
    expected = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello"}],
    }
    assert heard(*events) == [expected]
    assert heard(*events, output=None) == [expected]
    bare = [{key: event[key] for key in ("type", "delta")} for event in events[1:]]
    assert heard(*bare)[0]["content"] == expected["content"]
    assert heard(ADDED, *bare) == [expected]
    empty = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": ""}]}
    assert heard(*events, output=(empty,)) == [expected]
    assert heard(*events, output=({**empty, "id": "other"},)) == [{**expected, "id": "other"}]


def test_what_the_whole_item_says_counts_more() -> None:
    whole = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    events = [ADDED, delta("output_text", "Hello", **WHERE)]
    done = {"type": "response.output_item.done", "output_index": 0, "item": whole}
    assert heard(*events, done)[0]["content"] == whole["content"]
    assert heard(*events, output=(whole,))[0]["content"] == whole["content"]
    text_done = {"type": "response.output_text.done", "text": "Hello you", **WHERE}
    assert heard(*events, text_done)[0]["content"][0]["text"] == "Hello you"


def test_texts_of_two_parts_that_were_not_announced_come_once() -> None:
    parts = [{"type": "output_text", "text": said} for said in ("Hello.", "Bye.")]
    item: Any = ADDED["item"]
    whole = {**item, "content": parts}
    done = {"type": "response.output_item.done", "output_index": 0, "item": whole}
    pieces = [
        delta("output_text", part["text"], **{**WHERE, "content_index": place})
        for place, part in enumerate(parts)
    ]
    assert heard(ADDED, *pieces, done) == [whole]
    assert heard(ADDED, *pieces, done, output=(whole,)) == [whole]
    assert heard(ADDED, *pieces, output=(whole,)) == [whole]


def test_parts_are_in_their_order_and_lists() -> None:
    events = [
        delta("refusal", "No.", item_id="m", content_index=1),
        delta("output_text", "Well", item_id="m", content_index=0),
        delta("reasoning_text", "Hm.", item_id="r"),
        delta("reasoning_summary_text", "two", item_id="r", summary_index=1),
        delta("reasoning_summary_text", "one", item_id="r", summary_index=0),
    ]
    message, reasoning = heard(*events)
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert [part["text"] for part in reasoning["summary"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("kind", "of", "field"),
    [
        ("function_call_arguments", "function_call", "arguments"),
        ("custom_tool_call_input", "custom_tool_call", "input"),
    ],
)
def test_calls_have_what_any_event_says_of_them(kind: str, of: str, field: str) -> None:
    call: Json = {"id": "c", "type": of, "name": "f", "call_id": "1", field: ""}
    added = {"type": "response.output_item.added", "output_index": 1, "item": call}
    pieces = [delta(kind, "{", output_index=1), delta(kind, "}", output_index=1)]
    done = {"type": f"response.{kind}.done", "item_id": "c", field: "{}"}
    for events in (pieces, [done], [*pieces, done]):
        assert heard(added, *events) == [{**call, field: "{}"}]
        assert heard(added, *events, output=(call,)) == [{**call, field: "{}"}]


def test_what_is_not_news_of_an_item_is_passed_over() -> None:
    odd: list[Json] = [
        {},
        {"type": ["x"]},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.content_part.done", "part": {}},
        {"type": "response.output_text.annotation.added"},
        {"type": "response.other.delta", "delta": "x"},
    ]
    assert heard(*odd) == []
    assert heard(delta("output_text", 5)) == []
    other: Json = {"type": "web_search_call", "id": "w"}
    assert heard(ADDED, output=(None, other, None)) == [other]


@pytest.mark.parametrize("output", ["x", {}, [{"type": "web_search_call", "id": "w"}, "x"]])
def test_an_output_of_another_form_is_an_error_as_in_a_stream(output: Any) -> None:
    with pytest.raises(UpstreamError, match="'output' is not a list of objects"):
        heard(ADDED, output=output)


def done(item: Json, **more: Any) -> Json:
    return {"type": "response.output_item.done", "item": item, **more}


def texts(item: Json) -> list[str]:
    return [part.get("text", part.get("refusal")) for part in item["content"]]


def message(*parts: str, item_id: str = "m") -> Json:
    content = [{"type": "output_text", "text": part} for part in parts]
    return {"id": item_id, "type": "message", "content": content}


def test_parts_without_an_index_follow_one_another() -> None:
    events = [
        delta("output_text", "a"),
        delta("output_text", "b"),
        {"type": "response.output_text.done", "text": "ab"},
        {"type": "response.content_part.done", "part": {"type": "output_text", "text": "abc"}},
        delta("output_text", "d"),
        delta("refusal", "no"),
        {"type": "response.refusal.done", "refusal": "nono"},
    ]
    (said,) = heard(*events)
    assert [part["type"] for part in said["content"]] == ["output_text", "output_text", "refusal"]
    assert texts(said) == ["abc", "d", "nono"]
    assert texts(heard(*events, output=(message("abc", "d", "x"),))[0]) == ["abc", "d", "x"]


def test_of_two_texts_that_go_on_the_longer_one_counts() -> None:
    events = [ADDED, delta("output_text", "Hello", **WHERE)]
    for short in ("", "Hel"):
        assert texts(heard(*events, done(message(short)))[0]) == ["Hello"]
        assert texts(heard(*events, output=(message(short),))[0]) == ["Hello"]
        assert texts(heard(*events, output=(message(short, item_id="z"),))[0]) == ["Hello"]
    assert texts(heard(*events, done(message("Hello you")))[0]) == ["Hello you"]
    two = [*events, done(message("Hello", " you"))]
    assert texts(heard(*two, output=(message("Hello"),))[0]) == ["Hello", " you"]
    string = {"id": "m", "type": "message", "content": "Hello you"}
    assert heard(*events, output=(string,)) == [{"role": "assistant", **string}]
    odd = {**message("Hel"), "content": [*message("Hel")["content"], None, {"type": "x"}]}
    assert texts(heard(*events, output=(odd,))[0]) == ["Hello"]
    assert texts(heard(*events, done({**odd, "content": [{"type": "x"}]}))[0]) == ["Hello"]
    string["content"] = "Hel"
    assert texts(heard(*events, output=(string,))[0]) == ["Hello"]
    late = {"type": "response.content_part.done", "part": {"type": "output_text", "text": "!"}}
    assert texts(heard(*events, {**late, "item_id": "x", "output_index": 7})[0]) == ["Hello"]


def test_annotations_that_only_events_have_are_kept() -> None:
    notes: list[Json] = [{"type": "url_citation", "url": str(n)} for n in range(2)]
    kind = "response.output_text.annotation.added"
    events = [ADDED, delta("output_text", "Hello", **WHERE)]
    events += [{"type": kind, "annotation": note, **WHERE} for note in notes]
    events += [{"type": kind, "annotation": None}, {"type": kind, "annotation": {}, "item_id": "x"}]
    for output in ((), (message("Hello"),)):
        (said,) = heard(*events, output=output)
        assert said["content"][0]["annotations"] == notes
    refused = {**WHERE, "content_index": 1}
    last = {"type": kind, "annotation": {"type": "x"}, "item_id": "m"}
    (said,) = heard(*events, delta("refusal", "no", **refused), last)
    assert [len(part.get("annotations", ())) for part in said["content"]] == [3, 0]
    own = message("Hello", "you")
    own["content"][0]["annotations"] = notes[:1]
    (said,) = heard(*events, output=(own,))
    assert [part.get("annotations") for part in said["content"]] == [notes, None]
    part = {"type": "output_text", "text": "Hello", "annotations": notes[:1]}
    (said,) = heard(*events, {"type": "response.content_part.done", "part": part, **WHERE})
    assert said["content"][0]["annotations"] == notes


def test_items_that_the_response_has_left_out_are_where_they_came() -> None:
    reasoning = {"id": "r", "type": "reasoning", "summary": [], "content": []}
    call = {"id": "c", "type": "function_call", "name": "f", "call_id": "1", "arguments": "{}"}
    search = {"id": "w", "type": "web_search_call", "status": "completed"}
    picture = {"id": "p", "type": "image_generation_call", "result": "QQ=="}
    items = [reasoning, message("a"), search, call, picture]
    events = [done(item, output_index=at) for at, item in enumerate(items)]
    assert heard(*events) == items
    assert heard(*events, output=(message("a"),)) == items[1:]
    assert heard(*events, output=(call,)) == items[1:]
    assert heard(*events, output=(*items, items[1])) == items
    assert heard(*events, done({**search, "query": "q"}))[2]["query"] == "q"
    renamed = {**picture, "id": "z"}
    assert heard(events[-1], output=(renamed,)) == [renamed]


def test_arguments_are_those_of_a_translated_stream() -> None:
    call: Json = {"id": "c", "type": "function_call", "name": "get_", "call_id": "1"}
    a, b = '{"city":"A"}', '{"city":"B"}'
    kind = "function_call_arguments"
    added = {"type": "response.output_item.added", "output_index": 0, "item": call}

    def arguments(*pieces: str, opening: str = "", whole: str = "") -> str:
        begun = {**added, "item": {**call, "arguments": opening}}
        events = [begun, *(delta(kind, piece, item_id="c") for piece in pieces)]
        (made,) = heard(
            *events, {"type": f"response.{kind}.done", "item_id": "c", "arguments": whole}
        )
        said: str = made["arguments"]
        return said

    assert arguments(a, opening="{}") == a
    assert arguments(a, opening=a, whole=a) == a
    assert arguments(a[:5], whole=a) == a
    assert arguments(a[:3], a[:7], a) == a
    assert arguments(a, a) == a
    assert arguments(a, b) == a + b
    assert arguments() == "{}"
    assert arguments("{}") == "{}"
    items = StreamedItems(["get_weather"])
    for event in (added, delta(kind, a, name="weather", item_id="c")):
        items.take(event)
    (made,) = items.completed([{**call, "name": "", "arguments": ""}])
    assert (made["name"], made["arguments"]) == ("get_weather", a)
    for event in (delta(kind, a), {"type": f"response.{kind}.done", "arguments": a}):
        assert heard(event) == [{"type": "function_call", "arguments": a}]


def test_what_a_limit_cut_off_stays_so() -> None:
    call: Json = {"id": "c", "type": "function_call", "name": "f", "call_id": "1"}
    for said in ("", '{"ci'):
        items = StreamedItems()
        items.take({"type": "response.output_item.added", "item": call})
        items.take(delta("function_call_arguments", said, item_id="c"))
        (made,) = items.completed([], truncated=True)
        assert made["arguments"] == said
