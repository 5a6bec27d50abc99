"""The parts of one item, put together from its events."""

import pytest

from gateway.shapes import Json
from gateway.translate.stream.folding.parts import StreamedParts, field_of


def text(said: str, **more: object) -> Json:
    return {"type": "output_text", "text": said, **more}


def test_pieces_of_a_text_are_joined() -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", 0, "a")
    parts.go_on("content", "output_text", 0, "b")
    parts.go_on("content", "refusal", 1, "no")
    assert parts.completed("content", None) == [text("ab"), {"type": "refusal", "refusal": "no"}]
    assert parts.completed("summary", None) is None
    assert parts.completed("summary", [text("x")]) == [text("x")]


def test_a_part_without_an_index_is_the_last_or_the_next() -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", None, "a")
    parts.end("content", None, text("ab"))
    parts.go_on("content", "output_text", None, "c")
    parts.go_on("content", "output_text", None, "d")
    parts.go_on("content", "refusal", None, "no")
    given = parts.completed("content", [])
    assert given == [text("ab"), text("cd"), {"type": "refusal", "refusal": "no"}]


@pytest.mark.parametrize(
    ("whole", "kept"), [("Hello you", "Hello you"), ("Hel", "Hello"), ("", "Hello"), ("Hi", "Hi")]
)
def test_a_whole_part_counts_unless_it_is_a_beginning(whole: str, kept: str) -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", 0, "Hello")
    parts.end("content", 0, text(whole))
    assert parts.completed("content", None) == [text(kept)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([text("Hello you")], [text("Hello you")]),
        ([text("Hi", x=1)], [text("Hi", x=1)]),
        ([text("Hel", x=1)], [text("Hello", x=1)]),
        ([None], [text("Hello")]),
        ("Hello you", "Hello you"),
        ("Hel", [text("Hello")]),
    ],
)
def test_an_items_own_parts_count_unless_more_was_streamed(given: object, kept: object) -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", 0, "Hello")
    assert parts.completed("content", given) == kept


def test_annotations_are_added_to_the_part_and_counted_once() -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", 0, "Hello")
    parts.annotate(0, {"url": "a"})
    parts.annotate(None, {"url": "b"})
    parts.end("content", 0, text("Hello", annotations=[{"url": "b"}, {"url": "c"}]))
    urls = [{"url": url} for url in "abc"]
    assert parts.completed("content", None) == [text("Hello", annotations=urls)]
    own = text("Hello!", annotations=[{"url": "c"}])
    noted = {**own, "annotations": [urls[2], *urls[:2]]}
    assert parts.completed("content", [own]) == [noted]


def test_pieces_that_a_server_has_counted_are_in_the_whole() -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", 1, "a")
    parts.annotate(1, {"url": "x"})
    parts.go_on("content", "output_text", 2, "b")
    parts.fit("content", [text("abc")])
    parts.end("content", 0, text("abc"))
    assert parts.completed("content", None) == [text("abc", annotations=[{"url": "x"}])]
    parts.go_on("content", "output_text", 3, "d")
    parts.fit("content", [text("other")])
    assert parts.completed("content", None) == [
        text("abc", annotations=[{"url": "x"}]),
        text("d"),
    ]


def test_pieces_of_two_parts_under_one_index_are_in_the_whole() -> None:
    parts = StreamedParts()
    parts.go_on("content", "output_text", 0, "ab")
    for url in "xy":
        parts.annotate(0, {"url": url})
    whole = [text("a"), text("bc", annotations=[{"url": "y"}])]
    parts.fit("content", [*whole, "?"])
    for place in range(2):
        parts.end("content", place, whole[place])
    own = [text("a", annotations=[{"url": "x"}]), text("bc", annotations=[{"url": "y"}])]
    assert parts.completed("content", None) == own


def test_where_a_part_has_its_text() -> None:
    assert (field_of("refusal"), field_of("output_text")) == ("refusal", "text")
