"""Streams whose events do not say well which item they belong to."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output import tracking
from gateway.translate.chat_via_responses.output.tracking import ItemKind, OutputItem, OutputItems
from tests.steps import Counted, steps_of
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    FULL,
    LLAMACPP,
    context,
    custom_call,
    delta_event,
    ending,
    events_of,
    folded,
    function_call,
    item_events,
    like_llamacpp,
    message,
    reasoning,
    response,
    streamed,
    text,
    whole,
)


def test_interleaved_calls_stay_apart() -> None:
    f, g = function_call("f", "123"), function_call("g", "456")
    first, second = item_events(f, 0, 1), item_events(g, 1, 1)
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    chunks = streamed(ALL_TOOLS, [*mixed, ending(response(f, g))])
    calls = folded(chunks)["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ["123", "456"]


def test_two_items_with_one_output_index_stay_apart() -> None:
    f, g = function_call("f", "123"), function_call("g", "456")
    chunks = streamed(ALL_TOOLS, [*item_events(f, 0), *item_events(g, 0), ending(response(f, g))])
    calls = folded(chunks)["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ["123", "456"]


def test_ids_that_change_from_event_to_event_are_overlooked() -> None:
    events = events_of(FULL)
    for number, event in enumerate(events):
        if "item_id" in event:
            event["item_id"] = f"rotating_{number}"
        if "item" in event:
            event["item"] = {**event["item"], "id": f"rotating_{number}"}
    assert folded(streamed(ALL_TOOLS, events)) == whole(ALL_TOOLS, FULL)["choices"][0]


def test_llamacpp_streams_have_no_indexes() -> None:
    reply = response(
        reasoning("think"), message(text("Hi")), function_call("f", "{}"), function_call("g", "1")
    )
    chunks = streamed(ALL_TOOLS, like_llamacpp(events_of(reply)), context(LLAMACPP))
    assert folded(chunks) == whole(ALL_TOOLS, reply)["choices"][0]


def test_events_without_ids_and_indexes_belong_to_the_last_item() -> None:
    reply = response(
        reasoning(summary=["a", "b"]), message(text("Hi")), function_call("f", "123456")
    )
    events = like_llamacpp(events_of(reply))
    for event in events:
        event.pop("item_id", None)
        if "item" in event:
            event["item"] = {k: v for k, v in event["item"].items() if k not in ("id", "call_id")}
    chunks = streamed(ALL_TOOLS, events)
    said = folded(chunks)["message"]
    assert said["content"] == "Hi"
    assert said["reasoning_content"] == "a\n\nb"
    assert [call["function"]["arguments"] for call in said["tool_calls"]] == ["123456"]


@pytest.mark.parametrize("interleaved", [False, True])
def test_calls_of_older_llamacpp_are_named_by_their_call_ids(interleaved: bool) -> None:
    items = [function_call(name, f'{{"city":"{name}"}}') for name in "fgf"]
    calls = [
        {**{k: v for k, v in item.items() if k != "id"}, "call_id": f"fc_{number}"}
        for number, item in enumerate(items)
    ]
    opened = [
        {"type": "response.output_item.added", "item": {**call, "arguments": ""}} for call in calls
    ]
    pieces = [
        {
            "type": "response.function_call_arguments.delta",
            "item_id": call["call_id"],
            "delta": call["arguments"][cut],
        }
        for cut in (slice(5), slice(5, None))
        for call in calls
    ]
    events = [*opened, *pieces]
    if not interleaved:
        events = [each for n in range(3) for each in (opened[n], pieces[n], pieces[n + 3])]
    done = [{"type": "response.output_item.done", "item": call} for call in calls]
    expected = ['f({"city":"f"})', 'g({"city":"g"})', 'f({"city":"f"})']
    for ends in (done, []):
        for last in (response(*calls), response()):
            assert calls_of([*events, *ends], last) == expected


def test_vllms_reasoning_may_have_a_messages_id() -> None:
    chunks = streamed(
        {},
        [
            {"type": "response.reasoning_part.added", "item_id": "msg_1", "output_index": 0},
            {"type": "response.reasoning_text.delta", "item_id": "msg_1", "delta": "hm"},
            delta_event("Hi"),
            ending(response(reasoning("hm", id="msg_1"), message(text("Hi")))),
        ],
    )
    said = folded(chunks)["message"]
    assert (said["reasoning_content"], said["content"]) == ("hm", "Hi")


A, B = '{"city":"A"}', '{"city":"B"}'


def calls_of(events: Sequence[Json], last: Json | None = None) -> list[str]:
    """Return the calls that a client gets; no two have the same id."""
    made = folded(streamed(ALL_TOOLS, [*events, ending(last or response())]))["message"]
    calls = made.get("tool_calls", [])
    assert len({call["id"] for call in calls}) == len(calls)
    return [f"{call['function']['name']}({call['function']['arguments']})" for call in calls]


def without(events: Sequence[Json], *names: str) -> list[Json]:
    """Return events without some of their fields, and their items without ids if so named."""
    made = [{k: v for k, v in event.items() if k not in names} for event in events]
    for event in made:
        if "item" in event:
            event["item"] = {k: v for k, v in event["item"].items() if k not in names}
    return made


@pytest.mark.parametrize(
    "left_out", [(), ("output_index",), ("item_id", "id"), ("item_id", "id", "output_index")]
)
def test_deltas_may_come_before_their_item(left_out: tuple[str, ...]) -> None:
    reply = response(function_call("f", A), function_call("g", B))
    events: list[Json] = []
    for index, item in enumerate(reply["output"]):
        added, delta, *rest = item_events(item, index, size=99)
        events += without([delta, added, *rest], *left_out)
    assert calls_of(events) == calls_of(events, reply) == [f"f({A})", f"g({B})"]


@pytest.mark.parametrize("index", [0, None])
def test_calls_with_one_item_id_stay_apart(index: int | None) -> None:
    f = function_call("f", A, id="x")
    g = function_call("g", B, id="x")
    events = [*item_events(f, 0), *item_events(g, 0 if index == 0 else 1)]
    if index is None:
        events = without(events, "output_index")
    assert calls_of(events) == calls_of(events, response(f, g)) == [f"f({A})", f"g({B})"]


def test_interleaved_calls_with_one_item_id_are_distinguished_by_their_index() -> None:
    f = function_call("f", A, id="x")
    g = function_call("f", B, id="x", call_id="c")
    pairs = zip(item_events(f, 0, 4), item_events(g, 1, 4), strict=True)
    events = [event for pair in pairs for event in pair]
    assert calls_of(events) == calls_of(events, response(f, g)) == [f"f({A})", f"f({B})"]


def test_calls_with_one_call_id_are_calls_of_their_own() -> None:
    f = function_call("f", A, call_id="x")
    g = function_call("f", B, id="2", call_id="x")
    for events in (
        [*item_events(f, 0), *item_events(g, 1)],
        [item_events(f, 0)[-1], item_events(g, 1)[-1]],
        [item_events(f, 0)[0], item_events(g, 1)[0], item_events(f, 0)[-1], item_events(g, 1)[-1]],
    ):
        assert calls_of(events) == calls_of(events, response(f, g)) == [f"f({A})", f"f({B})"]


def test_calls_that_nothing_but_their_order_tells_apart() -> None:
    events: list[Json] = []
    for item in (function_call("f", A), function_call("f", B), function_call("f", A)):
        events += without(item_events(item, 0), "item_id", "id", "output_index", "call_id")
    assert calls_of(events) == [f"f({A})", f"f({B})", f"f({A})"]


def test_an_item_that_is_announced_twice_is_one() -> None:
    added, *rest = item_events(function_call("f", A), 0)
    assert calls_of([added, added, *rest]) == [f"f({A})"]
    assert calls_of(without([added, *rest[:-1]], "output_index")) == [f"f({A})"]


@pytest.mark.parametrize("name", ["function_call", "custom_tool_call"])
def test_an_item_that_is_done_under_other_ids_is_one(name: str) -> None:
    item = function_call("f", A) if name == "function_call" else custom_call("patch", A)
    added, *rest, done = without(item_events(item, 0), "output_index")
    done["item"] = {**done["item"], "id": "z", "call_id": "t"}
    (call,) = folded(streamed(ALL_TOOLS, [added, *rest, done, ending(response())]))["message"][
        "tool_calls"
    ]
    assert call["id"] == item["call_id"]
    assert A in call[call["type"]].values()


def test_a_call_under_another_name_is_another_even_where_ids_lack() -> None:
    added, *rest = without(item_events(function_call("f", A), 0), "output_index", "id", "item_id")
    other = {"type": "response.output_item.done", "item": function_call("g", B, id=None)}
    assert calls_of([added, *rest[:-2], other]) == [f"f({A})", f"g({B})"]


def test_custom_deltas_before_their_item_are_free_text() -> None:
    added, *deltas, done, item_done = item_events(custom_call("patch", "{}{}"), 0, size=2)
    chunks = streamed(ALL_TOOLS, [*deltas, added, done, item_done, ending(response())])
    (call,) = folded(chunks)["message"]["tool_calls"]
    assert call["custom"] == {"name": "patch", "input": "{}{}"}


def test_an_index_that_comes_again_after_its_item_is_another_ones() -> None:
    events = [
        delta_event("a", item_id="m1", output_index=0),
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": message(text("a"), id="m1"),
        },
        delta_event("b", item_id="m2", output_index=0),
    ]
    last = response(message(text("a"), id="m1"), message(text("b"), id="m2"))
    assert folded(streamed({}, [*events, ending(last)]))["message"]["content"] == "ab"


def test_items_announced_under_one_index_are_two_while_both_are_open() -> None:
    events: list[Json] = []
    for name in ("a", "b"):
        item = message(text(name), id=name)
        added = {"type": "response.output_item.added", "output_index": 0, "item": item}
        events += [added, delta_event(name, item_id=name, output_index=0)]
    last = response(message(text("a"), id="a"), message(text("b"), id="b"))
    assert folded(streamed({}, [*events, ending(last)]))["message"]["content"] == "ab"


def test_an_item_is_found_without_looking_at_all() -> None:
    def track(count: int) -> None:
        items = OutputItems()
        for k in range(count):
            call = function_call("f", id=f"fc_{k}", call_id=Counted(f"call_{k}"))
            known = items.announced(ItemKind.CALL, call, k)
            known.call.upstream_id = call["call_id"]
            assert items.completed(ItemKind.CALL, call, k) is known
            known.done = True

    assert steps_of(lambda: track(400)) < 6 * steps_of(lambda: track(100))


class Looked(OutputItem):
    """An item that counts how often it is looked at."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        if name in ("done", "item_id", "announced"):
            Looked.looks += 1
        return super().__getattribute__(name)


@pytest.mark.parametrize("names", ["call_{}", "other_{}", ""])
def test_items_without_ids_are_found_without_looking_at_all(
    names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "OutputItem", Looked)

    def looks(count: int) -> int:
        items, Looked.looks = OutputItems(), 0
        for k in range(count):
            call: Json = {"call_id": f"call_{k}", "name": "f"}
            items.announced(ItemKind.CALL, call, None).call.upstream_id = f"call_{k}"
        found = [items.of_event(ItemKind.CALL, {"item_id": names.format(k)}) for k in range(count)]
        if names == "call_{}":
            assert [each.call.upstream_id for each in found] == [f"call_{k}" for k in range(count)]
        return Looked.looks

    assert looks(400) < 6 * looks(100)


def test_deltas_before_their_announcements_are_found_without_looking_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracking, "OutputItem", Looked)

    def looks(count: int) -> int:
        items, Looked.looks = OutputItems(), 0
        for _ in range(count):
            early = items.of_event(ItemKind.CALL, {})
            assert items.announced(ItemKind.CALL, {}, None) is early
            early.done = True
        return Looked.looks

    assert looks(400) < 6 * looks(100)
