"""Whole replies and streams give the same, whatever comes."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from gateway.errors import GatewayError, TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.output.fold import OutputFold
from gateway.translate.chat_via_responses.request import prepare
from gateway.translate.contract import Report
from gateway.translate.stream.reply_as_event import whole_as_event
from gateway.translate.stream.sse import SSEDecoder, encode_events, terminator
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    FULL,
    HELLO,
    VLLM,
    WITH_USAGE,
    context,
    custom_call,
    ending,
    entries,
    events_of,
    finishes_of,
    folded,
    function_call,
    incomplete,
    joined,
    like_llamacpp,
    message,
    opening,
    outcome,
    reasoning,
    refusal,
    response,
    run,
    streamed,
    text,
    translated,
    whole,
)
from tests.translate.openai_schema import check_response_event


def test_the_streams_of_these_tests_are_openais() -> None:
    for event in events_of(FULL):
        if event["type"] not in ("response.created", "response.in_progress"):
            kind = event["type"]
            named = {"name": "f"} if kind == "response.function_call_arguments.done" else {}
            check_response_event({**event, **named})


WHOLE_REPLIES = {
    "everything": (ALL_TOOLS, FULL),
    "text": ({}, response(message(text("Hello")))),
    "nothing": ({}, response()),
    "refusal": ({}, response(message(text("hm "), refusal("no")))),
    "incomplete": ({}, incomplete(message(text("Hel"), status="incomplete"))),
    "filtered": ({}, incomplete(reason="content_filter")),
    "logprobs": (
        {"logprobs": True, "top_logprobs": 2},
        response(message(text("ab", logprobs=entries("a", "b")))),
    ),
    "json": (
        {"response_format": {"type": "json_object"}},
        response(
            message(text("no"), phase="commentary"),
            message(text("{}"), id="2", phase="final_answer"),
            message(text("[]"), id="3"),
        ),
    ),
    "stop": ({"stop": "lo"}, response(message(text("Hello you")), message(text("x"), id="2"))),
    "functions": ({"functions": [{"name": "f"}]}, response(function_call("f", "{}"))),
    "several": (
        ALL_TOOLS,
        response(message(text("a")), reasoning("r"), message(text("b"), id="2"), custom_call()),
    ),
}


@pytest.mark.parametrize("name", WHOLE_REPLIES)
def test_a_folded_stream_is_the_whole_reply(name: str) -> None:
    body, reply = WHOLE_REPLIES[name]
    expected = whole(body, reply)["choices"][0]
    for size in (1, 2, 5, 1000):
        assert folded(streamed(body, events_of(reply, size))) == expected


@pytest.mark.parametrize("name", WHOLE_REPLIES)
def test_a_whole_reply_given_as_one_event_is_the_whole_reply(name: str) -> None:
    body, reply = WHOLE_REPLIES[name]
    chunks = streamed(body, [whole_as_event(Shape.RESPONSES, reply)])
    assert folded(chunks) == whole(body, reply)["choices"][0]


@pytest.mark.parametrize("name", WHOLE_REPLIES)
def test_items_that_come_whole_are_shown_once(name: str) -> None:
    body, reply = WHOLE_REPLIES[name]
    events = [event for event in events_of(reply) if event["type"].endswith("item.done")]
    for final in (reply, {**reply, "output": []}):
        chunks = streamed(body, [*opening(reply), *events, ending(final)])
        assert folded(chunks) == whole(body, reply)["choices"][0]


@pytest.mark.parametrize("name", WHOLE_REPLIES)
def test_a_stream_that_is_cut_off_never_looks_complete(name: str) -> None:
    body, reply = WHOLE_REPLIES[name]
    events = events_of(reply, 2)
    for length in range(len(events)):
        stream = translated({"stream": True, **body}).stream()
        chunks = [made for event in events[:length] for made in stream.feed(0, event)]
        if stream.satisfied(0):
            continue
        assert finishes_of(chunks) == []
        with pytest.raises(TruncatedStream):
            stream.end(0)


@pytest.mark.parametrize("name", WHOLE_REPLIES)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_streams_survive_the_wire_in_pieces_of_any_size(name: str, size: int) -> None:
    body, reply = WHOLE_REPLIES[name]
    raw = encode_events(Shape.RESPONSES, events_of(reply, 2))
    decoder = SSEDecoder()
    events = [
        msgspec.json.decode(event.data)
        for start in range(0, len(raw), size)
        for event in decoder.feed(raw[start : start + size])
    ]
    assert folded(streamed(body, events)) == whole(body, reply)["choices"][0]


@pytest.mark.parametrize("name", WHOLE_REPLIES)
def test_openai_pythons_stream_helper_bears_every_stream(name: str) -> None:
    body, reply = WHOLE_REPLIES[name]
    state = ChatCompletionStreamState()
    for chunk in streamed({**body, **WITH_USAGE}, events_of(reply)):
        state.handle_chunk(ChatCompletionChunk.construct(**chunk))
    completion = state.current_completion_snapshot
    expected = whole(body, reply)
    assert completion.choices[0].finish_reason == expected["choices"][0]["finish_reason"]
    assert (completion.choices[0].message.content or "") == (
        expected["choices"][0]["message"]["content"] or ""
    )
    assert completion.usage is not None
    assert completion.usage.total_tokens == 14
    assert encode_events(Shape.CHAT, []) + terminator(Shape.CHAT) == b"data: [DONE]\n\n"


WORDS = st.text("ab.E\u00e9", max_size=8)
ITEMS = st.lists(
    st.one_of(
        st.lists(WORDS, max_size=2).map(lambda ws: message(*(text(w) for w in ws))),
        st.lists(WORDS, max_size=2).map(lambda ws: reasoning(*ws)),
        st.lists(WORDS, max_size=2).map(lambda ws: reasoning(summary=ws)),
        WORDS.map(lambda w: message(refusal(w))),
        WORDS.map(lambda w: function_call("f", w)),
        WORDS.map(lambda w: custom_call("patch", w)),
    ),
    max_size=5,
)


def numbered(items: list[Json]) -> list[Json]:
    made: list[Json] = []
    for number, item in enumerate(items):
        ids = {"id": f"item_{number}"}
        if "call_id" in item:
            ids["call_id"] = f"call_{number}"
        made.append({**item, **ids})
    return made


@given(items=ITEMS.map(numbered), size=st.integers(1, 4), stops=st.lists(WORDS, max_size=2))
def test_folding_a_translated_stream_equals_translating_the_whole(
    items: list[Json], size: int, stops: list[str]
) -> None:
    body: Json = {**ALL_TOOLS, "stop": [stop for stop in stops if stop]}
    reply = response(*items)
    expected = whole(body, reply)["choices"][0]
    events = events_of(reply, size)
    assert folded(streamed(body, events)) == expected
    assert folded(streamed(body, like_llamacpp(events))) == expected
    assert folded(streamed(body, [ending(reply)])) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
TYPES = st.sampled_from([*{event["type"] for event in events_of(FULL)}, "error"]) | JSON
FIELDS = st.sampled_from(
    [
        "item",
        "response",
        "delta",
        "item_id",
        "output_index",
        "content_index",
        "summary_index",
        "logprobs",
        "annotation",
        "arguments",
        "input",
        "name",
        "call_id",
        "content",
        "summary",
        "output",
        "status",
        "error",
        "usage",
        "id",
        "type",
        "phase",
        "text",
        "service_tier",
        "annotations",
        "refusal",
        "token",
        "logprob",
        "top_logprobs",
        "bytes",
        "created_at",
    ]
)
PARTS = st.recursive(
    JSON | st.sampled_from(["message", "reasoning", "function_call", "custom_tool_call"]),
    lambda inner: (
        st.dictionaries(FIELDS, inner, max_size=5)
        | st.lists(st.dictionaries(FIELDS, inner, max_size=4), max_size=3)
    ),
    max_leaves=12,
)
EVENTS = st.builds(
    lambda kind, fields: {**fields, "type": kind}, TYPES, st.dictionaries(FIELDS, PARTS, max_size=5)
)


@example(events=[{"type": [], "response": {}}])
@given(events=st.lists(EVENTS | JSON, max_size=6))
def test_any_events_give_nothing_but_chunks_or_a_gateway_error(events: list[Json]) -> None:
    body = {"stream": True, "logprobs": True, "stop": ".", **ALL_TOOLS}
    chunks = outcome(lambda: run(translated(body, context(VLLM)).stream(), events))
    if not isinstance(chunks, GatewayError):
        assert encode_events(Shape.CHAT, chunks) is not None


@given(reply=st.dictionaries(FIELDS, PARTS, max_size=6) | JSON)
def test_any_reply_gives_nothing_but_a_completion_or_a_gateway_error(reply: Json) -> None:
    made = outcome(lambda: translated({"logprobs": True, **ALL_TOOLS}).reply([reply]))
    assert isinstance(made, GatewayError) or made["object"] == "chat.completion"


def test_nothing_follows_the_end() -> None:
    report = Report(Shape.CHAT, Shape.RESPONSES)
    prepared = prepare({"messages": HELLO}, context(), report)
    fold = OutputFold(prepared, prepared.calls[0], context(), report)
    fold.feed(ending(response(message(text("a")))))
    assert fold.finish_reason == "stop"
    assert fold.feed(ending(response(message(text("b"), id="2")))) == []


def test_events_of_hosted_tools_are_left_out() -> None:
    item = {"type": "web_search_call", "id": "ws_1"}
    chunks = streamed(
        {},
        [
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            *events_of(response(message(text("a")))),
        ],
    )
    assert joined(chunks, "content") == "a"
