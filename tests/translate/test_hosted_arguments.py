"""Arguments of hosted tools in streams of responses: they are those of no client's call."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Translation
from gateway.translate.plan import plan
from tests.translate.chat_via_responses.cases import (
    context,
    events_of,
    function_call,
    message,
    response,
    text,
)

HELLO: list[Json] = [{"role": "user", "content": "hello"}]
CLIENTS: dict[Shape, Json] = {
    Shape.CHAT: {"messages": HELLO},
    Shape.COMPLETIONS: {"prompt": "hello"},
    Shape.MESSAGES: {"messages": HELLO, "max_tokens": 50},
}
ARGUMENTS = "response.function_call_arguments"
MCP: Json = {"type": "mcp_call", "id": "h_1", "name": "q", "arguments": '{"a":1}'}
BEGUN: Json = {"type": "response.output_item.added", "item": {**MCP, "arguments": ""}}
DONE: Json = {"type": "response.output_item.done", "item": MCP}


def translated(client: Shape) -> Translation:
    return plan(
        client, Shape.RESPONSES, {"model": "m", "stream": True, **CLIENTS[client]}, context()
    )


def said(client: Shape, *more: Json) -> Any:
    """Return what is sent for a reply with an MCP call, and more events within that."""
    translation = translated(client)
    stream = translation.stream()
    first, *rest = events_of(response(message(text("HI")), function_call("f", "{}")))
    events = [first, BEGUN, *more, DONE, *rest]
    sent = [each for event in events for each in stream.feed(0, event)]
    return sent + stream.end(0), translation.report.dropped


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "kind",
    [
        "response.mcp_call_arguments",
        "response.code_interpreter_call_code",
        ARGUMENTS,
        "response.custom_tool_call_input",
    ],
)
def test_arguments_of_a_hosted_tool_are_passed_over(client: Shape, kind: str) -> None:
    pieces = [
        {"type": f"{kind}.delta", "item_id": "h_1", "delta": piece} for piece in ('{"a"', ":1}")
    ]
    end = {"type": f"{kind}.done", "item_id": "h_1", "arguments": '{"a":1}'}
    assert said(client, *pieces, end) == said(client)


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.MESSAGES])
def test_a_call_that_has_the_id_of_a_hosted_tool_keeps_its_arguments(client: Shape) -> None:
    call = {**function_call("g", ""), "id": "h_1", "call_id": "call_g"}
    begun = {"type": "response.output_item.added", "output_index": 7, "item": call}
    piece = {"type": f"{ARGUMENTS}.delta", "item_id": "h_1", "delta": '{"b":2}'}
    sent, _ = said(client, begun, piece)
    assert '{"b":2}' in str(sent)
