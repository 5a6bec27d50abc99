from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo import emulator
from gateway.demo.rules import chat as chat_rules
from tests.demo.client import post
from tests.demo.endpoints.test_chat import CLOCK, WEATHER, chat
from tests.demo.rules.test_checks import JSON

APP = emulator.build()
CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}


@pytest.mark.parametrize("name", ["prompt", "best_of", "echo", "suffix", "input", "foo"])
def test_what_belongs_elsewhere_is_unrecognized(name: str) -> None:
    message = f"Unrecognized request argument supplied: {name}"
    body: dict[str, Any] = {name: None}
    assert chat(**body).error() == (400, message, None, None)


def test_messages_are_required() -> None:
    reply = post(APP, "/v1/chat/completions", model="gpt-4o-mini")
    assert reply.error()[2:] == ("messages", "missing_required_parameter")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": "x", "reasoning_content": "y"}]},
            "messages[0].reasoning_content",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": []}]},
            "messages[0].tool_calls",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{**CALL, "id": "c" * 41}]}]},
            "messages[0].tool_calls[0].id",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": "x"}]},
            "messages.[0].role",
        ),
        ({"logprobs": 1}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"max_completion_tokens": 5, "max_tokens": 5}, None),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"tools": None}, "tools"),
        ({"tools": []}, "tools"),
        ({"tools": [{"type": "function", "name": "flat"}]}, "tools[0].function"),
        ({"tools": [CLOCK], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"functions": [CLOCK["function"]], "function_call": "required"}, "function_call"),
        ({"functions": [CLOCK["function"]], "function_call": {}}, "function_call.name"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_object"}}, "messages"),
        ({"reasoning_effort": "low"}, None),
        ({"service_tier": "ultrafast"}, "service_tier"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(body: dict[str, Any], param: str | None) -> None:
    status, _, named, _ = chat(**body).error()
    assert (status, named) == (400, param)


def test_structured_outputs_are_not_for_every_model() -> None:
    structured = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    assert chat(response_format=structured).status == 200
    _, message, _, _ = chat(model="gpt-3.5-turbo", response_format=structured).error()
    assert message.startswith("Invalid parameter: 'response_format' of type 'json_schema'")


@pytest.mark.parametrize(
    ("body", "status", "message", "param", "code"),
    [
        (
            {"max_tokens": 5},
            400,
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model."
                " Use 'max_completion_tokens' instead."
            ),
            "max_tokens",
            "unsupported_parameter",
        ),
        (
            {"temperature": 0},
            400,
            (
                "Unsupported value: 'temperature' does not support 0 with this model."
                " Only the default (1) value is supported."
            ),
            "temperature",
            "unsupported_value",
        ),
        (
            {"stop": "x"},
            400,
            "Unsupported parameter: 'stop' is not supported with this model.",
            "stop",
            "unsupported_parameter",
        ),
        (
            {"presence_penalty": 1},
            400,
            "Unsupported parameter: 'presence_penalty' is not supported with this model.",
            "presence_penalty",
            "unsupported_parameter",
        ),
        (
            {"top_p": 0.5, "reasoning_effort": "low"},
            400,
            "Unsupported parameter: 'top_p' is not supported with this model.",
            "top_p",
            "unsupported_parameter",
        ),
        (
            {"logprobs": True},
            403,
            "You are not allowed to request logprobs from this model",
            None,
            None,
        ),
        (
            {"tools": [WEATHER], "reasoning_effort": "low"},
            400,
            (
                "Function tools with reasoning_effort are not supported for gpt-5.4-mini in"
                " /v1/chat/completions. To use function tools, use /v1/responses or set"
                " reasoning_effort to 'none'."
            ),
            "reasoning_effort",
            None,
        ),
    ],
)
def test_a_reasoning_model_refuses_in_openais_words(
    body: dict[str, Any], status: int, message: str, param: str | None, code: str | None
) -> None:
    assert chat(model="gpt-5.4-mini", **body).error() == (status, message, param, code)


@pytest.mark.parametrize(
    "body",
    [
        {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0.0},
        {"max_completion_tokens": 20, "stop": None, "logprobs": False},
        {"tools": [WEATHER]},
        {"tools": [WEATHER], "reasoning_effort": "none"},
        {"reasoning_effort": "high"},
        {"temperature": 0.5, "top_p": 0.5, "logprobs": True, "reasoning_effort": "none"},
    ],
)
def test_a_reasoning_model_takes_defaults(body: dict[str, Any]) -> None:
    assert chat(model="gpt-5.4-mini", **body).status == 200


def test_what_openai_documents_is_taken() -> None:
    reply = chat(
        metadata={"a": "b"},
        store=True,
        modalities=["text"],
        service_tier="auto",
        verbosity="low",
        safety_identifier="me",
        prompt_cache_key="k",
        prediction=None,
        logit_bias={"1": 2},
        tools=[CLOCK, {"type": "custom", "custom": {"name": "free"}}],
        tool_choice="auto",
    )
    assert reply.status == 200


MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "function"])},
    optional={
        "content": JSON,
        "tool_calls": JSON | st.just([CALL]),
        "tool_call_id": st.just("call_1") | JSON,
        "name": JSON,
    },
)


@given(
    st.lists(MESSAGES, max_size=3) | JSON,
    st.dictionaries(st.sampled_from(sorted(chat_rules.PARAMETERS)), JSON, max_size=4),
)
def test_any_parameters_give_a_reply_or_a_refusal(messages: Any, body: dict[str, Any]) -> None:
    reply = chat(**{"messages": messages, **body, "model": "gpt-4o-mini"})
    assert reply.status in (200, 400)
    assert reply.complete
