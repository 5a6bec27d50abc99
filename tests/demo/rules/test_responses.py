from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.rules import responses as responses_rules
from tests.demo.client import post
from tests.demo.endpoints.test_responses import APP, CLOCK, respond
from tests.demo.rules.test_checks import JSON

CALL = {"type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}


def test_a_chat_body_is_told_where_its_parameters_went() -> None:
    reply = post(APP, "/v1/responses", model="gpt-4o-mini", messages=[])
    assert reply.error() == (
        400,
        (
            "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to"
            " 'input'. Try again with the new parameter. See the API documentation for more"
            " information: https://platform.openai.com/docs/api-reference/responses/create."
        ),
        "messages",
        "unsupported_parameter",
    )
    assert "'max_output_tokens'" in respond(max_tokens=5).error()[1]


def test_an_unknown_parameter_is_named() -> None:
    assert respond(stop="x").error() == (
        400,
        "Unknown parameter: 'stop'.",
        "stop",
        "unknown_parameter",
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": 1}, "input"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        (
            {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
            "input[0].content[0].type",
        ),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "input[0].content[0].type",
        ),
        ({"input": [{"role": "user", "content": "x", "name": "me"}]}, "input[0].name"),
        ({"input": [{**CALL, "id": "call_1"}]}, "input[0].id"),
        ({"input": [{**CALL, "call_id": "c" * 65}]}, "input[0].call_id"),
        ({"input": [{"type": "tool_call"}]}, "input[0].type"),
        ({"input": [OUTPUT]}, "input"),
        ({"max_output_tokens": 15}, "max_output_tokens"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"include": ["everything"]}, "include[0]"),
        ({"reasoning": {"max_tokens": 1}}, "reasoning.max_tokens"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ({"tools": [{"type": "function", "function": {"name": "x"}}]}, "tools[0].name"),
        ({"tools": [CLOCK], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
        (
            {"stream": True, "stream_options": {"include_usage": True}},
            "stream_options.include_usage",
        ),
        ({"stream_options": {}}, "stream_options"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    status, _, named, _ = respond("hello", **body).error()
    assert (status, named) == (400, param)


def test_every_kind_of_item_is_taken() -> None:
    items = [
        {"role": "system", "content": "s", "type": "message"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/a"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {**CALL, "id": "fc_1", "status": "completed"},
        OUTPUT,
        {
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [{"type": "output_text", "text": "x", "annotations": []}],
        },
    ]
    assert respond(items).status == 200


@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_a_thinking_model_takes_no_sampling(name: str) -> None:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    assert respond(model="o1-pro", **{name: 0.5}).error() == (400, message, name, None)
    assert respond(model="gpt-5.4-mini", **{name: 0.5}).status == 200
    thinking = {"model": "gpt-5.4-mini", "reasoning": {"effort": "high"}}
    assert respond(**thinking, **{name: 0.5}).status == 400
    assert respond(model="o1-pro", **{name: 1}).status == 200


def test_a_thinking_model_gives_no_logprobs() -> None:
    reply = respond(model="o1-pro", include=["message.output_text.logprobs"])
    assert reply.error()[2] == "include"


@pytest.mark.parametrize("named", [{"user": None}, {"client_metadata": {"a": "b"}}])
def test_what_clients_send_beside_the_specification_is_taken(named: dict[str, Any]) -> None:
    assert respond(**named).status == 200


ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"]),
        "role": st.sampled_from(["user", "assistant"]),
        "content": JSON,
        "call_id": st.just("call_1"),
        "name": JSON,
        "arguments": JSON,
        "output": JSON,
        "summary": JSON,
    },
)


@given(
    st.lists(ITEMS, max_size=3) | JSON,
    st.dictionaries(st.sampled_from(sorted(responses_rules.PARAMETERS)), JSON, max_size=4),
)
def test_any_parameters_give_a_reply_or_a_refusal(items: Any, body: dict[str, Any]) -> None:
    reply = post(APP, "/v1/responses", **{"input": items, **body, "model": "gpt-4o-mini"})
    assert reply.status in (200, 400)
    assert reply.complete


@pytest.mark.parametrize(
    ("body", "status", "message", "code"),
    [
        ({"conversation": "conv_1"}, 404, "Conversation with id 'conv_1' not found.", None),
        ({"conversation": {"id": "c"}}, 404, "Conversation with id 'c' not found.", None),
        ({"prompt": {"id": "pmpt_1"}}, 404, "Prompt with id 'pmpt_1' not found.", None),
        (
            {"conversation": "conv_1", "previous_response_id": "resp_1"},
            400,
            (
                "Mutually exclusive parameters: ''. Ensure you are only providing one of: "
                "'pre..._id' or 'conversation'."
            ),
            "mutually_exclusive_parameters",
        ),
    ],
)
def test_nothing_is_stored(body: dict[str, Any], status: int, message: str, code: Any) -> None:
    assert respond("hello", **body).error() == (status, message, None, code)
    without_input = post(APP, "/v1/responses", model="gpt-4o-mini", **body)
    assert without_input.error() == (status, message, None, code)
