"""The items of agents' chat messages."""

from typing import Any

import pytest
from msgspec.json import decode, encode

from gateway.fast.agents.from_chat.chat_items import ItemWriter
from gateway.fast.agents.from_chat.chat_requests import read_chat_request
from gateway.fast.agents.uncommon import Uncommon
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from tests.fast.agents.chat_traffic import CALL, IMAGE, TEXT
from tests.fast.codecs.test_chat_via_responses import make_context
from tests.translate.chat_via_responses.cases import OPENAI, VLLM


def items(*messages: Json, able: Any = OPENAI) -> tuple[list[Json], Report]:
    report = Report(Shape.CHAT, Shape.RESPONSES)
    read = read_chat_request(encode({"messages": messages})).messages
    return decode(encode(ItemWriter(make_context(able), report).items(read))), report


def test_a_turn_with_calls_is_one_item_for_each() -> None:
    calls = [CALL, {**CALL, "id": "call_2"}]
    written, report = items(
        {"role": "assistant", "content": "Hm.", "tool_calls": calls, "name": "Bot"},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    )
    kinds = [item["type"] for item in written]
    assert kinds == ["message", "function_call", "function_call", "function_call_output"]
    assert report.dropped == ["messages[0].name"]


def test_images_have_a_detail() -> None:
    written, _ = items({"role": "user", "content": [TEXT, IMAGE]})
    image = {"type": "input_image", "image_url": IMAGE["image_url"]["url"], "detail": "auto"}
    assert written[0]["content"] == [{**TEXT, "type": "input_text"}, image]


def test_reasoning_is_dropped_where_it_is_not_taken() -> None:
    thought = {"role": "assistant", "content": "x", "reasoning_content": "a", "reasoning": "a"}
    _, report = items(thought)
    assert report.dropped == ["messages[0].reasoning_content", "messages[0].reasoning"]
    with pytest.raises(Uncommon):
        items(thought, able=VLLM)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": [IMAGE]},
        {"role": "assistant", "content": [TEXT, TEXT]},
        {"role": "assistant", "content": [IMAGE]},
        {"role": "assistant"},
        {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]},
        {"role": "user", "content": [{"type": "text", "text": 3}]},
    ],
)
def test_anything_else_is_not_admitted(message: Json) -> None:
    with pytest.raises(Uncommon):
        items(message)
