"""Terminal events that say again what the stream had, under the same ids, others or none."""

from collections.abc import Callable

import pytest

from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    citation,
    custom_call,
    ending,
    events_of,
    folded,
    function_call,
    message,
    reasoning,
    refusal,
    response,
    streamed,
    text,
    whole,
)

A, B = '{"city":"A"}', '{"city":"B"}'
REPLIES: dict[str, Json] = {
    "one call": response(function_call("f", A)),
    "two calls": response(function_call("f", A), function_call("f", B, id="2", call_id="c2")),
    "one call twice": response(function_call("f", A), function_call("f", A, id="2", call_id="c2")),
    "no arguments": response(function_call("f", ""), function_call("g", "{}")),
    "custom calls": response(custom_call(), custom_call(words="", id="2", call_id="c2")),
    "messages": response(
        message(text("a", annotations=[citation(0, 1)]), id="m1"), message(text("b"), id="m2")
    ),
    "a refusal": response(message(text("hm "), refusal("no"))),
    "reasoning": response(
        reasoning("one", id="r1"),
        message(text("a")),
        reasoning(summary=["two", "three"], id="r2"),
        function_call("f", A),
    ),
}


def renamed(reply: Json, **other: Callable[[int], object]) -> Json:
    """Return a reply whose items have other values in some fields, by their position."""
    output = [
        {**item, **{name: made(number) for name, made in other.items() if name in item}}
        for number, item in enumerate(reply["output"])
    ]
    return {**reply, "output": output}


REPEATED: dict[str, Callable[[Json], Json]] = {
    "as it was": lambda reply: reply,
    "not at all": lambda reply: {**reply, "output": []},
    "other ids": lambda reply: renamed(reply, id=lambda n: f"fc_z{n}"),
    "other call ids": lambda reply: renamed(reply, call_id=lambda n: f"tool_{n}"),
    "other ids of both kinds": lambda reply: renamed(
        reply, id=lambda n: f"fc_z{n}", call_id=lambda n: f"tool_{n}"
    ),
    "no ids": lambda reply: renamed(reply, id=lambda _: None, call_id=lambda _: ""),
    "one id for all": lambda reply: renamed(reply, id=lambda _: "x", call_id=lambda n: f"t{n}"),
    "arguments written otherwise": lambda reply: renamed(
        reply,
        id=lambda n: f"fc_z{n}",
        call_id=lambda n: f"tool_{n}",
        arguments=lambda n: reply["output"][n]["arguments"].replace(":", ": "),
    ),
    "no arguments": lambda reply: renamed(
        reply, id=lambda n: f"z{n}", call_id=lambda n: f"t{n}", arguments=lambda _: "{}"
    ),
    "in another order": lambda reply: {**reply, "output": reply["output"][::-1]},
    "twice": lambda reply: {**reply, "output": reply["output"] * 2},
    "the last alone, under another id": lambda reply: renamed(
        {**reply, "output": reply["output"][-1:]}, id=lambda _: "z", call_id=lambda _: "t"
    ),
    "with silent reasoning in front": lambda reply: {
        **renamed(reply, id=lambda n: f"z{n}"),
        "output": [reasoning(id="z"), *renamed(reply, id=lambda n: f"z{n}")["output"]],
    },
}
KEPT: dict[str, Callable[[Json], bool]] = {
    "as it is": lambda _: True,
    "without item.done": lambda event: event["type"] != "response.output_item.done",
    "without any done": lambda event: not event["type"].endswith(".done"),
}


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("again", REPEATED)
@pytest.mark.parametrize("name", REPLIES)
def test_what_the_end_repeats_is_shown_once(name: str, again: str, kept: str) -> None:
    reply = REPLIES[name]
    events = [event for event in events_of(reply)[:-1] if KEPT[kept](event)]
    last = ending(REPEATED[again](reply))
    made = folded(streamed(ALL_TOOLS, [*events, last]))
    assert made == whole(ALL_TOOLS, reply)["choices"][0]


def test_a_call_that_only_the_end_has_is_another_one() -> None:
    known = function_call("f", A)
    for other in (
        function_call("f", B, id="z", call_id="t"),
        function_call("f", B, id=None, call_id=None),
        function_call("g", A, id="z", call_id="t"),
        function_call("g", A),
        function_call("f", A, id="z", call_id="t"),
    ):
        for output in ([known, other], [other, known]):
            upstream = [*events_of(response(known))[:-1], ending(response(*output))]
            calls = folded(streamed(ALL_TOOLS, upstream))["message"]["tool_calls"]
            said = [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
            assert said == [("f", A), (other["name"], other["arguments"])]
            assert len({call["id"] for call in calls}) == 2


def test_a_call_that_lost_its_end_gets_it() -> None:
    reply = response(function_call("f", A), function_call("f", B, id="2", call_id="c2"))
    events = events_of(reply, size=4)
    cut = [event for event in events[:-1] if not event["type"].endswith(".done")]
    del cut[-1]
    last = ending(renamed(reply, id=lambda n: f"z{n}", call_id=lambda n: f"t{n}"))
    assert folded(streamed(ALL_TOOLS, [*cut, last])) == whole(ALL_TOOLS, reply)["choices"][0]


def test_messages_and_reasoning_that_only_the_end_has_are_shown() -> None:
    reply = response(
        reasoning("r", id="r1"), message(text("a"), id="m1"), message(text("b"), id="m2")
    )
    for left_out in (0, 1, 2):
        kept = [item for number, item in enumerate(reply["output"]) if number != left_out]
        upstream = [*events_of(response(*kept))[:-1], ending(reply)]
        said = folded(streamed({}, upstream))["message"]
        assert (sorted(said["content"]), said["reasoning_content"]) == (["a", "b"], "r")


def test_a_whole_reply_says_an_item_once_that_it_has_twice() -> None:
    call = function_call("f", A)
    for output in ([call, call], [call, dict(call), function_call("g", B), call]):
        made = whole(ALL_TOOLS, response(*output))["choices"][0]["message"]["tool_calls"]
        assert [each["function"]["name"] for each in made] == ["f", "g"][: len(output) // 2]


def test_a_whole_reply_keeps_calls_apart_that_share_ids() -> None:
    calls = [function_call("f", A), function_call("f", B), function_call("f", A, id=None)]
    made = whole(ALL_TOOLS, response(*calls))["choices"][0]["message"]["tool_calls"]
    assert [each["function"]["arguments"] for each in made] == [A, B, A]
    assert made[0]["id"] == "call_f"
    assert len({each["id"] for each in made}) == 3


def test_a_call_without_ids_is_matched_with_the_one_it_goes_on_with() -> None:
    known = [function_call("f", A), function_call("f", '{"ci', id="2", call_id="c2")]
    rest = function_call("f", '{"city":"C"}', id="z", call_id="t")
    upstream = [event for event in events_of(response(*known)) if "done" not in event["type"]]
    calls = folded(streamed(ALL_TOOLS, [*upstream[:-1], ending(response(rest))]))["message"]
    said = [call["function"]["arguments"] for call in calls["tool_calls"]]
    assert said == [A, '{"city":"C"}']
    silent = [reasoning(id="r1"), message(text("a"))]
    more = response(reasoning("r", id="z1"), reasoning("s", id="z2"), message(text("a")))
    upstream = [*events_of(response(*silent))[:-1], ending(more)]
    assert folded(streamed({}, upstream))["message"]["reasoning_content"] == "r\n\ns"
