"""Streams of responses events as streams of messages events. Each is checked in many forms."""

import pytest

from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate import contract
from gateway.translate.parts.messages.errors import messages_status
from tests.messages_grammar import read_broken, read_message
from tests.translate.chat_via_responses.cases import (
    ending,
    events_of,
    function_call,
    image_call,
    incomplete,
    message,
    opening,
    reasoning,
    refusal,
    response,
    text,
)
from tests.translate.messages_client import failure, kinds, texts
from tests.translate.messages_via_responses.responses import PAIR

TOOLS: Json = {"tools": frozenset({"f", "g"})}


def test_a_stream_of_text_becomes_a_message() -> None:
    events = PAIR.streamed(events_of(response(message(text("Hello")), service_tier="priority")))
    assert kinds(events) == [
        "message_start",
        *("text", "text_delta", "text_delta", "stop"),
        *("message_delta", "message_stop"),
    ]
    start = events[0]["message"]
    assert start["id"] == f"msg_{1:032x}"
    assert start["model"] == "asked"
    assert start["usage"]["input_tokens"] == 0
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    assert events[-2]["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 2},
        "service_tier": "priority",
    }


def test_a_message_starts_when_the_response_does_something() -> None:
    fold = PAIR.asking().stream()
    reply = response(message(text("a")))
    for event in (*opening(reply), {"type": "keepalive"}, {}):
        assert fold.feed(0, event) == fold.ping() == []
    added = {"type": "response.output_item.added", "output_index": 0, "item": reasoning()}
    assert kinds(fold.feed(0, added)) == ["message_start"]
    assert fold.ping() == [{"type": "ping"}]
    failed = {**reply, "status": "failed", "error": {"code": "server_error", "message": "no"}}
    early = PAIR.asking().stream()
    early.feed(0, opening(reply)[0])
    event = {"type": "response.failed", "response": failed}
    assert "no" in failure(UpstreamReplied, lambda: early.feed(0, event)).message


def test_items_become_blocks_in_their_order() -> None:
    reply = response(
        reasoning(summary=["One.", "Two."]),
        message(text("Let me look.")),
        function_call("f", '{"a": 1}'),
        message(text("And again."), id="msg_2"),
        function_call("g", "{}"),
    )
    events = PAIR.streamed(events_of(reply, size=9), **TOOLS)
    message_ = read_message(events)
    assert message_["content"] == [
        {"type": "thinking", "thinking": "One.\n\nTwo.", "signature": "gw1."},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_f", "name": "f", "input": {"a": 1}},
        {"type": "text", "text": "And again."},
        {"type": "tool_use", "id": "call_g", "name": "g", "input": {}},
    ]
    assert message_["stop_reason"] == "tool_use"


def test_parts_of_one_message_are_blocks_of_their_own() -> None:
    reply = response(message(text("One."), refusal("No."), text("Two.")))
    message_ = PAIR.message(events_of(reply))
    assert texts(message_) == ["One.", "No.", "Two."]
    assert message_["stop_reason"] == "refusal"
    assert message_["stop_details"]["explanation"] == "No."


def test_deltas_are_sent_at_once() -> None:
    fold = PAIR.asking(**TOOLS).stream()
    events = events_of(response(message(text("abcdef")), function_call("f", '{"a":1}')))
    sent = [kinds(fold.feed(0, event)) for event in events]
    assert sent[3:] == [
        [],
        ["text", "text_delta"],
        ["text_delta"],
        *([], []),
        [],
        ["stop", "tool_use"],
        *(["input_json_delta"], ["input_json_delta"], ["input_json_delta"]),
        [],
        [],
        ["stop", "message_delta", "message_stop"],
    ]


def overlapping() -> list[Json]:
    """Two calls, and a message, that are open at once."""
    items = [function_call("f", '{"a":1}'), message(text("hello")), function_call("g", '{"b":2}')]
    events: list[Json] = opening(response())
    for index, item in enumerate(items):
        begun = {**item, "arguments": "", "content": []}
        events.append({"type": "response.output_item.added", "output_index": index, "item": begun})
    pieces = [
        ("output_text", 1, "hel"),
        ("function_call_arguments", 2, '{"b"'),
        ("function_call_arguments", 0, '{"a":'),
        ("output_text", 1, "lo"),
        ("function_call_arguments", 2, ":2}"),
        ("function_call_arguments", 0, "1}"),
    ]
    for kind, index, piece in pieces:
        place = {"output_index": index, "item_id": items[index]["id"], "content_index": 0}
        events.append({"type": f"response.{kind}.delta", "delta": piece, **place})
    for index in (2, 1, 0):
        done = {"output_index": index, "item": items[index]}
        events.append({"type": "response.output_item.done", **done})
    return [*events, ending(response(*items))]


def test_items_that_overlap_queue() -> None:
    message_ = PAIR.message(overlapping(), **TOOLS)
    # Text begins with its first piece; calls when they are announced.
    assert texts(message_) == ['f({"a":1})', 'g({"b":2})', "hello"]


def test_arguments_may_come_at_the_end_only() -> None:
    item = function_call("f", '{"a":1}')
    done = {
        "type": "response.function_call_arguments.done",
        "item_id": item["id"],
        "output_index": 0,
        "arguments": '{"a":1}',
    }
    added = {"type": "response.output_item.added", "output_index": 0}
    begun = {**item, "arguments": ""}
    ends = [done, {"type": "response.output_item.done", "output_index": 0, "item": item}]
    for last in ([ends[0]], [ends[1]], ends, []):
        events = [*opening(response()), {**added, "item": begun}, *last, ending(response(item))]
        sent = PAIR.streamed(events, **TOOLS)
        assert kinds(sent).count("input_json_delta") == 1
        assert texts(read_message(sent)) == ['f({"a":1})']


def test_a_call_without_arguments_has_none() -> None:
    for arguments in ("", "{}"):
        reply = response(function_call("f", arguments))
        assert PAIR.message(events_of(reply), **TOOLS)["content"][0]["input"] == {}


@pytest.mark.parametrize("arguments", ["[1]", "x", '{"a": NaN}', '{"a"'])
def test_arguments_that_are_not_an_object_are_an_error(arguments: str) -> None:
    fold = PAIR.asking(**TOOLS).stream()
    received: list[Json] = []
    *events, last = events_of(response(function_call("f", arguments)))
    for event in events:
        received += fold.feed(0, event)
    error = failure(UpstreamError, lambda: fold.feed(0, last))
    assert "'f'" in error.message
    assert read_broken(received + fold.fail(error))["type"] == "api_error"


def test_calls_after_the_arguments_of_one_are_calls() -> None:
    reply = response(function_call("f", '{"a":1}{"a":2}'))
    message_ = PAIR.message(events_of(reply), **TOOLS)
    assert texts(message_) == ['f({"a":1})', 'f({"a":2})']
    assert len({block["id"] for block in message_["content"]}) == 2


def test_a_call_without_a_name_is_an_error() -> None:
    reply = response(function_call("", "{}"))
    fold = PAIR.asking(**TOOLS).stream()
    *events, last = events_of(reply)
    for event in events:
        fold.feed(0, event)
    assert "without a name" in failure(UpstreamError, lambda: fold.feed(0, last)).message


def test_names_ids_and_pieces_of_names() -> None:
    known = {"type": "tool_use", "id": "call_long", "name": "f", "input": {}}
    history = {"messages": [{"role": "assistant", "content": [known]}]}
    names = {"long_1234": "long_name_of_the_client"}
    reply = response(function_call("long_1234", "{}", call_id="call_long"))
    asked: Json = {"client": history, "tools": frozenset({"long_1234"}), "tool_names": names}
    block = PAIR.message(events_of(reply), **asked)["content"][0]
    assert block["name"] == "long_name_of_the_client"
    assert block["id"].startswith("toolu_")
    events = events_of(response(function_call("long_1234", "{}", call_id="c")))
    for event in events:
        if event["type"] == "response.output_item.added":
            event["item"]["name"] = "long"
    assert texts(PAIR.message(events, **asked)) == ["long_name_of_the_client({})"]


@pytest.mark.parametrize("word", [None, "max_output_tokens", "content_filter", "steered"])
def test_responses_that_are_incomplete(word: str | None) -> None:
    reply = incomplete(message(text("Hel")), reason=word or "")
    message_ = PAIR.message(events_of(reply))
    reasons = {"content_filter": "refusal", "steered": "end_turn"}
    assert message_["stop_reason"] == reasons.get(str(word), "max_tokens")


def test_a_limit_within_a_call_leaves_it_cut_off() -> None:
    reply = incomplete(function_call("f", '{"a":1}'), function_call("g", '{"a":"b'))
    message_ = PAIR.message(events_of(reply), **TOOLS)
    assert message_["stop_reason"] == "max_tokens"
    assert [block["input"] for block in message_["content"]] == [{"a": 1}, '{"a":"b']


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_stop_sequences_are_found_across_pieces(size: int) -> None:
    reply = response(message(text("one STOP two")), function_call("f", "{}"))
    message_ = PAIR.message(events_of(reply, size), stop_sequences=("END", "STOP"), **TOOLS)
    assert texts(message_) == ["one "]
    assert (message_["stop_reason"], message_["stop_sequence"]) == ("stop_sequence", "STOP")
    kept = PAIR.message(events_of(reply, size), stop_sequences=("ENDE",), **TOOLS)
    assert texts(kept) == ["one STOP two", "f({})"]


def test_nothing_more_is_needed_after_a_stop_sequence() -> None:
    fold = PAIR.asking(stop_sequences=("END",)).stream()
    assert not fold.passes_text
    assert PAIR.asking().stream().passes_text
    events = events_of(response(message(text("a END b"))), size=100)
    for event in events:
        if fold.satisfied(0):
            assert fold.feed(0, event) == []
        else:
            last = fold.feed(0, event)
    assert kinds(last)[-2:] == ["message_delta", "message_stop"]
    assert fold.end(0) == []


def test_a_stop_sequence_does_not_go_on_in_the_next_item() -> None:
    reply = response(
        message(text("a E"), text("ND")), function_call("f", "{}"), message(text("E"), id="msg_2")
    )
    message_ = PAIR.message(events_of(reply), stop_sequences=("END",), **TOOLS)
    assert texts(message_) == ["a E", "ND", "f({})", "E"]


def test_a_stop_sequence_ends_a_reply_with_a_call_that_is_open() -> None:
    events = overlapping()
    for event in events:
        if event.get("delta") == "lo":
            event["delta"] = "END"
    message_ = PAIR.message(events, stop_sequences=("END",), **TOOLS)
    assert message_["stop_sequence"] == "END"


def test_a_stop_sequence_in_the_terminal_event_only() -> None:
    reply = response(message(text("a END b")), function_call("f", "{}"))
    events = [*opening(reply), ending(reply)]
    assert texts(PAIR.message(events, stop_sequences=("END",), **TOOLS)) == ["a "]


def test_hosted_items_pictures_and_citations_are_left_out_and_reported() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    cited = text("a", annotations=[{"type": "url_citation", "url": "https://a.example"}])
    added = {
        "type": "response.output_text.annotation.added",
        "item_id": "msg_1",
        "output_index": 2,
        "content_index": 0,
        "annotation_index": 0,
        "annotation": {},
    }
    reply = response(image_call(), message(cited, {"type": "video", "text": "x"}))
    for event in ("added", "done"):
        hosted = {"type": f"response.output_item.{event}", "output_index": 9, "item": search}
        translation = PAIR.asking()
        fold = translation.stream()
        *events, last = events_of(reply)
        received = [each for e in [*events, added, hosted, last] for each in fold.feed(0, e)]
        assert texts(read_message(received)) == ["a"]
        expected = {"output.image_generation_call", "annotations", "content.video"}
        assert {*translation.report.dropped} == expected | (
            {"output.web_search_call"} if event == "done" else set()
        )


def test_an_error_after_some_events_ends_the_stream() -> None:
    fold = PAIR.asking().stream()
    received: list[Json] = []
    for event in events_of(response(message(text("Hello"))))[:6]:
        received += fold.feed(0, event)
    event = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}
    error = failure(UpstreamReplied, lambda: fold.feed(0, event))
    broken = read_broken(received + fold.fail(error))
    assert broken == {"type": "rate_limit_error", "message": "slow down"}


def test_a_server_that_is_overloaded_is_called_so() -> None:
    first, *_ = events_of(response(message(text("Hello"))))
    fold = PAIR.asking().stream()
    assert fold.feed(0, first) == []
    reason = {"code": "server_is_overloaded", "message": "Try again later."}
    event = {"type": "response.failed", "response": {"status": "failed", "error": reason}}
    error = failure(UpstreamReplied, lambda: fold.feed(0, event))
    assert messages_status(error) == 503
    assert fold.fail(error) == [
        {"type": "error", "error": {"type": "overloaded_error", "message": "Try again later."}}
    ]


def test_a_stream_without_its_last_event_was_cut_off() -> None:
    fold = PAIR.asking().stream()
    for event in events_of(response(message(text("Hello"))))[:-1]:
        fold.feed(0, event)
    failure(TruncatedStream, lambda: fold.end(0))


def test_a_reply_is_not_longer_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "MAX_REPLY_CHARACTERS", 4)
    fold = PAIR.asking().stream()
    *_, delta = events_of(response(message(text("12345"))), size=5)[:5]
    assert "'max_tokens'" in failure(UpstreamError, lambda: fold.feed(0, delta)).message


def test_parameters_in_errors_are_the_clients() -> None:
    event = {"type": "error", "message": "no", "param": "max_completion_tokens", "code": "x"}
    fold = PAIR.asking().stream()
    assert failure(UpstreamReplied, lambda: fold.feed(0, event)).param == "max_tokens"
