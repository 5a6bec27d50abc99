"""Streams. Every one that comes out is read by the grammar and the schema of responses."""

from typing import Any

import pytest

from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate import contract
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import open_sealed
from gateway.translate.stream.messages.message_events import events_of as from_whole
from tests.messages_grammar import Automaton
from tests.translate.messages_upstreams import (
    PING,
    context,
    error_event,
    events_of,
    message,
    sealing,
    text,
    thinking,
    tool_use,
)
from tests.translate.responses_via_chat.client_stream import deltas, kinds, read, read_any, texts
from tests.translate.responses_via_messages.cases import (
    ENCRYPTED,
    HELLO,
    SHELL,
    TOOLS,
    streamed,
    translated,
    whole,
)

ALL: Json = {"tools": [*TOOLS, SHELL, {**TOOLS[0], "name": "g"}]}
REDACTED: Json = {"type": "redacted_thinking", "data": "xx"}
REFUSED: Json = {"type": "refusal", "category": None, "explanation": "No."}
FULL = message(
    thinking("Two numbers.\n"),
    REDACTED,
    text("Let me "),
    text("ädd them."),
    tool_use("f", {"a": 1, "b": '\\"ä\n'}),
    text("And"),
    tool_use("g"),
    tool_use("patch", {"input": "*** x"}),
    tool_use("local_shell", {"command": ["ls"]}),
    reason="tool_use",
)
CASES: dict[str, tuple[Json, Json]] = {
    "full": (ALL, FULL),
    "sealed": ({**ALL, **ENCRYPTED}, FULL),
    "plain": ({}, message(text("Hello"))),
    "nothing": ({}, message()),
    "thinking alone": ({}, message(thinking("hm"))),
    "length": ({}, message(text("one"), reason="max_tokens")),
    "window": ({}, message(text("one"), reason="model_context_window_exceeded")),
    "refusal": ({}, message(text("I"), reason="refusal", stop_details=REFUSED)),
    "stop": ({"stop": "END"}, message(text("one"), reason="stop_sequence", stop_sequence="END")),
    "tool cut off": (ALL, message(text("a"), tool_use("f"), reason="max_tokens")),
    "unknown usage": ({}, message(text("a"), usage={})),
}


def start(block: Json) -> Json:
    return {"type": "content_block_start", "index": 0, "content_block": block}


def piece(partial: str) -> Json:
    delta = {"type": "input_json_delta", "partial_json": partial}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def ended(reason: str | None = "end_turn") -> list[Json]:
    return [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {}},
        {"type": "message_stop"},
    ]


def item_of(*events: Json, body: Json | None = None, of: Context | None = None) -> Json:
    """Return the last item that events make."""
    item: Json = read(streamed(body or ALL, events, of))["output"][-1]
    return item


def without_ids(response: Json) -> Json:
    """Return a response without what is new in every reply."""
    return {**response, "id": "", "output": [{**item, "id": ""} for item in response["output"]]}


def test_arguments_within_a_text_are_the_upstreams_fault() -> None:
    with pytest.raises(UpstreamError, match="a tool call that is not open"):
        item_of(start({"type": "text", "text": ""}), piece("{}"))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_says_what_the_whole_reply_says(name: str, size: int) -> None:
    body, made = CASES[name]
    events = events_of(made, size)
    if made["usage"]:
        automaton = Automaton()
        for event in events:
            automaton.read(event)
        assert automaton.ended == "message_stop"
    response = read(streamed(body, events, sealing()))
    assert without_ids(response) == without_ids(whole(body, made, sealing()))
    in_place_of_a_stream = streamed(body, list(from_whole(made)), sealing())
    assert without_ids(read(in_place_of_a_stream)) == without_ids(response)


def test_blocks_become_items_in_their_order() -> None:
    response = read(streamed(ALL, events_of(FULL)))
    assert [item["type"] for item in response["output"]] == [
        *("reasoning", "message", "function_call", "message", "function_call"),
        *("custom_tool_call", "local_shell_call"),
    ]
    assert texts({"output": response["output"][:-1]}) == [
        *("Two numbers.\n", "Let me ädd them.", 'f({"a":1,"b":"\\\\\\"ä\\n"})', "And", "g({})"),
        "patch(*** x)",
    ]
    assert response["output"][-1]["action"]["command"] == ["ls"]
    assert response["status"] == "completed"
    assert response["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    }
    assert response["service_tier"] == "default"


@pytest.mark.parametrize(
    ("body", "form"),
    [({}, "content"), ({"reasoning": {"summary": "auto"}}, "summary")],
)
def test_thinking_is_shown_in_the_form_that_is_asked_for(body: Json, form: str) -> None:
    item = item_of(*events_of(message(thinking("hm"))), body=body)
    assert item["type"] == "message"
    item = read(streamed(body, events_of(message(thinking("hm")))))["output"][0]
    assert [part["text"] for part in item[form]] == ["hm"]
    assert "encrypted_content" not in item
    hidden = context(reasoning_item="drop")
    assert read(streamed(body, events_of(FULL), hidden))["output"][0]["type"] == "message"


@pytest.mark.parametrize("form", ["text", "summary", "drop"])
def test_thinking_is_sealed_for_the_client_to_bring_back(form: str) -> None:
    of = sealing()
    of.settings = context(reasoning_item=form).settings
    signed = (thinking("one", "s1"), thinking("", "s2"), REDACTED)
    made = message(*signed, text("a"), thinking("b", ""))
    items = [
        item
        for item in read(streamed(ENCRYPTED, events_of(made), of))["output"]
        if item["type"] == "reasoning"
    ]
    blocks = [
        open_sealed(item["encrypted_content"], "", of)
        for item in items
        if "encrypted_content" in item
    ]
    assert blocks == list(signed)
    assert "encrypted_content" not in items[-1]


def test_what_is_kept_is_sealed_too() -> None:
    kept, stored = sealing(keeps=True), events_of(message(thinking("hm")))
    assert "encrypted_content" in read(streamed({}, stored, kept))["output"][0]
    remembered = streamed({"store": False}, stored, sealing(remembers=True))
    assert "encrypted_content" in read(remembered)["output"][0]
    for body, of in (({"store": False}, kept), ({}, sealing()), (ENCRYPTED, context())):
        assert "encrypted_content" not in read(streamed(body, stored, of))["output"][0]


@pytest.mark.parametrize(
    "pieces",
    [
        ["", '{"a":', '"\\u00', 'e4 \\"', '\\n"}'],
        ['{"a":"\\u00e4 \\"\\n"}'],
        list('{"a":"\\u00e4 \\"\\n"}'),
        ['{"', '{"', ": 1}"],
    ],
)
def test_arguments_arrive_byte_by_byte_as_they_were_sent(pieces: list[str]) -> None:
    events = [start(tool_use("f")), *map(piece, pieces), *ended("tool_use")]
    sent = streamed(ALL, events)
    assert "".join(deltas(sent)) == "".join(pieces)
    assert read(sent)["output"][0]["arguments"] == "".join(pieces)


@pytest.mark.parametrize(
    ("given", "arguments"), [({}, "{}"), ({"b": 1, "a": "ä"}, '{"b":1,"a":"ä"}')]
)
def test_arguments_may_come_with_the_start_or_not_at_all(given: Json, arguments: str) -> None:
    item = item_of(start(tool_use("f", given)), *ended("tool_use"))
    assert (item["arguments"], item["status"]) == (arguments, "completed")
    assert item["call_id"] == "toolu_f"
    sent = streamed(ALL, [start(tool_use("f", given)), start(tool_use("g")), *ended("tool_use")])
    assert read(sent)["output"][0]["arguments"] == arguments


def test_names_that_begin_others_are_whole() -> None:
    body: Json = {"tools": [TOOLS[0], {**TOOLS[0], "name": "ff"}]}
    sent = streamed(body, [start(tool_use("f")), *ended("tool_use")])
    assert read(sent)["output"][0]["name"] == "f"


@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
def test_a_call_that_is_cut_off_is_incomplete(reason: str) -> None:
    for pieces in ([], ['{"a']):
        events = [start(tool_use("f")), *map(piece, pieces), *ended(reason)]
        response = read(streamed(ALL, events))
        assert response["status"] == "incomplete"
        call = response["output"][0]
        assert call["arguments"] == "".join(pieces)
        assert call["status"] == "incomplete"


@pytest.mark.parametrize(
    ("reason", "status", "details", "native"),
    [
        ("end_turn", "completed", None, None),
        ("stop_sequence", "completed", None, None),
        ("tool_use", "completed", None, None),
        ("pause_turn", "completed", None, "pause_turn"),
        ("max_tokens", "incomplete", "max_output_tokens", None),
        (
            *("model_context_window_exceeded", "incomplete", "max_output_tokens"),
            "model_context_window_exceeded",
        ),
        ("refusal", "incomplete", "content_filter", "refusal"),
        (None, "completed", None, None),
    ],
)
def test_stop_reasons_become_a_status(
    reason: str | None, status: str, details: str | None, native: str | None
) -> None:
    sent = streamed({}, [start(text("a")), *ended(reason)])
    response = sent[-1]["response"]
    assert response["status"] == status
    assert response["incomplete_details"] == (details and {"reason": details})
    assert response.get("native_finish_reason") == native


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (REFUSED, "No."),
        ("odd", "The model refuses to answer."),
        ({}, "The model refuses to answer."),
    ],
)
def test_refusals_say_why(details: object, words: str) -> None:
    made = message(reason="refusal", stop_details=details)
    response = read(streamed({}, events_of(made)))
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": words}]


@pytest.mark.parametrize("name", CASES)
def test_a_stream_that_breaks_off_never_looks_complete(name: str) -> None:
    body, made = CASES[name]
    events = events_of(made)
    for length in range(len(events)):
        stream = translated({"stream": True, **body}, sealing()).stream()
        sent = [each for event in events[:length] for each in stream.feed(0, event)]
        assert "completed" not in kinds(sent)
        with pytest.raises(TruncatedStream) as raised:
            stream.end(0)
        sent += stream.fail(raised.value)
        response = read_any(sent)
        assert response["status"] == "failed"
        assert response["error"]["code"] == "server_error"


@pytest.mark.parametrize("after", range(1, 8))
def test_an_error_ends_the_stream(after: int) -> None:
    stream = translated({"stream": True}).stream()
    events = events_of(message(text("some text")))
    sent = [each for event in events[:after] for each in stream.feed(0, event)]
    if after < 4:
        assert sent == [] or after == 3
    with pytest.raises(UpstreamReplied) as raised:
        stream.feed(0, error_event("rate_limit_error", "Slow down."))
    assert raised.value.status == 429
    sent += stream.fail(raised.value)
    assert read_any(sent)["error"]["code"] == "rate_limit_exceeded"
    assert stream.fail(raised.value) == []


def test_nothing_is_sent_before_the_first_block() -> None:
    stream = translated({"stream": True}).stream()
    first, ping, *_ = events_of(message(text("a")))
    assert ping == PING
    assert stream.feed(0, first) == stream.feed(0, ping) == []


def test_nothing_follows_the_end() -> None:
    stream = translated({"stream": True}).stream()
    for event in events_of(message(text("a"))):
        stream.feed(0, event)
    assert stream.feed(0, error_event()) == []
    assert stream.end(0) == []
    assert stream.fail(UpstreamError("x")) == []


def test_what_responses_have_no_place_for_is_passed_over() -> None:
    odd: list[Json] = [
        PING,
        start({"type": "server_tool_use"}),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta"}},
        {"type": 7},
        {},
    ]
    response = read(streamed({}, [*odd, *ended()]))
    assert texts(response) == [""]


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "content_block_start", "index": 0}],
        [{"type": "content_block_delta", "index": 0, "delta": "x"}],
        [{"type": "message_delta"}],
        [piece("{}")],
        [start({"type": "tool_use", "id": "x"})],
        [start(tool_use("f")), piece('{"a":1}{"b":')],
        [start(tool_use("f")), piece('{"'), piece('{": 1}{"b":')],
        [start(tool_use("patch")), piece('{"input": "*** '), *ended("tool_use")],
    ],
)
def test_what_cannot_be_read_is_an_error(events: list[Json]) -> None:
    with pytest.raises(UpstreamError):
        streamed(ALL, [*events, *ended()])


def test_replies_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "MAX_REPLY_CHARACTERS", 9)
    made = message(thinking("123"), text("123"), tool_use("f", {"a": 1}))
    with pytest.raises(UpstreamError, match="more than 9"):
        streamed(ALL, events_of(made))


def test_text_passes_unless_it_is_a_summary() -> None:
    trigger: list[Any] = [*HELLO, {"type": "compaction_trigger"}]
    assert translated({"stream": True}).stream().passes_text
    assert not translated({"input": trigger}, sealing()).stream().passes_text


def test_a_compaction_is_one_sealed_item() -> None:
    body: Json = {"input": [*HELLO, {"type": "compaction_trigger"}]}
    of = sealing()
    made = message(thinking("hm"), text("It was "), text("long."))
    sent = streamed(body, events_of(made), of)
    assert kinds(sent) == ["output_item.added", "output_item.done", "completed"]
    (item,) = sent[-1]["response"]["output"]
    assert of.seal is not None
    assert of.seal.open(item["encrypted_content"]) == {"kind": "compaction", "text": "It was long."}
    (other,) = whole(body, made, sealing())["output"]
    assert other["type"] == "compaction"
    with pytest.raises(UpstreamError, match="summary"):
        streamed(body, events_of(message(text("It was"), reason="max_tokens")), sealing())
