"""A whole response that cannot be replayed is refused by the field that is wrong."""

import re
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.stream.replay import replayed
from gateway.translate.stream.response_form import check_response
from tests.translate.openai_schema import check_response_event

TEXT: Json = {"type": "output_text", "text": "a", "annotations": [], "logprobs": []}
MESSAGE: Json = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [TEXT],
}
REASONING: Json = {"id": "rs_1", "type": "reasoning", "summary": []}
CALL: Json = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "c",
    "name": "f",
    "arguments": "{}",
    "status": "completed",
}
CUSTOM: Json = {"id": "ct_1", "type": "custom_tool_call", "call_id": "c", "name": "p", "input": "x"}


def response(*items: object, **fields: object) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": list(items),
        **fields,
    }


def message(*parts: object) -> Json:
    return {**MESSAGE, "content": list(parts)}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({}, "'output' is not a list"),
        (response(output={}), "'output' is not a list"),
        (response(MESSAGE, status=1), "'status' is not a string"),
        (response(5), "'output[0]' is not an object"),
        (response(MESSAGE, None), "'output[1]' is not an object"),
        (response({"id": "x"}), "'output[0].type' is not a string"),
        (response({**MESSAGE, "id": 1}), "'output[0].id' is not a string"),
        (response({**MESSAGE, "type": ["message"]}), "'output[0].type' is not a string"),
        (response({**MESSAGE, "content": "a"}), "'output[0].content' is not a list"),
        (response(message("a")), "'output[0].content[0]' is not an object"),
        (response(message(TEXT, {"text": "a"})), "'output[0].content[1].type' is not a string"),
        (response(message({**TEXT, "text": None})), "'output[0].content[0].text' is not a string"),
        (response(message({"type": "refusal"})), "'output[0].content[0].refusal' is not a string"),
        (
            response(message({**TEXT, "annotations": {}})),
            "'output[0].content[0].annotations' is not a list",
        ),
        (
            response(message({**TEXT, "annotations": ["a"]})),
            "'output[0].content[0].annotations[0]' is not an object",
        ),
        (response({**REASONING, "summary": "a"}), "'output[0].summary' is not a list"),
        (response({**REASONING, "summary": [{}]}), "'output[0].summary[0].text' is not a string"),
        (response(MESSAGE, {**CALL, "name": None}), "'output[1].name' is not a string"),
        (response({**CALL, "arguments": {}}), "'output[0].arguments' is not a string"),
        (response({**CUSTOM, "input": 1}), "'output[0].input' is not a string"),
    ],
)
def test_the_error_names_the_field(reply: Json, said: str) -> None:
    with pytest.raises(UpstreamError, match=re.escape(f"response cannot be used: {said}.")):
        check_response(reply)


@pytest.mark.parametrize(
    ("item", "kinds"),
    [
        ({**REASONING, "summary": None, "content": None}, []),
        (
            {**REASONING, "content": [{"type": "reasoning_text", "text": "hm"}]},
            ["reasoning_text.delta"],
        ),
        (message({**TEXT, "annotations": None, "logprobs": None}), ["output_text.delta"]),
        (message({"type": "output_new", "data": "x"}), ["content_part.done"]),
        (CUSTOM, ["custom_tool_call_input.delta"]),
        ({"id": "ws_1", "type": "web_search_call", "status": "completed"}, []),
    ],
)
def test_what_servers_leave_out_can_be_replayed(item: Json, kinds: list[str]) -> None:
    reply = response(item)
    check_response(reply)
    events = replayed(reply)
    assert events[-2]["item"] == item
    assert {f"response.{kind}" for kind in kinds} <= {event["type"] for event in events}


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, "completed"),
        ({"error": {"code": "server_error", "message": "No."}}, "failed"),
        ({"status": "incomplete"}, "incomplete"),
    ],
)
def test_without_a_status_it_has_an_end(fields: dict[str, Any], end: str) -> None:
    reply = response(MESSAGE)
    del reply["status"]
    reply |= fields
    check_response(reply)
    assert replayed(reply)[-1] == {
        "type": f"response.{end}",
        "sequence_number": 8,
        "response": reply,
    }


def test_the_events_of_texts_are_openais() -> None:
    for event in replayed(response(MESSAGE, REASONING, CALL))[2:-1]:
        check_response_event(event)
