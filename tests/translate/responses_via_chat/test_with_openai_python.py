"""openai-python's stream helper, the strictest reader of responses streams that is in wide use."""

from collections.abc import Sequence
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import ParsedResponse
from pydantic import TypeAdapter

from gateway.errors import GatewayError, TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.responses import RESPONSES_PARAMETERS
from gateway.translate.schema.responses_input import FOREIGN_ITEMS, HOSTED_RECORDS, ITEMS
from gateway.translate.stream.sse import encode_events
from tests.translate.responses_via_chat.chat_backend import (
    ROLE,
    SELF_HOSTED,
    USAGE,
    asking,
    chunk,
    context,
    fragment,
)

TOOLS: Any = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "patch"},
]


def _final(chat: Sequence[Json], failure: GatewayError | None = None) -> ParsedResponse[Any]:
    fold = asking(context(SELF_HOSTED), stream=True, tools=TOOLS).stream()
    events = [event for received in chat for event in fold.feed(0, received)]
    events += fold.end(0) if failure is None else fold.fail(failure)
    wire = encode_events(Shape.RESPONSES, events)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=wire)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        openai.OpenAI(
            api_key="k", base_url="http://gateway.example/v1", http_client=http
        ) as client,
        client.responses.stream(model="asked", input="Hello", tools=TOOLS) as stream,
    ):
        for _ in stream:
            pass
        return stream.get_final_response()


def test_it_reads_reasoning_text_and_interleaved_calls() -> None:
    response = _final(
        [
            ROLE,
            chunk(reasoning="hm"),
            chunk("Let me "),
            chunk("see."),
            chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(1, '{"input":"x"}', name="patch", call_id="call_b")]),
            chunk(tool_calls=[fragment(0, ":1}")]),
            chunk("Done."),
            chunk(finish="tool_calls"),
            USAGE,
        ]
    )
    assert response.output_text == "Let me see.Done."
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "message",
    ]
    assert response.usage is not None
    assert response.usage.total_tokens == 8


def test_it_raises_on_a_failure() -> None:
    with pytest.raises(openai.APIError, match="cut off"):
        _final([ROLE, chunk("a")], TruncatedStream("cut off"))


def test_every_parameter_of_the_sdk_is_known() -> None:
    from openai.types.chat import completion_create_params as chat
    from openai.types.responses import response_create_params as responses

    base, whole = chat.CompletionCreateParamsBase, chat.CompletionCreateParamsNonStreaming
    assert {*base.__annotations__, *whole.__annotations__} == CHAT_PARAMETERS.keys()
    of, complete = responses.ResponseCreateParamsBase, responses.ResponseCreateParamsNonStreaming
    assert {*of.__annotations__, *complete.__annotations__} == RESPONSES_PARAMETERS.keys()


def test_every_type_of_item_of_the_sdk_is_known() -> None:
    from openai.types.responses.response_input_item import ResponseInputItem

    schema = TypeAdapter[Any](ResponseInputItem).json_schema()
    items = [schema["$defs"][each["$ref"].rsplit("/", 1)[1]] for each in schema["anyOf"]]
    kinds = {item["properties"]["type"].get("const", "message") for item in items}
    # The type of a reference may be left out.
    assert kinds - {"message"} | {"item_reference"} == ITEMS.keys() | HOSTED_RECORDS | FOREIGN_ITEMS
