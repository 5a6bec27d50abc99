"""Replies for messages clients, read by Anthropic's own SDK: its types, and its stream helper.

It is imported where it is used: that takes more than a second, and each process collects all tests.
"""

import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from pydantic import TypeAdapter

from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.stream.sse import encode_events
from tests.messages_grammar import read_message
from tests.translate.anthropic_schema import FILE, schemas_of
from tests.translate.chat_via_responses import cases
from tests.translate.messages_client import Pair, context
from tests.translate.messages_via_chat.chat import PAIR as CHAT
from tests.translate.messages_via_responses.responses import PAIR as RESPONSES
from tests.translate.responses_via_chat.chat_backend import ROLE, USAGE, chunk, fragment
from tests.translate.sealing import OpenSeal

TOOLS: Json = {"tools": frozenset({"f", "g"})}
CHAT_EVENTS = [
    ROLE,
    chunk(reasoning_content="Two "),
    chunk(reasoning_content="numbers.", reasoning_details=[{"type": "reasoning.encrypted"}]),
    chunk("Let "),
    chunk("me."),
    chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
    chunk(tool_calls=[fragment(1, '{"b":', name="g", call_id="call|b")]),
    chunk(tool_calls=[fragment(0, ":1}"), fragment(1, "[2]}")]),
    chunk(finish="tool_calls"),
    USAGE,
]
OUTPUT = cases.response(
    cases.reasoning(summary=["One.", "Two."], encrypted_content="x"),
    cases.reasoning(id="rs_2", encrypted_content="y"),
    cases.message(cases.text("Hello."), cases.refusal("But no.")),
    cases.function_call("f", '{"a":1}'),
    cases.function_call("g", "{}"),
)
STREAMS: list[tuple[str, Pair, list[Json], Json]] = [
    ("chat", CHAT, CHAT_EVENTS, {}),
    ("chat, cut", CHAT, [*CHAT_EVENTS[:7], chunk(finish="length")], {}),
    ("chat, stopped", CHAT, [chunk("a EN"), chunk("D b")], {"stop_sequences": ("END",)}),
    ("chat, refused", CHAT, [chunk(refusal="No."), chunk(finish="stop")], {}),
    ("chat, omitted", CHAT, CHAT_EVENTS, {"thinking": "omitted"}),
    ("responses", RESPONSES, cases.events_of(OUTPUT), {}),
    ("responses, omitted", RESPONSES, cases.events_of(OUTPUT), {"thinking": "omitted"}),
    ("responses, empty", RESPONSES, cases.events_of(cases.response()), {}),
]


def played(pair: Pair, events: Sequence[Json], asked: Json) -> list[Json]:
    fold = pair.asking(context(seal=OpenSeal()), **asked, **TOOLS).stream()
    received = [each for event in events for each in fold.feed(0, event)]
    return received + fold.end(0)


@pytest.fixture(params=STREAMS, ids=[name for name, *_ in STREAMS])
def events(request: pytest.FixtureRequest) -> list[Json]:
    _, pair, upstream, asked = request.param
    return played(pair, upstream, asked)


def test_every_event_is_one_of_the_sdks(events: list[Json]) -> None:
    import anthropic

    known = TypeAdapter[Any](anthropic.types.RawMessageStreamEvent)
    for event in events:
        known.validate_python(event, strict=True)


def test_whole_messages_are_the_sdks() -> None:
    import anthropic

    known = TypeAdapter(anthropic.types.Message)
    for asked in (TOOLS, {**TOOLS, "thinking": "omitted"}):
        message = RESPONSES.replied(OUTPUT, context(seal=OpenSeal()), **asked)
        known.validate_python(message, strict=True)


def test_all_tests_know_the_sdks_types() -> None:
    import anthropic

    schemas = (
        TypeAdapter(anthropic.types.Message).json_schema(),
        TypeAdapter[Any](anthropic.types.RawMessageStreamEvent).json_schema(),
    )
    assert json.loads(FILE.read_text("utf-8")) == schemas_of(*schemas)


def client(body: bytes) -> Any:
    """Return a client of the SDK to which every request is answered with this stream."""
    import anthropic

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    transport = httpx2.MockTransport(answer)
    return anthropic.Anthropic(
        api_key="k",
        base_url="http://gateway",
        http_client=httpx2.Client(transport=transport),
        max_retries=0,
    )


def final_message(body: bytes) -> Json:
    asked: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "?"}]}
    with client(body) as of, of.messages.stream(**asked) as stream:
        message: Json = stream.get_final_message().to_dict()
    return message


def test_the_sdks_stream_helper_reads_the_same_message(events: list[Json]) -> None:
    expected = read_message(events)
    message = final_message(encode_events(Shape.MESSAGES, events))
    assert len(message["content"]) == len(expected["content"])
    for block, other in zip(message["content"], expected["content"], strict=True):
        if isinstance(other.get("input"), str):
            continue  # Cut off: the SDK completes it.
        assert {name: block[name] for name in other} == other
    assert message["stop_reason"] == expected["stop_reason"]
    assert message["usage"]["output_tokens"] == expected["usage"]["output_tokens"]


def test_an_error_in_a_stream_is_the_sdks_error() -> None:
    import anthropic

    fold = CHAT.asking(**TOOLS).stream()
    begun = [each for event in CHAT_EVENTS[:4] for each in fold.feed(0, event)]
    with pytest.raises(TruncatedStream) as cut_off:
        fold.end(0)
    body = encode_events(Shape.MESSAGES, [*begun, *fold.fail(cut_off.value)])
    with pytest.raises(anthropic.APIStatusError, match="ended before its reply was complete"):
        final_message(body)
