"""Streams whose events do not say well which item they belong to."""

from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    FULL,
    LLAMACPP,
    context,
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
