"""Work on a request grows with what it has many of no faster than the request does."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import can_translate, plan
from tests.steps import Counted, steps_of

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
HI: Json = {"role": "user", "content": "hi"}
SCHEMA: Json = {"type": "object"}
CONTEXT = Context(
    "asked", "sent", capabilities=Capabilities(allowed_tools=False, roles_in_a_row=False)
)


def nested(name: str) -> Json:
    return {"type": "function", "function": {"name": Counted(name)}}


def flat(name: str) -> Json:
    return {"type": "function", "name": Counted(name), "parameters": SCHEMA}


def turns(*asking: Json, count: int) -> list[Json]:
    """Return messages that are repeated so many times after a question, each time with new ids."""
    return [HI, *(_numbered(each, str(k)) for k in range(count) for each in asking)]


def _numbered(value: Any, number: str) -> Any:
    if isinstance(value, dict):
        return {key: _numbered(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbered(inner, number) for inner in value]
    return Counted(value.replace("#", number)) if value in ("call#", "f#") else value


def _allowed_in_chat(count: int) -> Json:
    tools = [nested(f"f{k}") for k in range(count)]
    allowed = {"mode": "auto", "tools": [nested(f"f{k}") for k in range(count)]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    return {"messages": [HI], "tools": tools, "tool_choice": choice}


def _allowed_in_responses(count: int) -> Json:
    tools = [flat(f"f{k}") for k in range(count)]
    references = [{"type": "function", "name": Counted(f"f{k}")} for k in range(count)]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": references}
    return {"input": "hi", "tools": tools, "tool_choice": choice}


_NESTED_CALL: Json = {
    "id": "call#",
    "type": "function",
    "function": {"name": "f#", "arguments": ""},
}
_CALL: Json = {"type": "function_call", "call_id": "call#", "name": "f#", "arguments": "{}"}
_USE: Json = {"type": "tool_use", "id": "call#", "name": "f#", "input": {}}
_ITEM_OF_TOOLS: Json = {
    "type": "additional_tools",
    "role": "developer",
    "tools": [{"type": "function", "name": "f#", "parameters": SCHEMA}],
}

MANY: Mapping[tuple[Shape, str], Callable[[int], Json]] = {
    (CHAT, "allowed tools"): _allowed_in_chat,
    (CHAT, "calls"): lambda count: {
        "messages": turns(
            {"role": "assistant", "tool_calls": [_NESTED_CALL]},
            {"role": "tool", "tool_call_id": "call#", "content": "done"},
            count=count,
        )
    },
    (CHAT, "system messages"): lambda count: {
        "messages": turns({"role": "system", "content": "do"}, HI, count=count)
    },
    (RESPONSES, "allowed tools"): _allowed_in_responses,
    (RESPONSES, "items with tools"): lambda count: {
        "input": turns(_ITEM_OF_TOOLS, count=count),
    },
    (RESPONSES, "messages of the user"): lambda count: {"input": turns(HI, count=count)},
    (RESPONSES, "calls"): lambda count: {
        "input": turns(
            _CALL,
            {"type": "function_call_output", "call_id": "call#", "output": "done"},
            count=count,
        )
    },
    (MESSAGES, "calls"): lambda count: {
        "max_tokens": 9,
        "messages": turns(
            {"role": "assistant", "content": [_USE]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "call#", "content": "done"}],
            },
            count=count,
        ),
    },
    (MESSAGES, "system messages"): lambda count: {
        "max_tokens": 9,
        "messages": turns({"role": "system", "content": "do"}, HI, count=count),
    },
}

_FEW, _MORE = 50, 4
"""So many, and so many times as many."""


@pytest.mark.parametrize(
    ("client", "home", "what"),
    [
        (client, home, what)
        for client, what in MANY
        for home in (CHAT, RESPONSES, MESSAGES)
        if home is not client and can_translate(client, home)
    ],
)
def test_work_is_linear_in_what_there_is_many_of(client: Shape, home: Shape, what: str) -> None:
    few, many = ({"model": "asked", **MANY[client, what](count)} for count in (_FEW, _FEW * _MORE))
    assert len(plan(client, home, many, CONTEXT).calls) == 1
    steps = steps_of(lambda: plan(client, home, few, CONTEXT))
    assert steps_of(lambda: plan(client, home, many, CONTEXT)) < 1.5 * _MORE * steps
