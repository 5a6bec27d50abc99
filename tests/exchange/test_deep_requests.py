"""Requests that are nested as deeply as they can just be decoded are refused, or served: no 500."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule
from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from tests.exchange.scene import Scene
from tests.exchange.test_odd_replies import ASKED, DEPTHS, WHOLE, nested, sent

CALLS: dict[Shape, Json] = {
    Shape.RESPONSES: {
        "input": [
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "DEEP"},
            {"type": "function_call_output", "call_id": "c", "output": "x"},
        ]
    },
    Shape.MESSAGES: {
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c", "name": "f", "input": "DEEP"}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}]},
        ]
    },
}
"""Calls whose arguments are an object."""


def with_nested(body: Json, depth: int) -> Any:
    text = msgspec.json.encode(body)
    return msgspec.Raw(text.replace(b'"DEEP"', bytes(nested(depth))))


@pytest.mark.parametrize("home", Shape)
@pytest.mark.parametrize(
    ("client", "field"),
    [
        *((shape, {"tools": "DEEP"}) for shape in Shape),
        *((shape, {"metadata": {"a": "DEEP"}}) for shape in Shape),
        (Shape.RESPONSES, {"previous_response_id": "DEEP"}),
        (Shape.RESPONSES, {"conversation": "DEEP", "previous_response_id": "r"}),
        (Shape.CHAT, {"response_format": {"type": "json_schema", "json_schema": "DEEP"}}),
        *CALLS.items(),
    ],
)
def test_a_request_that_is_nested_deeply_is_no_fault_of_the_gateway(
    client: Shape, field: Json, home: Shape
) -> None:
    scene = Scene(lambda _: sent(WHOLE[home]), rules=(ModelRule("m", endpoints=(home,)),))
    for depth in DEPTHS:
        with suppress(InvalidRequest):
            scene.generate(client, with_nested({**ASKED[client], **field}, depth))
