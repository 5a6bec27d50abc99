"""Which tools the model may or must call."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    asking,
    call_of,
    context,
    refused,
)
from tests.translate.responses_via_chat.input.items import USER
from tests.translate.responses_via_chat.tools.tools import (
    APPLY,
    CHAT_F,
    CHAT_G,
    DROP,
    LOCAL_SHELL,
    SEARCH,
    SHELL,
    WEB_SEARCH,
    F,
    G,
    chat_named,
    named,
)


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


def test_required_means_one_of_those_that_are_left() -> None:
    translation = asking(tools=[WEB_SEARCH, F], tool_choice="required")
    assert translation.calls[0]["tool_choice"] == "required"
    assert translation.report.dropped == ["tools[0]"]


@pytest.mark.parametrize("setting", ["auto", "drop"])
@pytest.mark.parametrize("choice", ["required", {"type": "web_search"}])
def test_tool_choice_of_a_hosted_tool_is_refused_by_name(choice: Any, setting: str) -> None:
    of = context(hosted_tools=setting, on_unsupported="drop")
    error = refused(of, tools=[WEB_SEARCH], tool_choice=choice)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "tool_choice"
    assert "demands 'web_search'" in error.message
    if choice != "required":
        error = refused(of, tools=[WEB_SEARCH, F], tool_choice=choice)
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
    assert refused(tools=[F], tool_choice=allowing(WEB_SEARCH)).param == "tool_choice"
    of = context(**DROP)
    call = call_of(of, tools=[F, WEB_SEARCH], tool_choice=allowing(named("f"), WEB_SEARCH))
    assert call["tool_choice"]["allowed_tools"]["tools"] == [chat_named("f")]
    required = allowing(WEB_SEARCH, mode="required")
    error = refused(of, tools=[F, WEB_SEARCH], tool_choice=required)
    assert isinstance(error, UnsupportedParameter)
    error = refused(tools=[F, WEB_SEARCH], tool_choice=allowing(named("f"), WEB_SEARCH))
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


@pytest.mark.parametrize("tool", [LOCAL_SHELL, SHELL, APPLY, SEARCH])
def test_they_can_be_chosen_and_allowed(tool: Json) -> None:
    choice = {"type": tool["type"]}
    nested = {"type": "function", "function": {"name": tool["type"]}}
    assert call_of(tools=[F, tool], tool_choice=choice)["tool_choice"] == nested
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [choice]}
    sent = call_of(tools=[F, tool], tool_choice=allowed)["tool_choice"]
    assert sent["allowed_tools"]["tools"] == [nested]
    assert refused(tools=[F], tool_choice=choice).param == "tool_choice"


def test_models_without_tools_do_not_take_client_tools() -> None:
    unable: Any = partial(context, replace(OPENAI, tools=False))
    assert refused(unable(), tools=[SHELL]).param == "tools"
    item = {"type": "additional_tools", "role": "developer", "tools": [SHELL]}
    assert refused(unable(), input=[item, USER]).param == "tools"
    assert asking(unable(), tools=[SHELL], tool_choice="none").report.dropped == ["tools"]
