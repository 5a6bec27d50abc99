from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.chat_via_messages.cases import CUSTOM, TOOLS, call_of, translated
from tests.translate.messages_upstreams import EPHEMERAL, context

NOTHING: Json = {"type": "object", "properties": {}}
SENT = [{"name": name, "input_schema": NOTHING} for name in ("f", "g")]


def named(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


def allowed(*names: str, mode: str = "auto") -> Json:
    tools = [named(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


@pytest.mark.parametrize(
    ("body", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, None),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": named("g")}, {"type": "tool", "name": "g"}),
        ({"parallel_tool_calls": True}, None),
        (
            {"parallel_tool_calls": False},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_choices_are_converted(body: Json, choice: Any) -> None:
    translation = translated({"tools": TOOLS, **body})
    call = translation.calls[0]
    assert call["tools"] == SENT
    assert call.get("tool_choice") == choice
    assert [e for e in translation.report.changed if "max" not in e] == []


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_of_tools_that_may_not_be_called_none_is_sent(mode: str) -> None:
    translation = translated({"tools": TOOLS, "tool_choice": allowed("g", mode=mode)})
    call = translation.calls[0]
    assert call["tools"] == SENT[1:]
    assert call.get("tool_choice") == ({"type": "any"} if mode == "required" else None)
    assert translation.report.emulated == ["tool_choice"]
    assert "tools" not in call_of({"tools": TOOLS, "tool_choice": allowed("h")})
    with pytest.raises(UnsupportedParameter) as refused:
        call_of({"tools": TOOLS, "tool_choice": allowed("h", mode="required")})
    assert refused.value.param == "tool_choice"


def test_custom_tools_become_functions() -> None:
    translation = translated({"tools": [{**CUSTOM, "cache_control": EPHEMERAL}]})
    (tool,) = translation.calls[0]["tools"]
    assert tool["name"] == "patch"
    assert tool["input_schema"]["required"] == ["input"]
    assert tool["cache_control"] == EPHEMERAL
    assert translation.report.emulated == ["tools[0].custom"]
    inner = {"type": "custom", "custom": {"name": "patch", "cache_control": EPHEMERAL}}
    assert call_of({"tools": [inner]})["tools"][0]["cache_control"] == EPHEMERAL


def test_a_format_of_a_custom_tool_that_no_words_describe_is_reported() -> None:
    custom = {"type": "custom", "custom": {"name": "patch", "format": {"type": "of_tomorrow"}}}
    assert translated({"tools": [custom]}).report.dropped == ["tools[0].custom.format"]


def test_marks_and_strictness_are_passed_on() -> None:
    tool = {"type": "function", "function": {"name": "f", "strict": True}}
    (sent,) = call_of({"tools": [{**tool, "cache_control": EPHEMERAL}]})["tools"]
    assert sent == {**SENT[0], "strict": True, "cache_control": EPHEMERAL}


def test_functions_of_the_old_form() -> None:
    translation = translated({"functions": [{"name": "f"}, {"name": "g"}]})
    call = translation.calls[0]
    assert call["tools"] == SENT
    assert call["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    one = {"functions": [{"name": "f"}], "function_call": {"name": "f"}}
    assert call_of(one)["tool_choice"]["name"] == "f"
    none = {"functions": [{"name": "f"}], "function_call": "none"}
    assert call_of(none)["tool_choice"] == {"type": "none"}
    assert translation.client_param(0, "tools[1].custom.input_schema") == "functions[1].parameters"
    assert translation.client_param(0, "tools") == "functions"
    assert translation.client_param(0, "tool_choice") is None


def test_what_has_no_place_is_reported() -> None:
    function = {"name": "f", "yyy": 1}
    translation = translated(
        {
            "tools": [{"type": "function", "function": function, "zzz": 1}, {"type": "web_search"}],
            "tool_choice": {**named("f"), "xxx": 1},
        }
    )
    assert translation.report.dropped == [
        *("tool_choice.xxx", "tools[0].zzz", "tools[0].function.yyy", "tools[1]"),
    ]
    grammar = {"syntax": "lark", "definition": "start: x", "zzz": 1}
    form = {"type": "grammar", "grammar": grammar, "yyy": 1}
    custom = {"type": "custom", "custom": {"name": "g", "format": form}}
    inner = "tools[0].custom.format"
    assert translated({"tools": [custom]}).report.dropped == [
        f"{inner}.yyy",
        f"{inner}.grammar.zzz",
    ]
    assert translated({"parallel_tool_calls": False}).report.dropped == ["parallel_tool_calls"]
    assert translated({"parallel_tool_calls": True, "tool_choice": "auto"}).report.dropped == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"functions": [{"name": "f"}], "tools": TOOLS}, "functions"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"functions": [{"name": "f"}], "function_call": {}}, "function_call.name"),
        ({"tools": TOOLS, "tool_choice": {"type": "odd"}}, "tool_choice.type"),
        ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "tool_choice"),
    ],
)
def test_contradictions_are_the_clients_fault(body: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        translated(body)
    assert refused.value.param == param


def test_hosted_tools_can_be_refused() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        translated({"tools": [{"type": "web_search"}]}, context(hosted_tools="refuse"))
    assert refused.value.param == "tools[0]"


def test_models_without_tools() -> None:
    able = Capabilities(tools=False)
    with pytest.raises(UnsupportedParameter) as refused:
        translated({"tools": TOOLS}, context(able))
    assert refused.value.param == "tools"
    dropping = context(able, on_unsupported="drop")
    for body, of in (({"tool_choice": "none"}, context(able)), ({}, dropping)):
        translation = translated({"tools": TOOLS, **body}, of)
        assert "tools" not in translation.calls[0]
        assert translation.report.dropped == ["tools"]


@pytest.mark.parametrize("kind", ["tools", "functions"])
def test_a_tool_that_is_defined_twice_is_sent_once(kind: str) -> None:
    tools = [*TOOLS, TOOLS[0]]
    given = [tool["function"] for tool in tools] if kind == "functions" else tools
    translation = translated({kind: given})
    assert translation.calls[0]["tools"] == SENT
    assert translation.report.dropped == [f"{kind}[2]"]


def test_a_function_and_a_custom_tool_have_two_names() -> None:
    custom = {"type": "custom", "custom": {"name": "f"}}
    with pytest.raises(UnsupportedParameter) as refused:
        translated({"tools": [*TOOLS, custom]})
    assert refused.value.param == "tools[2]"
