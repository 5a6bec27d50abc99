"""Parts of characters in upstream JSON: joined where they meet, replaced where they do not."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.upstream_json import NOT_JSON, whole_characters
from gateway.shapes import Json
from gateway.translate.stream.event_reader import MAX_HELD_EVENTS, EventReader

FIRST, SECOND = "\ud83d", "\ude00"


def wire(event: object) -> bytes:
    return json.dumps(event).encode()


def chat(text: str | None = None, index: int = 0, finish: str | None = None, **delta: Any) -> Json:
    said = delta if text is None else {"content": text, **delta}
    return {"choices": [{"index": index, "delta": said, "finish_reason": finish}]}


def spoken(text: str, kind: str = "output_text", **about: Any) -> Json:
    return {"type": f"response.{kind}.delta", "item_id": "a", "delta": text, **about}


def block(kind: str, text: str, index: int = 0, delta: str | None = None) -> Json:
    said = {"type": delta or f"{kind}_delta", kind: text}
    return {"type": "content_block_delta", "index": index, "delta": said}


def read(*events: object) -> list[list[Any]]:
    """Return what comes of each event, and at last of the end."""
    reader = EventReader()
    return [*(reader.read(wire(event)) for event in events), reader.flush()]


@pytest.mark.parametrize("text", [b"{", b"\xff", b'"\\ud83d', b'{"a": NaN', b"{'a': 1}"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(NOT_JSON):
        EventReader().read(text)


def test_numbers_that_are_none_are_read() -> None:
    text = b'\xef\xbb\xbf{"choices": [{"index": 0, "logprobs": {"x": -Infinity}, "n": NaN}]}'
    read = {"choices": [{"index": 0, "logprobs": {"x": -9999.0}, "n": None}]}
    assert EventReader().read(text) == [read]


def test_halves_are_joined_beside_numbers_that_are_none() -> None:
    one, other = chat(FIRST, n=float("nan")), chat(f"{SECOND}b", n=float("inf"))
    assert read(one, other) == [[], [chat("\U0001f600", n=None), chat("b", n=None)], []]


@pytest.mark.parametrize("data", [b"null", b" ", b'""', b"[]", b"{}", b" null ", b"\xef\xbb\xbf{}"])
def test_an_event_that_says_nothing_is_skipped(data: bytes) -> None:
    assert EventReader().read(data) == []


@pytest.mark.parametrize("data", [b"42", b"[1]", b'"ping"', b"false"])
def test_what_says_something_is_for_others_to_judge(data: bytes) -> None:
    assert EventReader().read(data) == [json.loads(data)]


PAIRS: list[tuple[object, object, object, object]] = [
    (chat(f"a{FIRST}"), chat(f"{SECOND}b"), chat("a\U0001f600"), chat("b")),
    (chat(FIRST), chat(SECOND), chat("\U0001f600"), chat("")),
    (
        chat(f"a{FIRST}", reasoning=FIRST),
        chat(f"{SECOND}b", reasoning=SECOND),
        chat("a\U0001f600", reasoning="\U0001f600"),
        chat("b", reasoning=""),
    ),
    (
        chat(tool_calls=[{"index": 1, "function": {"arguments": FIRST}}]),
        chat(tool_calls=[{"index": 1, "function": {"arguments": f'{SECOND}"'}}]),
        chat(tool_calls=[{"index": 1, "function": {"arguments": "\U0001f600"}}]),
        chat(tool_calls=[{"index": 1, "function": {"arguments": '"'}}]),
    ),
    (spoken(FIRST), spoken(SECOND), spoken("\U0001f600"), spoken("")),
    (
        spoken(FIRST, "function_call_arguments", output_index=2),
        spoken(f"{SECOND}}}", "function_call_arguments", output_index=2),
        spoken("\U0001f600", "function_call_arguments", output_index=2),
        spoken("}", "function_call_arguments", output_index=2),
    ),
    *(
        (block(kind, FIRST), block(kind, f"{SECOND}b"), block(kind, "\U0001f600"), block(kind, "b"))
        for kind in ("text", "thinking")
    ),
    (
        block("partial_json", f'{{"a": "{FIRST}', 2, "input_json_delta"),
        block("partial_json", f'{SECOND}"}}', 2, "input_json_delta"),
        block("partial_json", '{"a": "\U0001f600', 2, "input_json_delta"),
        block("partial_json", '"}', 2, "input_json_delta"),
    ),
    (
        {"choices": [{"index": 3, "text": FIRST}]},
        {"choices": [{"index": 3, "text": SECOND}]},
        {"choices": [{"index": 3, "text": "\U0001f600"}]},
        {"choices": [{"index": 3, "text": ""}]},
    ),
]


@pytest.mark.parametrize(("one", "other", "first", "second"), PAIRS)
def test_a_character_cut_in_two_comes_whole_with_its_first_half(
    one: object, other: object, first: object, second: object
) -> None:
    assert read(one, other) == [[], [first, second], []]
    between = [chat("x", index=7), spoken("y", "refusal"), {"type": "ping"}, block("text", "z", 7)]
    assert read(one, *between, other) == [[], *([[]] * 4), [first, *between, second], []]


def test_characters_of_several_texts_are_joined_each() -> None:
    one, other = chat(f"a{FIRST}"), chat(f"b{FIRST}", index=1)
    end, last = chat(SECOND), chat(SECOND, index=1)
    assert read(one, other, end, last) == [
        [],
        [],
        [chat("a\U0001f600")],
        [chat("b\U0001f600", index=1), chat(""), chat("", index=1)],
        [],
    ]


def test_a_text_may_be_cut_again_and_again() -> None:
    assert read(chat(FIRST), chat(SECOND + FIRST), chat(SECOND)) == [
        [],
        [chat("\U0001f600")],
        [chat("\U0001f600"), chat("")],
        [],
    ]


@pytest.mark.parametrize(
    "following",
    [
        chat("b"),
        chat("b", finish="stop"),
        {"type": "response.output_text.done", "text": "b"},
        {"usage": {}},
        {"choices": [None]},
        {"choices": None},
        7,
    ],
)
def test_half_a_character_that_stays_one_is_replaced(following: object) -> None:
    assert read(chat(f"a{FIRST}"), following) == [[], [chat("a\ufffd"), following], []]


@pytest.mark.parametrize("other", [block("text", SECOND, 1), block("thinking", SECOND)])
def test_halves_of_two_blocks_are_not_one_character(other: Json) -> None:
    came = [event for ready in read(block("text", FIRST), other) for event in ready]
    assert came == [whole_characters(block("text", FIRST)), whole_characters(other)]


@pytest.mark.parametrize("kind", ["content_block_stop", "message_delta", "message_stop"])
def test_half_a_character_at_the_end_of_a_block_is_replaced(kind: str) -> None:
    following = {"type": kind, "index": 0, "delta": {}}
    assert read(block("text", FIRST), following) == [[], [block("text", "\ufffd"), following], []]


def test_half_a_character_at_the_end_is_replaced() -> None:
    assert read(chat(f"a{FIRST}")) == [[], [chat("a\ufffd")]]
    assert read(chat(f"a{FIRST}", finish="length")) == [[chat("a\ufffd", finish="length")], []]
    assert read(chat(SECOND)) == [[chat("\ufffd")], []]


def test_no_more_than_a_few_events_wait() -> None:
    others = [chat(str(n), index=1) for n in range(MAX_HELD_EVENTS)]
    *waiting, last, end = read(chat(FIRST), *others)
    assert waiting == [[]] * MAX_HELD_EVENTS
    assert (last, end) == ([chat("\ufffd"), *others], [])


def raw(text: bytes, **more: Any) -> bytes:
    """Return an event of chat whose text has these bytes, in UTF-8 or not."""
    event = chat(text.decode("utf-8", "surrogateescape"), **more)
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogateescape")


def read_bytes(*events: bytes) -> list[list[Any]]:
    reader = EventReader()
    return [*(reader.read(event) for event in events), reader.flush()]


@pytest.mark.parametrize("character", ["\u00e9", "\u20ac", "\U0001f600", "\U0001f480"])
def test_a_character_whose_bytes_are_cut_comes_whole_with_its_first_one(character: str) -> None:
    written = character.encode()
    for at in range(1, len(written)):
        read = read_bytes(raw(b"a" + written[:at]), raw(written[at:] + b"b"))
        assert read == [[], [chat(f"a{character}"), chat("b")], []]
    pieces = [raw(written[at : at + 1]) for at in range(len(written))]
    *waiting, last, end = read_bytes(*pieces)
    assert waiting == [[]] * (len(written) - 1)
    assert (last, end) == ([chat(character), *[chat("")] * (len(written) - 1)], [])


def test_bytes_of_several_texts_are_joined_each() -> None:
    one, other = "\u20ac".encode(), "\U0001f600".encode()
    events = raw(one[:1]), raw(other[:3], index=1), raw(one[1:]), raw(other[3:] + b"!", index=1)
    came = [chat("\u20ac"), chat("\U0001f600", index=1), chat(""), chat("!", index=1)]
    assert [event for ready in read_bytes(*events) for event in ready] == came


@pytest.mark.parametrize(
    ("following", "text"),
    [
        (raw(b"b"), "b"),
        (raw(b"\xff"), "\ufffd"),
        (raw(b"\xf0\x9fb"), "\ufffdb"),
        (wire(chat("\udc80")), "\ufffd"),
        (wire(chat(SECOND)), "\ufffd"),
    ],
)
def test_bytes_that_nothing_continues_are_replaced(following: bytes, text: str) -> None:
    read = read_bytes(raw(b"a\xe2\x82"), following)
    assert read == [[], [chat("a\ufffd"), chat(text)], []]


def test_half_a_character_is_not_continued_by_bytes() -> None:
    assert read_bytes(wire(chat(FIRST)), raw(b"\x80")) == [[], [chat("\ufffd"), chat("\ufffd")], []]


def test_bytes_at_the_end_are_replaced() -> None:
    assert read_bytes(raw(b"a\xf0\x9f")) == [[], [chat("a\ufffd")]]
    assert read_bytes(raw(b"a\xf0", finish="length")) == [[chat("a\ufffd", finish="length")], []]
    assert read_bytes(raw(b"\x80\xff\xc1")) == [[chat("\ufffd\ufffd\ufffd")], []]


@given(
    st.text(st.sampled_from('a\u00e9\u20ac\U0001f600\U0001f480"\\'), max_size=6),
    st.lists(st.integers(0, 24), max_size=10),
)
def test_any_text_comes_whole_wherever_its_bytes_are_cut(text: str, places: list[int]) -> None:
    written = text.encode()
    edges = sorted({0, len(written), *(min(place, len(written)) for place in places)})
    pieces = [raw(written[a:b]) for a, b in pairwise(edges)]
    came = [event for ready in read_bytes(*pieces) for event in ready]
    assert "".join(event["choices"][0]["delta"]["content"] for event in came) == text
    assert len(came) == len(pieces)


texts = st.text(st.characters(categories=["Lu", "Cs"]) | st.just("\U0001f600"), max_size=6)


@given(st.lists(st.tuples(texts, st.integers(0, 1)), max_size=8))
def test_any_deltas_come_out_joined_whole_and_in_order(deltas: list[tuple[str, int]]) -> None:
    events = [chat(text, index=index) for text, index in deltas]
    came = [event for ready in read(*events) for event in ready]
    assert len(came) == len(events)
    for index in (0, 1):
        said = "".join(text for text, of in deltas if of == index)
        heard = "".join(
            event["choices"][0]["delta"]["content"]
            for event in came
            if event["choices"][0]["index"] == index
        )
        assert heard == whole_characters(said)
