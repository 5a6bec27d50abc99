from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.chat import CHAT_PARAMETERS, check_chat
from tests.translate.chat_via_completions.cases import outcome

HELLO = [{"role": "user", "content": "hello"}]


def fault(**body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        check_chat({"messages": HELLO, **body})
    assert caught.value.status == 400
    return caught.value


def test_the_table_has_the_parameters_of_openais_library() -> None:
    params = CompletionCreateParamsNonStreaming
    assert set(CHAT_PARAMETERS) == params.__required_keys__ | params.__optional_keys__


def test_nulls_are_dropped_and_the_body_is_not_changed() -> None:
    body: Json = {
        "messages": [{"role": "user", "content": "hello", "name": None}],
        "stop": None,
        "tools": None,
        "top_k": None,
        "min_p": 0.1,
    }
    before = repr(body)
    assert check_chat(body) == {"messages": HELLO, "min_p": 0.1}
    assert repr(body) == before


@pytest.mark.parametrize("strict", ["false", "true", 1, 0, [], {}])
def test_whether_a_function_is_strict_is_true_or_false(strict: object) -> None:
    function = {"name": "f", "strict": strict}
    error = fault(tools=[{"type": "function", "function": function}])
    assert (error.param, error.code) == ("tools[0].function.strict", "invalid_type")
    assert fault(functions=[function]).param == "functions[0].strict"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("audio", "alloy", "invalid_type"),
        ("frequency_penalty", 2.1, "decimal_above_max_value"),
        ("function_call", "required", "invalid_value"),
        ("function_call", 1, "invalid_type"),
        ("functions", {}, "invalid_type"),
        ("logit_bias", [], "invalid_type"),
        ("logprobs", 1, "invalid_type"),
        ("max_completion_tokens", 0, "integer_below_min_value"),
        ("max_tokens", True, "invalid_type"),
        ("messages", "hello", "invalid_type"),
        ("messages", [], "empty_array"),
        ("metadata", "a", "invalid_type"),
        ("modalities", "audio", "invalid_type"),
        ("model", 4, "invalid_type"),
        ("moderation", True, "invalid_type"),
        ("n", 0, "integer_below_min_value"),
        ("n", 129, "integer_above_max_value"),
        ("parallel_tool_calls", "yes", "invalid_type"),
        ("prediction", "x", "invalid_type"),
        ("presence_penalty", -3, "decimal_below_min_value"),
        ("prompt_cache_key", 1, "invalid_type"),
        ("prompt_cache_options", 1, "invalid_type"),
        ("prompt_cache_retention", 24, "invalid_type"),
        ("reasoning_effort", 1, "invalid_type"),
        ("response_format", "json", "invalid_type"),
        ("safety_identifier", "x" * 129, "string_above_max_length"),
        ("seed", 2**63, "integer_above_max_value"),
        ("service_tier", 1, "invalid_type"),
        ("stop", 1, "invalid_type"),
        ("stop", ["x"] * 65, "array_above_max_length"),
        ("stop", "", "invalid_value"),
        ("store", "yes", "invalid_type"),
        ("stream", 1, "invalid_type"),
        ("stream_options", True, "invalid_type"),
        ("temperature", "hot", "invalid_type"),
        ("temperature", 2.5, "decimal_above_max_value"),
        ("tool_choice", "always", "invalid_value"),
        ("tool_choice", 1, "invalid_type"),
        ("tools", {}, "invalid_type"),
        ("top_logprobs", 21, "integer_above_max_value"),
        ("top_p", 1.5, "decimal_above_max_value"),
        ("user", 1, "invalid_type"),
        ("verbosity", 1, "invalid_type"),
        ("web_search_options", 1, "invalid_type"),
        ("continue_final_message", 1, "invalid_type"),
    ],
)
def test_a_wrong_value_names_its_parameter(name: str, value: object, code: str) -> None:
    error = fault(**{name: value})
    assert (error.param, error.code) == (name, code)


@pytest.mark.parametrize(
    ("name", "value", "param"),
    [
        ("functions", [{}], "functions[0].name"),
        ("logit_bias", {"50256": -101}, "logit_bias.50256"),
        ("modalities", ["text", "video"], "modalities[1]"),
        ("response_format", {}, "response_format.type"),
        ("stop", ["a", ""], "stop[1]"),
        ("stop", ["a", 1], "stop[1]"),
        ("stream_options", {"include_usage": 1}, "stream_options.include_usage"),
        ("tools", [{"function": {"name": "f"}}], "tools[0].type"),
        ("tools", [{"type": "function"}], "tools[0].function"),
        ("tools", [{"type": "function", "function": {}}], "tools[0].function.name"),
        ("tools", [{"type": "custom"}], "tools[0].custom"),
    ],
)
def test_a_fault_inside_a_value_names_its_path(name: str, value: object, param: str) -> None:
    assert fault(**{name: value}).param == param


def test_tools_of_types_outside_chat_are_left_to_whoever_knows_them() -> None:
    tools = [{"type": "web_search", "filters": {}}, {"type": "custom", "custom": {"name": "c"}}]
    assert check_chat({"messages": HELLO, "tools": tools})["tools"] == tools


def test_a_tool_choice_is_a_word_or_an_object() -> None:
    for choice in ("auto", "none", "required", {"type": "function", "function": {"name": "f"}}):
        assert check_chat({"messages": HELLO, "tool_choice": choice})["tool_choice"] == choice


def test_messages_are_required() -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_chat({"messages": None})
    assert caught.value.param == "messages"
    assert caught.value.code == "missing_required_parameter"


def test_two_different_token_limits_are_refused() -> None:
    assert fault(max_tokens=5, max_completion_tokens=6).param == "max_tokens"
    assert check_chat({"messages": HELLO, "max_tokens": 5, "max_completion_tokens": 5})


def test_top_logprobs_need_logprobs() -> None:
    assert fault(top_logprobs=1).param == "top_logprobs"
    assert fault(top_logprobs=1, logprobs=False).param == "top_logprobs"
    assert check_chat({"messages": HELLO, "top_logprobs": 0})["top_logprobs"] == 0
    assert check_chat({"messages": HELLO, "top_logprobs": 2, "logprobs": True})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*CHAT_PARAMETERS, "role", "content", "type", "text", "echo", "x"])
OBJECTS = st.recursive(
    JSON | st.sampled_from(["user", "assistant", "text", "function"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=10,
)


@given(st.dictionaries(KEYS, OBJECTS, max_size=6))
def test_any_json_object_is_accepted_or_refused_with_an_envelope(body: Json) -> None:
    before = repr(body)
    checked = outcome(lambda: check_chat(body))
    if isinstance(checked, GatewayError):
        assert checked.status == 400
        assert checked.param
    else:
        assert checked["messages"]
        assert None not in checked.values()
    assert repr(body) == before
