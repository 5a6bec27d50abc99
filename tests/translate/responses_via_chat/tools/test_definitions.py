"""Tools as chat tools: functions, custom tools, namespaces, and hosted tools, which chat lacks."""

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    SELF_HOSTED,
    asking,
    call_of,
    completion,
    context,
    refused,
    replied,
    tool_call,
)
from tests.translate.responses_via_chat.input.items import USER
from tests.translate.responses_via_chat.tools.tools import (
    CHAT_F,
    CHAT_G,
    EMPTY,
    PATCH,
    SHELL,
    WEB_SEARCH,
    F,
    G,
    chat_named,
    named,
)


def test_functions_are_nested_and_choice_auto_is_the_default() -> None:
    call = call_of(tools=[{**F, "description": "d"}, G], tool_choice="auto")
    nested = {"name": "f", "description": "d", "parameters": EMPTY, "strict": False}
    assert call["tools"] == [{"type": "function", "function": nested}, CHAT_G]
    assert "tool_choice" not in call


def test_strict_is_true_where_absent_and_the_schema_is_strict() -> None:
    strict = {**EMPTY, "additionalProperties": False}
    call = call_of(tools=[named("f") | {"parameters": strict}, named("g") | {"parameters": EMPTY}])
    assert [tool["function"].get("strict") for tool in call["tools"]] == [True, None]


def test_what_only_responses_know_of_a_function_is_reported() -> None:
    tool = {**F, "defer_loading": True, "output_schema": {}, "allowed_callers": ["direct"]}
    translation = asking(context(SELF_HOSTED), tools=[{**tool, "async": True}])
    assert translation.calls[0]["tools"] == [CHAT_F]
    assert translation.report.dropped == [
        "tools[0].allowed_callers",
        "tools[0].async",
        "tools[0].defer_loading",
        "tools[0].output_schema",
    ]


def test_what_only_responses_know_of_a_namespace_is_reported() -> None:
    namespace = {"type": "namespace", "name": "crm", "tools": [{**F, "async": False}]}
    for more in ({}, {"async": True}, {"description": "d"}):
        dropped = asking(context(SELF_HOSTED), tools=[{**namespace, **more}]).report.dropped
        assert dropped == [*(f"tools[0].{name}" for name in more), "tools[0].tools[0].async"]


@pytest.mark.parametrize("form", [True, 3, "text", [], {"type": "text"}])
def test_the_format_of_a_function_is_a_field_that_nobody_knows(form: object) -> None:
    translation = asking(tools=[{**F, "format": form}])
    assert translation.calls[0]["tools"] == [CHAT_F]
    assert translation.report.dropped == ["tools[0].format"]


def test_custom_tools_pass_where_the_backend_knows_them() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    call = call_of(tools=[{**PATCH, "format": grammar}], tool_choice=named("patch", "custom"))
    nested = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}}
    custom = {"name": "patch", "description": "Patches.", "format": nested}
    assert call["tools"] == [{"type": "custom", "custom": custom}]
    assert call["tool_choice"] == {"type": "custom", "custom": {"name": "patch"}}


def test_custom_tools_become_functions_where_the_backend_has_none() -> None:
    of = context(SELF_HOSTED)
    translation = asking(of, tools=[F, PATCH], tool_choice=named("patch", "custom"))
    function = translation.calls[0]["tools"][1]["function"]
    assert function["parameters"]["required"] == ["input"]
    assert translation.calls[0]["tool_choice"] == chat_named("patch")
    assert translation.report.emulated == ["tools[1]"]
    reply = completion(None, "tool_calls", tool_calls=[tool_call("patch", '{"input":"x"}')])
    (item,) = replied(reply, of, tools=[F, PATCH])["output"]
    assert (item["type"], item["input"]) == ("custom_tool_call", "x")


def test_a_format_of_a_custom_tool_that_no_words_describe_is_reported() -> None:
    odd = {**PATCH, "format": {"type": "of_tomorrow"}}
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [F, odd]}
    translation = asking(context(SELF_HOSTED), tools=[F, odd, namespace])
    assert {"tools[1].format", "tools[2].tools[1].format"} <= {*translation.report.dropped}


def test_namespaces_are_flattened_and_split_again() -> None:
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [F, PATCH]}
    translation = asking(tools=[F, namespace], tool_choice={**named("f"), "namespace": "crm"})
    call = translation.calls[0]
    names = [tool[tool["type"]]["name"] for tool in call["tools"]]
    assert names == ["f", "crm__f", "crm__patch"]
    assert call["tool_choice"] == chat_named("crm__f")
    assert translation.report.emulated == ["tools[1]"]
    assert translation.report.dropped == ["tools[1].description"]
    reply = completion(None, "tool_calls", tool_calls=[tool_call("crm__f", "{}")])
    (item,) = replied(reply, tools=[F, namespace])["output"]
    assert (item["namespace"], item["name"]) == ("crm", "f")


@pytest.mark.parametrize("called", ["f", "crm.f", "crm__f"])
def test_a_model_may_leave_out_the_namespace_or_write_it_with_a_point(called: str) -> None:
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [F, PATCH]}
    reply = completion(None, "tool_calls", tool_calls=[tool_call(called, "{}")])
    (item,) = replied(reply, tools=[G, namespace])["output"]
    assert (item["namespace"], item["name"]) == ("crm", "f")


def test_a_name_of_two_namespaces_stays_as_it_is() -> None:
    spaces = [{"type": "namespace", "name": n, "description": "", "tools": [F]} for n in "ab"]
    reply = completion(None, "tool_calls", tool_calls=[tool_call("f", "{}")])
    (item,) = replied(reply, tools=spaces)["output"]
    assert item["name"] == "f"
    assert "namespace" not in item


def test_a_custom_tool_of_a_namespace_is_one_by_its_bare_name_too() -> None:
    of = context(SELF_HOSTED)
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [PATCH]}
    reply = completion(None, "tool_calls", tool_calls=[tool_call("patch", '{"input":"x"}')])
    (item,) = replied(reply, of, tools=[namespace])["output"]
    assert (item["type"], item["namespace"], item["input"]) == ("custom_tool_call", "crm", "x")


def test_two_tools_of_one_name_are_refused() -> None:
    flat = {**F, "name": "crm__f"}
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [F]}
    assert refused(tools=[flat, namespace]).param == "tools[1].tools[0].name"


def test_hosted_tools_are_refused_on_request() -> None:
    strict = context(on_unsupported="drop", hosted_tools="refuse")
    error = refused(strict, tools=[F, WEB_SEARCH])
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "tools[1]"
    assert "(hosted_tools: drop)" in error.message


def test_what_nobody_knows_of_the_place_of_a_shell_is_reported() -> None:
    skill = {"name": "n", "description": "d", "path": "/p"}
    local = {"type": "local", "skills": [skill, {**skill, "zzz": 1}], "yyy": 1}
    translation = asking(tools=[{"type": "shell", "environment": local}])
    assert translation.report.dropped == [
        *("tools[0].environment.yyy", "tools[0].environment.skills[1].zzz"),
    ]
    usual = asking(tools=[{"type": "shell"}])
    assert usual.report.dropped == []


@pytest.mark.parametrize("setting", ["auto", "drop"])
def test_hosted_tools_that_are_merely_offered_are_dropped(setting: str) -> None:
    container = {"type": "shell", "environment": {"type": "container_auto"}}
    tools = [WEB_SEARCH, F, container, {"type": "tool_search"}]
    for choice in ({}, {"tool_choice": "auto"}, {"tool_choice": "none"}):
        translation = asking(context(hosted_tools=setting), tools=tools, **choice)
        assert translation.calls[0]["tools"] == [CHAT_F]
        assert translation.report.dropped == ["tools[0]", "tools[2]", "tools[3]"]
    alone = asking(context(hosted_tools=setting), tools=[WEB_SEARCH], parallel_tool_calls=True)
    assert alone.calls[0].keys() == {"model", "messages"}


def test_additional_tools_count_as_tools() -> None:
    namespace = {"type": "namespace", "name": "functions", "description": "", "tools": [F, PATCH]}
    item = {"type": "additional_tools", "role": "developer", "tools": [namespace, SHELL]}
    translation = asking(
        context(SELF_HOSTED),
        input=[item, USER],
        tool_choice={"type": "custom", "name": "patch", "namespace": "functions"},
    )
    call = translation.calls[0]
    names = [tool["function"]["name"] for tool in call["tools"]]
    assert names == ["functions__f", "functions__patch", "shell"]
    assert call["tool_choice"]["function"]["name"] == "functions__patch"
    assert call["messages"] == [{"role": "user", "content": "hi"}]
    assert "input[0]" in translation.report.emulated
    assert (
        translation.client_param(0, "tools[1].function.name") == "input[0].tools[0].tools[1].name"
    )
    reply = completion(
        None, "tool_calls", tool_calls=[tool_call("functions__patch", '{"input": "x"}')]
    )
    (called,) = replied(reply, context(SELF_HOSTED), input=[item, USER])["output"]
    assert (called["type"], called["namespace"], called["input"]) == (
        "custom_tool_call",
        "functions",
        "x",
    )


def test_additional_tools_follow_hosted_tools_and_are_checked() -> None:
    def item(*tools: Json) -> Json:
        return {"type": "additional_tools", "role": "developer", "tools": list(tools)}

    translation = asking(input=[USER, item({"type": "web_search"}, F)])
    assert translation.report.dropped == ["input[1].tools[0]"]
    of = context(hosted_tools="refuse")
    assert refused(of, input=[USER, item({"type": "mcp"})]).param == "input[1].tools[0]"
    error = refused(input=[USER, item({"type": "function"})])
    assert error.param == "input[1].tools[0].name"
    assert refused(input=[USER, {"type": "additional_tools"}]).param == "input[1].tools"


def test_later_definitions_take_the_place_of_earlier_ones() -> None:
    newer = {**F, "description": "newer"}
    items = [{"type": "additional_tools", "role": "developer", "tools": [newer, PATCH]}, USER]
    again = {
        "type": "additional_tools",
        "role": "developer",
        "tools": [{**PATCH, "type": "custom"}],
    }
    tools = call_of(tools=[F], input=[*items, again])["tools"]
    assert [tool[tool["type"]]["name"] for tool in tools] == ["f", "patch"]
    assert tools[0]["function"]["description"] == "newer"
    assert len(call_of(tools=[F, F])["tools"]) == 2, "the upstream says what it thinks of that"


def test_a_function_cannot_have_the_name_of_another_tool() -> None:
    error = refused(tools=[{**F, "name": "shell"}, SHELL])
    assert isinstance(error, InvalidRequest)
    assert error.param == "tools[1]"
