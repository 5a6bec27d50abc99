"""What a response has that chat has no place for: whole, streamed, and folded, each once."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate import chat_via_responses, completions_via_chat
from gateway.translate.composed import compose
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.stream.folding.replies import events_as_whole
from tests import kinds
from tests.translate.chat_via_responses.cases import (
    HELLO,
    context,
    delta_event,
    ending,
    entries,
    events_of,
    folded,
    function_call,
    image_call,
    incomplete,
    message,
    message_of,
    reasoning,
    refusal,
    response,
    run,
    streamed,
    text,
    translated,
    whole,
)

SEARCH: Json = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
APPROVAL: Json = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "name": "f",
    "arguments": "{}",
    "server_label": "s",
}
SHELL: Json = {
    "type": "local_shell_call",
    "id": "sh_1",
    "call_id": "c",
    "status": "completed",
    "action": {"type": "exec", "command": ["ls"], "env": {}},
}
ODD: Json = {"type": "weird", "foo": "bar"}
ITEMS = (SEARCH, APPROVAL, SHELL, ODD)


def added(item: Json) -> Json:
    return {"type": "response.output_item.added", "item": item}


def ended(item: Json) -> Json:
    return {"type": "response.output_item.done", "item": item}


def said_in(reply: Json) -> list[Json]:
    """Return the events of a reply but for those of items that chat has no place for."""
    known = [item for item in reply["output"] if item.get("type") in ("message", "reasoning")]
    return [*events_of({**reply, "output": known})[:-1], ending(reply)]


def deliveries(reply: Json) -> list[list[Json]]:
    """Return streams that all say what a reply does."""
    known = [item for item in reply["output"] if item.get("type") in ("message", "reasoning")]
    others = [item for item in reply["output"] if item not in known]
    running = {"status": "in_progress"}
    begun = [added(item | (running if "status" in item else {})) for item in others if "id" in item]
    done = [ended(item) for item in others]
    renamed = [
        {**item, "id": f"new_{place}"} if "id" in item else item
        for place, item in enumerate(reply["output"])
    ]
    said = said_in(reply)
    return [
        [ending(reply)],
        [*done, *said],
        [*begun, *done, *said],
        [*begun, *said],
        [*done, *said[:-1], ending({**reply, "output": known})],
        [*begun, *done, *said[:-1], ending({**reply, "output": renamed})],
    ]


def everywhere(reply: Json, body: Json | None = None) -> Json:
    result = message_of(body or {}, reply)
    for sent in deliveries(reply):
        assert folded(streamed(body or {}, sent))["message"] == result
        assert message_of(body or {}, events_as_whole(Shape.RESPONSES, sent)) == result
    return result


@pytest.mark.parametrize("items", [ITEMS, ITEMS[:1], ITEMS[3:], (SHELL, {**SHELL, "id": "sh_2"})])
def test_items_without_a_place_are_sent_as_they_are(items: Sequence[Json]) -> None:
    result = everywhere(response(*items, message(text("a"))))
    assert (result["content"], result["output_items"]) == ("a", list(items))


def test_items_without_ids_are_sent_as_often_as_they_come() -> None:
    result = everywhere(response(ODD, ODD, {**ODD, "foo": 1}, message(text("a"))))
    assert result["output_items"] == [ODD, ODD, {**ODD, "foo": 1}]
    begun = [added({"type": "weird"}), ended(ODD), added({"type": "weird"})]
    chunks = streamed({}, [*begun, delta_event("a"), ending(response(ODD, message(text("a"))))])
    assert folded(chunks)["message"]["output_items"] == [ODD, {"type": "weird"}]


def test_what_is_there_twice_under_one_id_is_sent_once() -> None:
    reply = response(SEARCH, SEARCH, message(text("a")))
    assert message_of({}, reply)["output_items"] == [SEARCH]
    sent = [ended(SEARCH), ended(SEARCH), added(SEARCH), *said_in(reply)]
    assert folded(streamed({}, sent))["message"]["output_items"] == [SEARCH]


@pytest.mark.parametrize("items", [(APPROVAL,), (SHELL, ODD), (reasoning("hm"), SEARCH)])
def test_a_response_of_nothing_else_is_an_error(items: Sequence[Json]) -> None:
    types = ", ".join(item["type"] for item in items if item["type"] != "reasoning")
    reply = response(*items)
    with pytest.raises(UpstreamError, match=f"has only items .*: {types}. Call the model at"):
        whole({}, reply)
    for sent in deliveries(reply):
        with pytest.raises(UpstreamError, match="has only items"):
            streamed({}, sent)


@pytest.mark.parametrize("answer", [function_call(), image_call(), message(refusal("No."))])
def test_anything_else_is_an_answer(answer: Json) -> None:
    result = message_of({}, response(SEARCH, answer))
    assert result["output_items"] == [SEARCH]
    assert folded(streamed({}, [ending(response(SEARCH, answer))]))["message"] == result


def test_what_a_limit_has_cut_off_needs_no_answer() -> None:
    choice = whole({}, incomplete(SEARCH))["choices"][0]
    assert (choice["finish_reason"], choice["message"]["output_items"]) == ("length", [SEARCH])
    assert folded(streamed({}, [ending(incomplete(SEARCH))])) == choice


def test_what_comes_after_a_text_that_is_cut_at_stops_is_not_sent() -> None:
    reply = response(SEARCH, message(text("a!b")), SHELL)
    result = message_of({"stop": "!"}, reply)
    assert (result["content"], result["output_items"]) == ("a", [SEARCH])
    assert folded(streamed({"stop": "!"}, [ended(SEARCH), *said_in(reply)]))["message"] == result


UNKNOWN: Json = {"type": "output_audio", "data": "QUJD"}


@pytest.mark.parametrize("late", [refusal("No."), UNKNOWN, text("c")])
@pytest.mark.parametrize(
    ("body", "cut", "finish"),
    [
        ({"stop": "!"}, text("a!b"), "stop"),
        ({"stop": "!", "response_format": {"type": "json_object"}}, text("a!b"), "stop"),
        ({"logprobs": True, "max_tokens": 1}, text("ab", logprobs=entries("a", "b")), "length"),
    ],
)
def test_parts_after_a_text_that_is_cut_are_not_sent(
    body: Json, cut: Json, finish: str, late: Json
) -> None:
    body = {**body, "messages": [{"role": "user", "content": "json"}]}
    choice = whole(body, response(message(cut, late)))["choices"][0]
    said = {"role": "assistant", "content": "a", "refusal": None}
    assert (choice["message"], choice["finish_reason"]) == (said, finish)
    events = events_of(response(message(cut, *([] if late is UNKNOWN else [late]))))
    assert folded(streamed(body, events))["message"] == said


@pytest.mark.parametrize("body", [{}, {"response_format": {"type": "json_object"}}])
def test_parts_without_a_text_are_sent_as_they_are(body: Json) -> None:
    body = {**body, "messages": [{"role": "user", "content": "json"}]}
    odd: list[Any] = [text("{"), UNKNOWN, "}", None, {"type": "text", "text": " "}, UNKNOWN]
    item = {**message(), "content": odd}
    expected = message_of(body, response(item))
    assert (expected["content"], expected["content_parts"]) == ("{} ", [UNKNOWN, UNKNOWN])
    part_done = {"type": "response.content_part.done", "content_index": 4, "part": odd[4]}
    for sent in (
        [ending(response(item))],
        [ended(item), ending(response(item))],
        [ended(item), ending(response())],
        [delta_event("{"), delta_event("} "), ended(item), ending(response(item))],
        [delta_event("{}"), part_done, ended(item), ending(response(item))],
    ):
        assert folded(streamed(body, sent))["message"] == expected
        assert message_of(body, events_as_whole(Shape.RESPONSES, sent)) == expected


def test_completions_clients_get_both_beside_the_text() -> None:
    said = message(text("a"), UNKNOWN)
    reply = response(SEARCH, said, SHELL)
    body = {"model": "thinker", "prompt": "hello", "stream": True}
    asked = compose(
        completions_via_chat.translate,
        chat_via_responses.translate,
        body,
        context(),
        Shape.RESPONSES,
    )
    (result,) = asked.reply([reply])["choices"]
    assert (result["text"], result["output_items"]) == ("a", [SEARCH, SHELL])
    assert result["content_parts"] == [UNKNOWN]
    chunks = run(asked.stream(), [ended(SEARCH), delta_event("a"), ended(said), ending(reply)])
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    for name in ("output_items", "content_parts"):
        assert [entry for choice in choices for entry in choice.get(name, ())] == result[name]


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.OTHER])
def test_what_a_reply_has_beside_its_text_does_not_go_back(kind: str) -> None:
    said = {"role": "assistant", "content": "a"}
    beside: Json = {"output_items": [SEARCH], "content_parts": [UNKNOWN]}
    of = context(preset(kind, Shape.RESPONSES))
    asked = translated({"messages": [*HELLO, {**said, **beside}]}, of)
    assert asked.calls[0]["input"][1] == {"type": "message", **said}
    dropped = ["messages[1].content_parts", "messages[1].output_items"]
    assert asked.report.dropped == dropped
