"""Tools, their choice, and what becomes of those that chat does not have."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    call_of,
    chunk,
    completion,
    context,
    fragment,
    refused,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import read

EMPTY = {"type": "object", "properties": {}}
F = {"type": "function", "name": "f", "parameters": EMPTY, "strict": False}
G = {**F, "name": "g"}
CHAT_F = {"type": "function", "function": {"name": "f", "parameters": EMPTY, "strict": False}}
CHAT_G = {"type": "function", "function": {"name": "g", "parameters": EMPTY, "strict": False}}
PATCH = {"type": "custom", "name": "patch", "description": "Patches."}
SEARCH = {"type": "web_search"}
DROP = {"hosted_tools": "drop"}


def named(name: str, kind: str = "function") -> Json:
    return {"type": kind, "name": name}


def chat_named(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


def test_functions_are_nested_and_choice_auto_is_the_default() -> None:
    call = call_of(tools=[{**F, "description": "d"}, G], tool_choice="auto")
    nested = {"name": "f", "description": "d", "parameters": EMPTY, "strict": False}
    assert call["tools"] == [{"type": "function", "function": nested}, CHAT_G]
    assert "tool_choice" not in call


def test_strict_is_true_where_absent_and_the_schema_is_strict() -> None:
    strict = {**EMPTY, "additionalProperties": False}
    call = call_of(tools=[named("f") | {"parameters": strict}, named("g") | {"parameters": EMPTY}])
    assert [tool["function"].get("strict") for tool in call["tools"]] == [True, None]


def test_tools_are_echoed_in_the_clients_shape() -> None:
    strict = {**EMPTY, "additionalProperties": False}
    namespace = {"type": "namespace", "name": "n", "tools": [G]}
    tools = [named("f"), named("h") | {"parameters": strict}, PATCH, namespace]
    choice = named("f")
    response = replied(completion("a"), tools=tools, tool_choice=choice)
    assert response["tools"] == [
        {"type": "function", "name": "f", "parameters": None, "strict": False},
        {"type": "function", "name": "h", "parameters": strict, "strict": True},
        PATCH,
        {"description": "", **namespace},
    ]
    assert response["tool_choice"] == choice


def test_what_only_responses_know_of_a_function_is_reported() -> None:
    tool = {**F, "defer_loading": True, "output_schema": {}, "allowed_callers": ["direct"]}
    translation = asking(tools=[tool])
    assert translation.calls[0]["tools"] == [CHAT_F]
    assert translation.report.dropped == [
        "tools[0].allowed_callers",
        "tools[0].defer_loading",
        "tools[0].output_schema",
    ]


def test_without_tools_nothing_about_tools_is_sent() -> None:
    for choice in ("none", "auto"):
        call = call_of(tools=[], tool_choice=choice, parallel_tool_calls=True)
        assert call.keys() == {"model", "messages"}


def test_tool_choice_words_pass() -> None:
    for word in ("none", "required"):
        assert call_of(tools=[F], tool_choice=word)["tool_choice"] == word


def test_tool_choice_of_a_function_is_nested() -> None:
    assert call_of(tools=[F, G], tool_choice=named("g"))["tool_choice"] == chat_named("g")


@pytest.mark.parametrize(
    "choice",
    ["required", named("h"), {"type": "web_search"}, {"type": "mcp", "server_label": "s"}],
)
def test_tool_choice_of_a_tool_that_is_not_there_is_refused(choice: Any) -> None:
    error = refused(context(on_unsupported="drop"), tools=[], tool_choice=choice)
    assert isinstance(error, InvalidRequest)
    assert error.param == "tool_choice"
    if choice != "required":
        assert refused(tools=[F], tool_choice=choice).param == "tool_choice"


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


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input": "*** Begin\\nfo', "*** Begin\nfo"), ('{"input":"a\\', "a"), ('{"inp', "")],
)
def test_a_custom_tools_input_that_a_limit_cuts_off_is_shown_without_its_wrapper(
    arguments: str, text: str, size: int
) -> None:
    reply = completion(None, "length", tool_calls=[tool_call("patch", arguments)])
    pieces = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    events = [chunk(tool_calls=[fragment(0, name="patch", call_id="c")])]
    events += [chunk(tool_calls=[fragment(0, piece)]) for piece in pieces]
    stream = stream_of(
        [*events, chunk(finish="length")], lambda: context(SELF_HOSTED), tools=[PATCH]
    )
    for response in (replied(reply, context(SELF_HOSTED), tools=[PATCH]), read(stream)):
        (item,) = response["output"]
        assert (response["status"], item["status"]) == ("incomplete", "incomplete")
        assert (item["type"], item["input"]) == ("custom_tool_call", text)
    assert "".join(event["delta"] for event in stream if "delta" in event) == text


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
    error = refused(strict, tools=[F, SEARCH])
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "tools[1]"
    assert "hosted_tools=drop" in error.message


@pytest.mark.parametrize("setting", ["auto", "drop"])
def test_hosted_tools_that_are_merely_offered_are_dropped(setting: str) -> None:
    container = {"type": "shell", "environment": {"type": "container_auto"}}
    tools = [SEARCH, F, container, {"type": "tool_search"}]
    for choice in ({}, {"tool_choice": "auto"}, {"tool_choice": "none"}):
        translation = asking(context(hosted_tools=setting), tools=tools, **choice)
        assert translation.calls[0]["tools"] == [CHAT_F]
        assert translation.report.dropped == ["tools[0]", "tools[2]", "tools[3]"]
    alone = asking(context(hosted_tools=setting), tools=[SEARCH], parallel_tool_calls=True)
    assert alone.calls[0].keys() == {"model", "messages"}


def test_required_means_one_of_those_that_are_left() -> None:
    translation = asking(tools=[SEARCH, F], tool_choice="required")
    assert translation.calls[0]["tool_choice"] == "required"
    assert translation.report.dropped == ["tools[0]"]


@pytest.mark.parametrize("setting", ["auto", "drop"])
@pytest.mark.parametrize("choice", ["required", {"type": "web_search"}])
def test_tool_choice_of_a_hosted_tool_is_refused_by_name(choice: Any, setting: str) -> None:
    of = context(hosted_tools=setting, on_unsupported="drop")
    error = refused(of, tools=[SEARCH], tool_choice=choice)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "tool_choice"
    assert "demands 'web_search'" in error.message
    if choice != "required":
        error = refused(of, tools=[SEARCH, F], tool_choice=choice)
        assert error.param == "tool_choice"


def allowing(*tools: Json, mode: str = "auto") -> Json:
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


def test_allowed_tools_are_nested_where_the_backend_knows_them() -> None:
    call = call_of(tools=[F, G], tool_choice=allowing(named("g"), mode="required"))
    nested = {"mode": "required", "tools": [chat_named("g")]}
    assert call["tools"] == [CHAT_F, CHAT_G]
    assert call["tool_choice"] == {"type": "allowed_tools", "allowed_tools": nested}


def test_allowed_tools_are_the_only_tools_where_the_backend_has_no_such_choice() -> None:
    unable = replace(OPENAI, allowed_tools=False)
    translation = asking(context(unable), tools=[F, G], tool_choice=allowing(named("g")))
    assert translation.calls[0]["tools"] == [CHAT_G]
    assert "tool_choice" not in translation.calls[0]
    assert translation.report.emulated == ["tool_choice"]
    assert translation.client_param(0, "tools[0].function.name") == "tools[1].name"
    strict = allowing(named("g"), mode="required")
    assert call_of(context(unable), tools=[F, G], tool_choice=strict)["tool_choice"] == "required"


def test_allowed_tools_without_any_that_is_left() -> None:
    call = call_of(tools=[F], tool_choice=allowing())
    assert (call["tools"], call["tool_choice"]) == ([CHAT_F], "none")
    assert refused(tools=[F], tool_choice=allowing(mode="required")).param == "tool_choice"
    assert refused(tools=[F], tool_choice=allowing(named("h"))).param == "tool_choice"
    assert refused(tools=[F], tool_choice=allowing(SEARCH)).param == "tool_choice"
    of = context(**DROP)
    call = call_of(of, tools=[F, SEARCH], tool_choice=allowing(named("f"), SEARCH))
    assert call["tool_choice"]["allowed_tools"]["tools"] == [chat_named("f")]
    required = allowing(SEARCH, mode="required")
    error = refused(of, tools=[F, SEARCH], tool_choice=required)
    assert isinstance(error, UnsupportedParameter)
    error = refused(tools=[F, SEARCH], tool_choice=allowing(named("f"), SEARCH))
    assert "demands 'web_search'" in error.message


def test_tools_that_the_model_cannot_use_are_refused_or_dropped() -> None:
    unable = replace(OPENAI, tools=False)
    assert refused(context(unable), tools=[F]).param == "tools"
    lenient = context(unable, on_unsupported="drop")
    translation = asking(lenient, tools=[F])
    assert translation.calls[0].keys() == {"model", "messages"}
    assert translation.report.dropped == ["tools"]
    idle = asking(context(unable), tools=[F], tool_choice="none")
    assert idle.report.dropped == ["tools"]
    error = refused(lenient, tools=[F], tool_choice="required")
    assert (error.param, type(error)) == ("tool_choice", UnsupportedParameter)
