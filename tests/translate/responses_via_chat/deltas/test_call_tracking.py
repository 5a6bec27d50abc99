"""Tool calls whose fragments do not say well which call they belong to.

Each stream goes whole, byte by byte and cut off after every event; what comes out is checked
against OpenAI's schema. `GLUED` has what real servers send.
"""

from typing import Any

import pytest

from gateway.errors import (
    UpstreamError,
)
from gateway.shapes import Json, Shape
from gateway.translate.stream.reply_as_event import whole_as_event
from tests.translate.responses_via_chat.chat_backend import (
    SELF_HOSTED,
    asking,
    chunk,
    completion,
    context,
    fragment,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import read, texts
from tests.translate.responses_via_chat.deltas.calls import PATCH, A, B, calls_of

GLUED: dict[str, tuple[list[Json], list[str]]] = {
    "no id": (
        [fragment(0, A, name="f"), fragment(0, B, name="g")],
        [f"f({A})", f"g({B})"],
    ),
    "no id, one name": (
        [fragment(0, A, name="f"), fragment(0, B, name="f")],
        [f"f({A})", f"f({B})"],
    ),
    "no id, the same twice": (
        [fragment(0, A, name="f"), fragment(0, A, name="f")],
        [f"f({A})", f"f({A})"],
    ),
    "no id, in pieces": (
        [
            fragment(0, "", name="f"),
            fragment(0, '{"city":'),
            fragment(0, '"A"}'),
            fragment(0, "", name="g"),
            fragment(0, '{"city"', name="g"),
            fragment(0, ':"B"}'),
        ],
        [f"f({A})", f"g({B})"],
    ),
    "an empty id": (
        [{**fragment(0, A, name="f"), "id": ""}, {**fragment(0, B, name="g"), "id": ""}],
        [f"f({A})", f"g({B})"],
    ),
    "one id, another name": (
        [fragment(0, A, name="f", call_id="x"), fragment(0, B, name="g", call_id="x")],
        [f"f({A})", f"g({B})"],
    ),
    "one id, another name, in turn": (
        [
            fragment(0, '{"city":', name="f", call_id="x"),
            fragment(0, '{"city":', name="g", call_id="x"),
            fragment(0, '"A"}', name="f", call_id="x"),
            fragment(0, '"B"}', name="g", call_id="x"),
        ],
        [f"f({A})", f"g({B})"],
    ),
    "one id, one name": (
        [fragment(0, A, name="f", call_id="x"), fragment(0, B, name="f", call_id="x")],
        [f"f({A})", f"f({B})"],
    ),
    "another id without a name": (
        [fragment(0, A, name="f", call_id="x"), fragment(0, B, call_id="y")],
        [f"f({A})", f"f({B})"],
    ),
    "another id without a name, then arguments": (
        [
            fragment(0, A, name="f", call_id="x"),
            fragment(0, "", call_id="y"),
            fragment(0, '{"city"'),
            fragment(0, ":"),
            fragment(0, '"B"}'),
        ],
        [f"f({A})", f"f({B})"],
    ),
    "a second object": (
        [fragment(0, "", name="f", call_id="x"), fragment(0, A), fragment(0, B, name="")],
        [f"f({A})", f"f({B})"],
    ),
    "a second object in pieces, with spaces in between": (
        [
            fragment(0, A + " ", name="f"),
            fragment(0, '{"city":'),
            fragment(0, " "),
            fragment(0, '"B"}\n'),
        ],
        [f"f({A})", 'f({"city": "B"})'],
    ),
    "objects in one text": (
        [fragment(0, f"{A}{B}\n[1]", name="f")],
        [f"f({A})", f"f({B})", "f([1])"],
    ),
    "in turn, with different ids": (
        [
            fragment(0, '{"city":', name="f", call_id="x"),
            fragment(0, '{"city":', name="f", call_id="y"),
            fragment(0, '"A"}', call_id="x"),
            fragment(0, '"B"}', call_id="y"),
        ],
        [f"f({A})", f"f({B})"],
    ),
    "in turn, with different names": (
        [
            fragment(0, '{"city":', name="f"),
            fragment(0, '{"city":', name="g"),
            fragment(0, '"A"}', name="f"),
            fragment(0, '"B"}', name="g"),
        ],
        [f"f({A})", f"g({B})"],
    ),
    "no index, in turn": (
        [
            fragment(None, '{"city":', name="f", call_id="x"),
            fragment(None, '{"city":', name="f", call_id="y"),
            fragment(None, '"A"}', call_id="x"),
            fragment(None, '"B"}', call_id="y"),
        ],
        [f"f({A})", f"f({B})"],
    ),
    "no index, no id": (
        [fragment(None, A, name="f"), fragment(None, B, name="f")],
        [f"f({A})", f"f({B})"],
    ),
    "an index at times": (
        [
            fragment(None, "", name="f", call_id="x"),
            fragment(0, '{"city":'),
            fragment(None, '"A"}'),
            fragment(1, "", name="f", call_id="y"),
            fragment(1, '{"city"', name="f"),
            fragment(None, ':"B"}'),
        ],
        [f"f({A})", f"f({B})"],
    ),
    "an index late, with the id": (
        [fragment(None, '{"city":', name="f", call_id="x"), fragment(0, '"A"}', call_id="x")],
        [f"f({A})"],
    ),
    "an index as a string": (
        [
            {**fragment(None, '{"city":', name="f"), "index": "0"},
            {**fragment(None, '{"city":', name="f"), "index": "1"},
            {**fragment(None, '"A"}'), "index": "0"},
            {**fragment(None, '"B"}'), "index": "1"},
        ],
        [f"f({A})", f"f({B})"],
    ),
    "one id at two indexes": (
        [fragment(0, A, name="f", call_id="x"), fragment(1, B, name="f", call_id="x")],
        [f"f({A})", f"f({B})"],
    ),
    "old function calls": (
        [],
        [f"f({A})", f"g({B})"],
    ),
    "a name after another's arguments": (
        [
            fragment(0, A, name="f", call_id="x"),
            fragment(0, B, call_id="y"),
            fragment(0, name="g"),
        ],
        [f"f({A})", f"g({B})"],
    ),
    "arguments as objects": (
        [
            {"index": 0, "function": {"name": "f", "arguments": {"city": "A"}}},
            {"index": 0, "function": {"name": "f", "arguments": {"city": "B"}}},
        ],
        ['f({"city": "A"})', 'f({"city": "B"})'],
    ),
}
OLD = [chunk(function_call={"name": "f", "arguments": A}), chunk(function_call={"name": "g"})]
OLD.append(chunk(function_call={"name": "g", "arguments": B}))


@pytest.mark.parametrize("name", GLUED)
def test_calls_at_one_place_are_calls_of_their_own(name: str) -> None:
    fragments, expected = GLUED[name]
    if fragments:
        assert calls_of(fragments) == expected
    else:
        output = read(stream_of([*OLD, chunk(finish="function_call")]))["output"]
        assert [f"{call['name']}({call['arguments']})" for call in output] == expected


REPEATED: dict[str, list[Json]] = {
    "all of it once more": [fragment(0, A, name="f", call_id="x")] * 2,
    "the arguments, written otherwise": [
        fragment(0, '{"city": ', name="f", call_id="x"),
        fragment(0, '"A"}'),
        fragment(0, A),
    ],
    "the arguments, in pieces": [
        fragment(0, A, name="f"),
        fragment(0, '{"city"'),
        fragment(0, ':"A"}'),
    ],
    "id and name with each piece": [
        fragment(0, piece, name="f", call_id="x") for piece in ('{"ci', 'ty":"', 'A"}', "", " ")
    ],
    "ids that change": [
        fragment(0, piece, name="f" if not number else None, call_id=f"x{number}")
        for number, piece in enumerate(('{"ci', 'ty":"', 'A"}', ""))
    ],
    "an empty object first": [
        fragment(0, "{}", name="f", call_id="x"),
        fragment(0, '{"city":'),
        fragment(0, '"A"}'),
    ],
    "an empty object first, with everything": [
        fragment(0, "{ }", name="f", call_id="x"),
        fragment(0, A, name="f", call_id="x"),
    ],
    "the fields without nesting": [{"index": 0, "id": "x", "name": "f", "arguments": A}],
    "a function that is null first": [
        {"index": 0, "id": "x", "type": None, "function": None},
        {"index": 0, "function": {"name": "f", "arguments": A}},
    ],
}


@pytest.mark.parametrize("name", REPEATED)
def test_what_is_said_again_is_said_once(name: str) -> None:
    (call,) = calls_of(REPEATED[name])
    assert call.replace(" ", "") == f"f({A})"


def test_an_old_function_call_beside_tool_calls_says_the_same_again() -> None:
    both: dict[str, Any] = {
        "tool_calls": [tool_call("f", A)],
        "function_call": {"name": "f", "arguments": A},
    }
    (call,) = replied(completion(None, "tool_calls", **both))["output"]
    assert (call["call_id"], call["arguments"]) == ("call_a", A)
    (call,) = read(stream_of([chunk(**both), chunk(finish="stop")]))["output"]
    assert (call["call_id"], call["arguments"]) == ("call_a", A)


MIXED_UP: dict[str, list[Json]] = {
    "pieces in turn": [
        fragment(0, '{"city":', name="f"),
        fragment(0, '{"city":', name="f", call_id="x"),
        fragment(0, '{"town":', name="g"),
        fragment(0, '"A"}'),
        fragment(0, '"B"}'),
    ],
    "ids and names that change with every piece": [
        fragment(0, '{"city"', name="f", call_id="x"),
        fragment(0, ':"A"}', name="f", call_id="y"),
    ],
    "names first, then the arguments": [
        fragment(0, "", name="f"),
        fragment(0, "", name="g"),
        fragment(0, A),
        fragment(0, B),
    ],
}


@pytest.mark.parametrize("name", MIXED_UP)
def test_ambiguous_fragments_are_an_error_that_says_so(name: str) -> None:
    fold = asking(stream=True).stream()

    def play() -> None:
        for each in MIXED_UP[name]:
            fold.feed(0, chunk(tool_calls=[each]))
        fold.feed(0, chunk(finish="tool_calls"))
        fold.end(0)

    with pytest.raises(UpstreamError, match="the same index") as caught:
        play()
    assert fold.fail(caught.value)[-1]["response"]["status"] == "failed"


def test_a_limit_may_cut_off_calls_that_share_an_index() -> None:
    fragments = [
        fragment(0, "", name="f", call_id="x"),
        fragment(0, '{"city":"A', name="g", call_id="y"),
    ]
    assert calls_of(fragments, "length") == ["f({})", 'g({"city":"A)']
    assert calls_of([fragment(0, A + '{"city"', name="f")], "length") == [f"f({A})", 'f({"city")']


@pytest.mark.parametrize("finish", ["stop", "tool_calls"])
def test_a_whole_reply_keeps_its_calls_apart(finish: str) -> None:
    calls = [
        tool_call("f", A, "x"),
        tool_call("g", B, "x"),
        tool_call("f", A, ""),
        tool_call("f", A + B),
    ]
    reply = completion(None, finish, tool_calls=calls)
    output = replied(reply)["output"]
    said = [(call["name"], call["arguments"]) for call in output]
    assert said == [("f", A), ("g", B), ("f", A), ("f", A), ("f", B)]
    assert len({call["call_id"] for call in output}) == 5
    assert read(stream_of([whole_as_event(Shape.CHAT, reply)]))["output"] == output


def test_a_custom_tool_sent_as_a_function_is_kept_apart_too() -> None:
    events = [
        chunk(tool_calls=[fragment(0, "{}", name="patch", call_id="x")]),
        chunk(tool_calls=[fragment(0, '{"input":"a"}')]),
        chunk(tool_calls=[fragment(0, '{"input":"b"}')]),
        chunk(finish="stop"),
    ]
    output = read(stream_of(events, lambda: context(SELF_HOSTED), tools=[PATCH]))["output"]
    assert [(call["type"], call["input"]) for call in output] == [
        ("custom_tool_call", "a"),
        ("custom_tool_call", "b"),
    ]


def test_free_text_is_separated_by_ids_and_names() -> None:
    def custom(text: str, call_id: str, name: str = "") -> Json:
        return {"index": 0, "id": call_id, "custom": {"name": name, "input": text}}

    fragments = [
        custom("", "x", "patch"),
        custom("{}", "x"),
        custom("{}", ""),
        custom("a", "y", "patch"),
        custom("b", "", "patch"),
        custom("c", "z", "patch"),
        custom("d", "w"),
    ]
    texts = ["{}{}", "a", "b", "c", "d"]
    assert calls_of(fragments, tools=[PATCH]) == [f"patch({text})" for text in texts]


WEATHER: list[Json] = [{"type": "function", "name": name} for name in ("get_weather", "get", "got")]


@pytest.mark.parametrize(
    "names",
    [
        *(["get_", "weather"], ["get", "_weather"], ["g", "et", "_", "weather"], ["get_weather"]),
        *(["get_", "get_weather"], ["g", "get_", "get_wea", "get_weather"]),
    ],
)
def test_a_name_in_pieces_is_that_of_the_tool_that_it_makes(names: list[str]) -> None:
    for call_id in ("x", ""):
        fragments = [fragment(0, "", name=name, call_id=call_id) for name in names]
        fragments += [fragment(0, A[:4]), fragment(0, A[4:])]
        assert calls_of(fragments, tools=WEATHER) == [f"get_weather({A})"]
    whole = [fragment(0, A if name == names[-1] else None, name=name) for name in names]
    assert calls_of(whole, tools=WEATHER) == [f"get_weather({A})"]


def test_names_that_make_no_tools_are_calls_of_their_own() -> None:
    apart = [fragment(0, A, name="get"), fragment(0, B, name="got")]
    assert calls_of(apart, tools=WEATHER) == [f"get({A})", f"got({B})"]
    assert calls_of([fragment(0, "", name="get", call_id="x")], tools=WEATHER) == ["get({})"]
    twice = [fragment(0, "", name="get", call_id="x"), fragment(0, A, name="get", call_id="x")]
    assert calls_of(twice, tools=WEATHER) == [f"get({A})"]
    others = [fragment(0, "", name="get_", call_id="x"), fragment(0, A, name="weather")]
    assert calls_of(others) == ["get_({})", f"weather({A})"]


def test_a_whole_call_that_is_not_what_its_pieces_make_is_an_error() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, A, name="f", call_id="x")]))
    with pytest.raises(UpstreamError, match="contradicts itself"):
        fold.feed(0, completion(None, "stop", tool_calls=[tool_call("f", B, "x")]))
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, '{"a', name="f", call_id="x")]))
    fold.feed(0, completion(None, "length", tool_calls=[tool_call("f", "{'b", "x")]))
    (call,) = fold.end(0)[-1]["response"]["output"]
    assert call["arguments"] == '{"a'


def test_repeated_ids_and_names_are_taken_once() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, ":1}", name="f", call_id="call_a")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})']


def test_an_id_that_changes_without_a_name_is_not_a_new_call() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, ":1}", call_id="call_b")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})']


def test_the_same_index_with_another_id_and_name_is_a_new_call() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"a":1}', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, '{"b":2}', name="g", call_id="call_b")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})', 'g({"b":2})']


def test_calls_without_an_index_are_separated_by_id_and_name() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(None, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(None, ":1}")]),
            chunk(tool_calls=[fragment(None, '{"b"', name="g")]),
            chunk(tool_calls=[fragment(None, ":2}", call_id="call_b")]),
            chunk(tool_calls=[fragment(None, " ", call_id="call_a")]),
            chunk(tool_calls=[fragment(None, "{}", call_id="call_c")]),
            chunk(tool_calls=[fragment(None, name="h")]),
            chunk(finish="tool_calls"),
        ]
    )
    # The id that came after some arguments is too late to be the second call's own.
    assert texts(read(events)) == ['f({"a":1})', 'g({"b":2})', "h({})"]


def test_a_whole_message_after_the_pieces_may_have_further_calls() -> None:
    events = [
        chunk(tool_calls=[fragment(0, A, name="f", call_id="x")]),
        completion(None, "tool_calls", tool_calls=[tool_call("f", A, "x"), tool_call("g", B, "y")]),
    ]
    output = read(stream_of(events))["output"]
    assert [(call["name"], call["arguments"]) for call in output] == [("f", A), ("g", B)]


def test_a_second_object_that_is_never_complete_is_an_error() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, A + '{"city"', name="f")]))
    fold.feed(0, chunk(finish="tool_calls"))
    with pytest.raises(UpstreamError):
        fold.end(0)
