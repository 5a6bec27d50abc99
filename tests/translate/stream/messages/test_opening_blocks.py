"""What a `message_start` has already arrives, once, whichever way the stream goes on."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.stream.messages.block_order import BlockOrder
from gateway.translate.stream.messages.message_events import events_of, message_of
from tests.fast.both_streams import assert_same_stream
from tests.fast.common_streams import wires
from tests.translate.chat_via_messages import cases as chat
from tests.translate.messages_upstreams import events_of as in_pieces
from tests.translate.messages_upstreams import message, text, thinking, tool_use
from tests.translate.responses_via_messages import cases as responses

CITED: Json = {**text("Rome."), "citations": [{"type": "page"}, {"type": "char"}]}
CLIENTS = [Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES]
TOOLS: dict[str, Any] = {
    "chat": {"tools": [*chat.TOOLS, chat.CUSTOM]},
    "responses": {"tools": responses.TOOLS},
}
Shorten = Callable[[Sequence[Json]], Sequence[Json]]


def begun_with(content: Any, of: Json, shorten: Shorten = list) -> list[Json]:
    """Return the events of a message that begins with a content already."""
    start, *rest = in_pieces(of)
    inner = [each for each in rest if "index" in each]
    others = [each for each in rest if "index" not in each]
    begun = {**start, "message": {**start["message"], "content": content}}
    return [begun, *shorten(inner), *others]


def without_deltas(events: Sequence[Json]) -> list[Json]:
    return [each for each in events if each["type"] != "content_block_delta"]


def only_the_first_delta(events: Sequence[Json]) -> list[Json]:
    first = next(each for each in events if each["type"] == "content_block_delta")
    return [each for each in events if each["type"] != "content_block_delta" or each is first]


def nothing(_events: Sequence[Json]) -> list[Json]:
    return []


WHOLE = message(thinking("Hm.", "sig"), text("Let me see."), tool_use("f", {"a": 1}))
MESSAGES = [message(text("Hello there.")), WHOLE, message(CITED), message(tool_use("g"), text("a"))]


@pytest.mark.parametrize("of", MESSAGES)
@pytest.mark.parametrize("shorten", [list, without_deltas, only_the_first_delta, nothing])
def test_the_longest_form_counts_once(of: Json, shorten: Shorten) -> None:
    events = begun_with(of["content"], of, shorten)
    assert message_of(events) == {**message_of(in_pieces(of)), "content": of["content"]}
    for body, fold in ((TOOLS["chat"], chat.streamed), (TOOLS["responses"], responses.streamed)):
        assert _said(fold(body, events)) == _said(fold(body, in_pieces(of)))


def test_citations_that_the_stream_repeats_count_once() -> None:
    start, *rest = events_of(message(CITED))
    begun = {**start, "message": {**start["message"], "content": [CITED]}}
    cited = [each for each in rest if each.get("delta", {}).get("type") == "citations_delta"]
    assert len(cited) == 2
    for left_out in (None, cited[1]):
        again = [each for each in rest if each is not left_out]
        assert message_of([begun, *again])["content"] == [CITED]


@pytest.mark.parametrize("count", range(4))
def test_blocks_of_the_stream_come_after_others(count: int) -> None:
    events = begun_with(WHOLE["content"][:count], WHOLE)
    later = [each for each in events if each.get("index", count) >= count]
    assert message_of(later) == message_of(in_pieces(WHOLE))


def test_blocks_that_overlap_with_those_that_came_with_the_message() -> None:
    one, two, three = text("one"), text("two"), text("three")
    of = message(one, two, three)
    inner = [each for each in in_pieces(of) if each.get("index") != 1]
    start, ping, *rest, delta, stop = inner
    first = [each for each in rest if each["index"] == 0]
    third = [each for each in rest if each["index"] == 2]
    begun = {**start, "message": {**start["message"], "content": [one, two]}}
    mixed = [begun, ping, first[0], *third[:2], *first[1:], *third[2:], delta, stop]
    assert message_of(mixed) == message_of(in_pieces(of))


@pytest.mark.parametrize("index", [None, "0"])
def test_blocks_without_a_number_are_repeated_in_order(index: object) -> None:
    events = [
        {**each, "index": index} if "index" in each else each
        for each in begun_with(WHOLE["content"], WHOLE)
    ]
    assert message_of(events) == message_of(in_pieces(WHOLE))


@pytest.mark.parametrize(
    ("content", "of"),
    [
        ([text("Hello")], message(text("Goodbye"))),
        ([text("Hello")], message(text("Help"))),
        ([thinking("a")], message(thinking("b"))),
        ([text("a")], message(thinking("a"))),
        ([tool_use("f")], message(tool_use("g"))),
        ([tool_use("f", call_id="x")], message(tool_use("f", call_id="y"))),
        ([{"type": "redacted_thinking", "data": "a"}], message(text("a"))),
        ("Hello", message(text("Hello"))),
        ([text("Hello"), 1], message(text("Hello"))),
    ],
)
def test_a_contradiction_is_the_upstreams_fault(content: Any, of: Json) -> None:
    events = begun_with(content, of)
    for read in (message_of, _chat, _responses):
        with pytest.raises(
            UpstreamError, match=r"contradicts itself about a block|not a list of blocks"
        ):
            read(events)


@pytest.mark.parametrize("content", [None, [], "", [text("")], [{"type": "thinking"}]])
def test_nothing_is_not_content(content: Any) -> None:
    of = message(tool_use("f", {"a": 1}))
    assert message_of(begun_with(content, of)) == message_of(in_pieces(of))
    assert not BlockOrder().take(begun_with(content, of)[0])[1:]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": 1},
        {"type": "content_block_delta", "index": 0, "delta": {"type": 1}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 1}},
    ],
)
def test_events_that_cannot_be_read_repeat_nothing(event: Json) -> None:
    order = BlockOrder()
    order.take(begun_with([text("a")], message())[0])
    if event["type"] == "content_block_delta":
        order.take({"type": "content_block_start", "index": 0, "content_block": text("")})
    assert list(order.take(event)) == [event]
    rest = list(order.take({"type": "content_block_stop", "index": 0}))
    assert rest[0]["delta"] == {"type": "text_delta", "text": "a"}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("shorten", [list, without_deltas, nothing])
def test_both_paths_send_the_same(client: Shape, shorten: Shorten) -> None:
    of = message(text("Hello there."))
    pieces = wires(Shape.MESSAGES, begun_with(of["content"], of, shorten))
    for arriving in (pieces, [b"".join(pieces)]):
        assert_same_stream(
            client, Shape.MESSAGES, {}, [*((0, each) for each in arriving), (0, None)]
        )


def _chat(events: Sequence[Json]) -> Any:
    return chat.streamed(TOOLS["chat"], events)


def _responses(events: Sequence[Json]) -> Any:
    return responses.streamed(TOOLS["responses"], events)


def _said(sent: Sequence[Json]) -> Any:
    """Return what a client of chat or responses has put together."""
    if "response" in sent[-1]:
        keys = ("type", "name", "arguments", "content", "summary")
        return [[item.get(key) for key in keys] for item in sent[-1]["response"]["output"]]
    said: dict[str, str] = {}
    for chunk in sent:
        for choice in chunk["choices"]:
            for key, value in choice["delta"].items():
                pieces = [call["function"] for call in value] if key == "tool_calls" else []
                added = value if isinstance(value, str) and key != "role" else ""
                said[key] = said.get(key, "") + added
                for piece in pieces:
                    said[key] += piece.get("name", "") + piece["arguments"]
    return said
