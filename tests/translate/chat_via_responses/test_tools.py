"""Tools and tool choices of a chat request on their way to a responses endpoint."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import OPENAI, VLLM, call_of, context, translated
from tests.translate.openai_schema import check_schema

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
F = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
G = {"type": "function", "function": {"name": "g", "strict": True}}
PATCH = {"type": "custom", "custom": {"name": "patch", "description": "edits"}}
HOSTED = {"type": "web_search"}
FLAT_F = {
    "type": "function",
    "name": "f",
    "description": "d",
    "parameters": SCHEMA,
    "strict": False,
}
FORCED_F = {"type": "function", "function": {"name": "f"}}


def refusal_of(body: Json, **more: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        translated(body, context(**more))
    return caught.value


def allowed(mode: str, *tools: Json) -> Json:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}


def test_tools_are_flattened_with_strict_and_parameters_always_said() -> None:
    call = call_of({"tools": [F, G]})
    assert call["tools"] == [
        FLAT_F,
        {
            "type": "function",
            "name": "g",
            "strict": True,
            "parameters": {"type": "object", "properties": {}},
        },
    ]
    check_schema("CreateResponse", call)


def test_no_tools_at_all_are_sent_as_none() -> None:
    assert call_of({"tools": []}) == call_of({})


def test_custom_tools_keep_their_type() -> None:
    grammar = {"syntax": "lark", "definition": "start: A"}
    custom = {**PATCH["custom"], "format": {"type": "grammar", "grammar": grammar}}  # type: ignore[dict-item]
    call = call_of({"tools": [{"type": "custom", "custom": custom}]})
    assert call["tools"] == [
        {
            "type": "custom",
            "name": "patch",
            "description": "edits",
            "format": {"type": "grammar", **grammar},
        }
    ]
    check_schema("CreateResponse", call)


def test_custom_tools_become_functions_where_the_server_has_none() -> None:
    translation = translated({"tools": [PATCH]}, context(VLLM))
    (tool,) = translation.calls[0]["tools"]
    assert (tool["type"], tool["name"]) == ("function", "patch")
    assert tool["parameters"]["required"] == ["input"]
    assert tool["description"].startswith("edits")
    assert translation.report.emulated == ["tools[0].custom"]


def test_a_format_of_a_custom_tool_that_no_words_describe_is_reported() -> None:
    custom = {"type": "custom", "custom": {"name": "patch", "format": {"type": "grammar"}}}
    translation = translated({"tools": [custom]}, context(VLLM))
    assert translation.report.dropped == ["tools[0].custom.format"]


@pytest.mark.parametrize("choice", ["none", "auto", "required"])
def test_tool_choice_words_are_the_same(choice: str) -> None:
    assert call_of({"tools": [F], "tool_choice": choice})["tool_choice"] == choice


def test_tool_choice_of_a_function() -> None:
    call = call_of({"tools": [F], "tool_choice": FORCED_F})
    assert call["tool_choice"] == {"type": "function", "name": "f"}


def test_tool_choice_of_a_custom_tool() -> None:
    asked = {"tools": [PATCH], "tool_choice": {"type": "custom", "custom": {"name": "patch"}}}
    assert call_of(asked)["tool_choice"] == {"type": "custom", "name": "patch"}
    wrapped = call_of(asked, context(VLLM))["tool_choice"]
    assert wrapped == {"type": "function", "name": "patch"}


def test_tool_choice_of_some_tools() -> None:
    call = call_of({"tools": [F, G], "tool_choice": allowed("required", FORCED_F)})
    assert call["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}],
    }
    assert len(call["tools"]) == 2
    check_schema("CreateResponse", call)


def test_tool_choice_of_some_wrapped_tools() -> None:
    choice = allowed("auto", {"type": "custom", "custom": {"name": "patch"}})
    able = replace(OPENAI, custom_tools=False)
    call = call_of({"tools": [PATCH], "tool_choice": choice}, context(able))
    assert call["tool_choice"]["tools"] == [{"type": "function", "name": "patch"}]


def test_a_choice_of_some_tools_is_made_by_sending_only_those() -> None:
    translation = translated(
        {"tools": [F, G], "tool_choice": allowed("auto", FORCED_F)}, context(VLLM)
    )
    (call,) = translation.calls
    # vLLM would write `strict: false` into the prompt.
    said = {name: value for name, value in FLAT_F.items() if name != "strict"}
    assert (call["tools"], call["tool_choice"]) == ([said], "auto")
    assert translation.report.emulated == ["tool_choice"]


def test_a_choice_of_tools_that_are_not_there() -> None:
    other = {"type": "function", "function": {"name": "other"}}
    asked = {"tools": [F], "tool_choice": allowed("auto", other)}
    assert "tools" not in call_of(asked, context(VLLM))
    asked["tool_choice"] = allowed("required", other)
    assert refusal_of(asked, capabilities=VLLM, on_unsupported="drop").param == "tool_choice"


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_tool_choice_that_says_nothing_needs_no_tools(choice: str) -> None:
    assert call_of({"tool_choice": choice}) == call_of({})


@pytest.mark.parametrize("choice", ["required", FORCED_F])
def test_a_tool_choice_without_tools_is_refused(choice: object) -> None:
    assert refusal_of({"tool_choice": choice}).param == "tool_choice"


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ({"type": "web_search"}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.function"),
        ({"type": "function", "function": {}}, "tool_choice.function.name"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools"),
        (allowed("none", FORCED_F), "tool_choice.allowed_tools.mode"),
        (allowed("auto", HOSTED), "tool_choice.allowed_tools.tools[0].type"),
    ],
)
def test_a_malformed_tool_choice_is_refused(choice: Json, param: str) -> None:
    assert refusal_of({"tools": [F], "tool_choice": choice}).param == param


@pytest.mark.parametrize("value", [True, False])
def test_parallel_tool_calls(value: bool) -> None:
    assert call_of({"tools": [F], "parallel_tool_calls": value})["parallel_tool_calls"] is value


def test_parallel_tool_calls_are_never_sent_without_tools() -> None:
    translation = translated({"parallel_tool_calls": False})
    assert translation.calls[0] == call_of({})
    assert translation.report.dropped == ["parallel_tool_calls"]
    assert translated({"parallel_tool_calls": True}).report.dropped == []


def test_hosted_tools_are_refused_by_their_position() -> None:
    assert refusal_of({"tools": [F, HOSTED]}, hosted_tools="refuse").param == "tools[1]"


@pytest.mark.parametrize(
    "policy",
    [{}, {"hosted_tools": "drop"}, {"hosted_tools": "refuse", "on_unsupported": "drop"}],
)
def test_hosted_tools_that_are_merely_offered_are_dropped(policy: Json) -> None:
    translation = translated({"tools": [HOSTED, F]}, context(**policy))
    assert translation.calls[0]["tools"] == [FLAT_F]
    assert translation.report.dropped == ["tools[0]"]
    assert translation.client_param(0, "tools[0].name") == "tools[1].function.name"


@pytest.mark.parametrize("setting", ["auto", "drop"])
def test_a_required_call_of_hosted_tools_is_refused_by_name(setting: str) -> None:
    error = refusal_of({"tools": [HOSTED], "tool_choice": "required"}, hosted_tools=setting)
    assert (error.param, error.code) == ("tool_choice", "unsupported_parameter")
    assert "'web_search'" in error.message


def test_tools_of_a_model_that_takes_none() -> None:
    able = replace(OPENAI, tools=False)
    assert refusal_of({"tools": [F]}, capabilities=able).param == "tools"
    asked = {"functions": [F["function"]]}
    assert refusal_of(asked, capabilities=able).param == "functions"
    assert call_of({"tools": [F], "tool_choice": "none"}, context(able)) == call_of({})
    dropped = translated(asked, context(able, on_unsupported="drop"))
    assert (dropped.calls[0], dropped.report.dropped) == (call_of({}), ["functions"])


def test_functions_are_tools_that_are_never_called_in_parallel() -> None:
    call = call_of({"functions": [F["function"]], "function_call": {"name": "f"}})
    assert call["tools"] == [FLAT_F]
    assert call["tool_choice"] == {"type": "function", "name": "f"}
    assert call["parallel_tool_calls"] is False


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_function_call_words_are_the_same(choice: str) -> None:
    call = call_of({"functions": [F["function"]], "function_call": choice})
    assert call["tool_choice"] == choice


def test_functions_without_a_choice() -> None:
    assert "tool_choice" not in call_of({"functions": [F["function"]]})


def test_functions_and_tools_together_are_refused() -> None:
    assert refusal_of({"functions": [F["function"]], "tools": [F]}).param == "functions"


def test_function_call_without_functions() -> None:
    assert call_of({"function_call": "none"}) == call_of({})
    assert refusal_of({"function_call": {"name": "f"}}).param == "function_call"


def test_web_search_options_become_a_flat_tool() -> None:
    location = {"country": "AT", "city": "Graz"}
    options = {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": location},
    }
    call = call_of({"web_search_options": options, "tools": [F]})
    assert call["tools"] == [
        FLAT_F,
        {
            "type": "web_search",
            "search_context_size": "low",
            "user_location": {"type": "approximate", **location},
        },
    ]
    check_schema("CreateResponse", call)


def test_web_search_options_without_any() -> None:
    assert call_of({"web_search_options": {}})["tools"] == [{"type": "web_search"}]


def test_web_search_options_are_refused_where_the_server_cannot_search() -> None:
    error = refusal_of({"web_search_options": {}}, capabilities=VLLM, on_unsupported="drop")
    assert error.param == "web_search_options"


def test_malformed_web_search_options_are_refused() -> None:
    asked = {"web_search_options": {"user_location": {"approximate": "here"}}}
    assert refusal_of(asked).param == "web_search_options.user_location.approximate"
