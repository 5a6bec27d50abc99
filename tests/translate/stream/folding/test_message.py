"""Deltas put together: one message, each call once, by the rules of a translated stream."""

import json
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.stream.folding.message import FoldedMessage
from gateway.translate.stream.folding.replies import events_as_whole
from tests.translate.parts.tools.test_calls import NOTHING_SAID
from tests.translate.responses_via_chat.chat_backend import chunk, fragment
from tests.translate.responses_via_chat.deltas.test_call_tracking import (
    GLUED,
    MIXED_UP,
    OLD,
    REPEATED,
)

A, B = '{"city":"A"}', '{"city":"B"}'


def folded(
    *deltas: Json, tools: Collection[str] = (), truncated: bool = False, whole: Json | None = None
) -> Json:
    """Return the message that deltas make, and perhaps a message after them."""
    message = FoldedMessage(tools)
    for delta in deltas:
        message.add(delta, whole=False)
    if whole is not None:
        message.add(whole, whole=True)
    return message.build("chatcmpl-1", truncated=truncated)


def calls(fragments: Sequence[Any], **more: Any) -> list[str]:
    made = folded(*({"tool_calls": [each]} for each in fragments), **more)["tool_calls"]
    assert all("index" not in each and each["id"] for each in made)
    assert len({each["id"] for each in made}) == len(made)
    return [f"{each['function']['name']}({each['function']['arguments']})" for each in made]


@pytest.mark.parametrize("name", [name for name in GLUED if GLUED[name][0]])
def test_calls_at_one_place_are_those_of_the_translated_stream(name: str) -> None:
    fragments, expected = GLUED[name]
    assert calls(fragments) == expected


@pytest.mark.parametrize("name", REPEATED)
def test_what_is_said_again_is_said_once(name: str) -> None:
    (call,) = calls(REPEATED[name])
    assert json.loads(call[2:-1]) == {"city": "A"}


@pytest.mark.parametrize("name", MIXED_UP)
def test_calls_that_cannot_be_distinguished_are_an_error(name: str) -> None:
    with pytest.raises(UpstreamError, match="the same index"):
        calls(MIXED_UP[name])


def test_old_calls_are_one_call_with_one_text() -> None:
    deltas = [event["choices"][0]["delta"] for event in OLD]
    assert folded(*deltas)["function_call"] == {"name": "f", "arguments": A}
    pieces: list[Json] = [{"name": "f", "arguments": '{"a"'}, {"arguments": ":1}"}, {"name": "f"}]
    made = folded(*({"function_call": piece} for piece in pieces))
    assert made["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert "tool_calls" not in made


def test_no_arguments_are_an_empty_object_unless_something_cut_them_off() -> None:
    given: list[Any] = [None, "", " ", "{}", {}]
    for arguments in given:
        piece: Json = {"index": 0, "id": "x", "function": {"name": "f", "arguments": arguments}}
        assert calls([piece]) == ["f({})"]
    assert calls([fragment(0, "", name="f", call_id="x")], truncated=True) == ["f()"]


def test_calls_without_an_id_of_their_own_get_one_that_is_always_the_same() -> None:
    pieces = [fragment(0, A, name="f", call_id="x"), fragment(0, A, name="g", call_id="x")]
    made = [folded({"tool_calls": pieces})["tool_calls"] for _ in range(2)]
    assert made[0] == made[1]
    assert [each["id"] == "x" for each in made[0]] == [True, False]


def test_what_a_server_says_beside_a_call_stays_with_it() -> None:
    google = {"google": {"thought_signature": "s"}}
    made = folded(
        {"tool_calls": [None, {**fragment(0, "", name="f", call_id="x"), "extra_content": google}]},
        {"tool_calls": [{"index": 0, "type": "", "function": {"arguments": A}}]},
        {"tool_calls": [{"index": 1, "custom": {"name": "p", "input": "{}", "note": 1}}]},
    )["tool_calls"]
    assert made[0] == {
        "id": "x",
        "type": "function",
        "function": {"name": "f", "arguments": A},
        "extra_content": google,
    }
    assert made[1]["custom"] == {"name": "p", "input": "{}", "note": 1}
    assert made[1]["type"] == "custom"


def test_no_delta_is_changed_by_those_behind_it() -> None:
    first = {"tool_calls": [fragment(0, "{", name="f")], "content": [{"type": "text", "text": "a"}]}
    before = json.dumps(first)
    folded(first, {"tool_calls": [fragment(0, "}")], "content": [{"type": "text", "text": "b"}]})
    assert json.dumps(first) == before


TOOLS = frozenset({"get_weather", "get", "got"})


@pytest.mark.parametrize(
    "fragments",
    [
        [fragment(0, "", name="get_", call_id="x"), fragment(0, "", name="weather")],
        [
            fragment(0, name="get_w", call_id="x"),
            fragment(0, name="eath"),
            fragment(0, A[:3], name="er"),
            fragment(0, A[3:]),
        ],
        [fragment(None, name="get"), fragment(None, name="_weather"), fragment(None, A)],
        [
            fragment(0, name="get_", call_id="x"),
            fragment(0, name="weather", call_id="x"),
            fragment(0, A, call_id="x"),
        ],
    ],
)
def test_names_in_pieces_are_put_together_where_they_make_a_tools(fragments: list[Json]) -> None:
    said = "".join(each["function"].get("arguments") or "" for each in fragments)
    assert calls(fragments, tools=TOOLS) == [f"get_weather({said or '{}'})"]


def test_other_names_are_calls_of_their_own() -> None:
    pieces = [fragment(0, A, name="get"), fragment(0, B, name="_weather")]
    assert calls(pieces, tools=TOOLS) == [f"get({A})", f"_weather({B})"]
    pieces = [fragment(0, A, name="get"), fragment(0, B, name="got")]
    assert calls(pieces, tools=TOOLS) == [f"get({A})", f"got({B})"]
    ids = [
        fragment(0, "", name="get_", call_id="x"),
        fragment(0, A, name="weather", call_id="y"),
    ]
    assert calls(ids, tools=TOOLS) == ["get_({})", f"weather({A})"]


CUMULATIVE: list[list[str]] = [
    ['{"', '{"city":"A', A],
    ["{", '{"', '{"city":', '{"city":"', A],
    ['{"city":', A],
    ['{"city":', '{"city":"A', A],
    ['{"city":"A', A, A],
    [A[:end] for end in range(1, len(A) + 1)],
    [A[:end] for end in range(len(A) + 1)],
    ["", "{}", '{"ci', A],
]


@pytest.mark.parametrize("pieces", CUMULATIVE)
def test_arguments_that_repeat_what_came_before_are_taken_once(pieces: list[str]) -> None:
    made = [fragment(0, piece, name="f", call_id="x") for piece in pieces]
    assert calls(made) == [f"f({A})"]
    nameless = [made[0], *(fragment(0, piece) for piece in pieces[1:])]
    assert calls(nameless) == [f"f({A})"]
    after = [fragment(1, piece, name="g", call_id="y") for piece in pieces]
    both = [piece for pair in zip(made, after, strict=True) for piece in pair]
    assert calls(both) == [f"f({A})", f"g({A})"]


@pytest.mark.parametrize(
    "pieces",
    [
        ['{"a":', '{"a":', "1}}"],
        ['{"a":', '{"a":1', "}}"],
        ['{"a":[', '{"a":[1]}', "]}"],
        ['{"', '{"', '":1}'],
    ],
)
def test_arguments_that_only_look_repeated_are_not(pieces: list[str]) -> None:
    made = [fragment(0, piece, name="f", call_id="x") for piece in pieces]
    assert calls(made) == [f"f({''.join(pieces)})"]


def test_content_in_any_form_is_one_content() -> None:
    def part(text: Any) -> Json:
        return {"type": "text", "text": text}

    assert folded({"content": ""}, {"content": "a"}, {"content": "b"})["content"] == "ab"
    assert folded({"content": [part("a")]}, {"content": [part("b"), part(None)]})["content"] == "ab"
    assert folded({"content": "a"}, {"content": [part("b")]}, {"content": "c"})["content"] == "abc"
    assert folded({"content": ""})["content"] == ""
    assert folded({"content": None})["content"] is None
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    thinking = {"type": "thinking", "thinking": [part("x")]}
    more = {"type": "thinking", "thinking": "y"}
    made = folded(
        {"content": [thinking]}, {"content": [more]}, {"content": "a"}, {"content": [picture]}
    )
    assert made["content"] == [
        {"type": "thinking", "thinking": [part("xy")]},
        part("a"),
        picture,
    ]


def test_a_limit_is_known_by_the_finish_reason() -> None:
    for word, said in (("length", '{"ci'), ("MAX_TOKENS", '{"ci'), ("tool_calls", '{"ci')):
        events = [
            chunk(tool_calls=[fragment(0, '{"ci', name="f", call_id="x")]),
            chunk(finish=word),
        ]
        whole = events_as_whole(Shape.CHAT, events)
        (call,) = whole["choices"][0]["message"]["tool_calls"]
        assert call["function"]["arguments"] == said
    events = [chunk(tool_calls=[fragment(0, "", name="f", call_id="x")]), chunk(finish="length")]
    (call,) = events_as_whole(Shape.CHAT, events)["choices"][0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == ""


@pytest.mark.parametrize("nothing", [each for each in NOTHING_SAID if each is not None])
def test_pieces_of_calls_that_say_nothing_are_no_calls(nothing: Json) -> None:
    assert folded({"content": "a", "tool_calls": [nothing]}) == {
        "role": "assistant",
        "content": "a",
    }
    assert calls([nothing, fragment(0, A, name="f", call_id="c"), nothing]) == [f"f({A})"]
