"""Whatever an upstream names in an error, the client reads a name of its own.

That is a place of its request, or of a field that it could have sent there.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.servers.profile import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.parts.client_values import value_at
from gateway.translate.plan import plan
from tests import kinds
from tests.fast.agents import chat_traffic, messages_agents, responses_traffic
from tests.translate import pair_variants

COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape
PNG, PDF = "data:image/png;base64,AA==", "data:application/pdf;base64,AA=="
GRAMMAR: Json = {"syntax": "lark", "definition": "d"}
PARAMETERS: Json = {"type": "object", "properties": {}}
COULD_BE_SENT = re.compile(
    r"max_completion_tokens|max_output_tokens"
    r"|.*\.image_url\.detail|.*\.title|thinking\.display"
    r"|(tools|functions)\[[0-9]\](\.tools\[[0-9]\]|\.function)?"
    r"\.(strict|parameters(\.(type|properties))?)"
)
"""Fields of the client's shape that the gateway sends although the client has not."""


def _file(data: str) -> Json:
    return {"file_data": data, "filename": "f.pdf"}


BODIES: dict[Shape, list[Json]] = {
    COMPLETIONS: [
        {"prompt": ["a", "b"], "max_tokens": 5, "stop": ["x"], "user": "u", "n": 2, "seed": 3}
    ],
    CHAT: [
        chat_traffic.FULL,
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "t"},
                        {"type": "image_url", "image_url": {"url": PNG}},
                        {"type": "file", "file": _file(PDF)},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "x"}],
                    "tool_calls": [
                        {"id": "c1", "type": "custom", "custom": {"name": "p", "input": "i"}}
                    ],
                },
                {
                    "role": "tool",
                    "tool_call_id": "c1",
                    "content": [{"type": "text", "text": "o"}],
                },
            ],
            "tools": [
                {
                    "type": "custom",
                    "custom": {"name": "p", "format": {"type": "grammar", "grammar": GRAMMAR}},
                },
                {"type": "function", "function": {"name": "q"}},
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "q"}}],
                },
            },
        },
        {
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
                {"role": "function", "name": "f", "content": "y"},
            ],
            "functions": [{"name": "f", "parameters": {}}],
            "function_call": {"name": "f"},
            "verbosity": "high",
        },
        {
            "messages": [{"role": "user", "content": "x"}],
            "web_search_options": {
                "user_location": {"type": "approximate", "approximate": {"city": "R"}}
            },
        },
    ],
    RESPONSES: [
        responses_traffic.FULL,
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "t"},
                        {"type": "input_image", "image_url": PNG},
                        {"type": "input_file", **_file(PDF)},
                    ],
                },
                {"type": "custom_tool_call", "call_id": "c3", "name": "patch", "input": "i"},
                {
                    "type": "custom_tool_call_output",
                    "call_id": "c3",
                    "output": [{"type": "input_text", "text": "o"}],
                },
            ],
            "tools": [
                {"type": "custom", "name": "patch", "format": {"type": "grammar", **GRAMMAR}},
                {
                    "type": "namespace",
                    "name": "mcp",
                    "description": "d",
                    "tools": [{"type": "function", "name": "read", "parameters": {}}],
                },
                {"type": "local_shell"},
                {"type": "function", "name": "q", "parameters": PARAMETERS},
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "q"}],
            },
        },
        {
            "input": "x",
            "tools": [{"type": "function", "name": "f", "parameters": PARAMETERS}],
            "tool_choice": {"type": "function", "name": "f"},
            "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        },
    ],
    MESSAGES: [
        messages_agents.FULL,
        {
            "max_tokens": 50,
            "system": "s",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        messages_agents.TEXT,
                        messages_agents.PICTURE,
                        {
                            "type": "document",
                            "source": {
                                "type": "base64",
                                "media_type": "application/pdf",
                                "data": "aGk=",
                            },
                        },
                    ],
                },
                {"role": "assistant", "content": [messages_agents.CALL]},
                {
                    "role": "user",
                    "content": [
                        {**messages_agents.RESULT, "content": [messages_agents.TEXT]},
                        messages_agents.TEXT,
                    ],
                },
            ],
            "tools": [{"name": "f", "description": "d", "input_schema": PARAMETERS}],
            "tool_choice": {"type": "tool", "name": "f"},
            "output_config": {"effort": "low"},
        },
    ],
}
for _variant in (pair_variants.TOOLS, pair_variants.STRUCTURED, pair_variants.TUNED):
    for _shape, _asked in _variant.asked.items():
        BODIES[_shape].append({**pair_variants.TEXT_ANSWERED[_shape], **_asked})
VALUES = frozenset({"parameters", "schema", "input_schema", "properties"})
"""Fields with objects that are the client's own."""
MARK = "where the client has put it"


def places(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of all objects in which there may be further fields."""
    if isinstance(value, dict):
        yield path
        for name, inner in value.items():
            if name not in VALUES and not (name == "input" and isinstance(inner, dict)):
                yield from places(inner, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, f"{path}[{index}]")


def paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all paths of an upstream's request, with their values."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, f"{path}[{index}]")


def marked(body: Json, place: str | None) -> Json:
    """Return a request, with a field that nobody knows at a place."""
    changed = {"model": "m", **copy.deepcopy(body)}
    if place is not None:
        holder = value_at(changed, place) if place else changed
        assert isinstance(holder, dict)
        holder["zzz"] = MARK
    return changed


def context_of(kind: Profile, home: Shape, **able: Any) -> Context:
    numbers = count(1)
    capabilities = replace(preset(kind, home), **able)
    return Context("m", "sent", capabilities=capabilities, new_id=lambda: f"{next(numbers):032x}")


@pytest.mark.parametrize("home", Shape)
@pytest.mark.parametrize("client", Shape)
def test_every_name_in_an_error_is_the_clients_own(client: Shape, home: Shape) -> None:
    servers = [
        context_of(kinds.VLLM, home),
        context_of(kinds.OPENAI, home),
        context_of(kinds.OTHER, home, custom_tools=False, allowed_tools=False),
    ]
    for body in BODIES[client] if client is not home else ():
        for place in (None, *places(body)):
            asked = marked(body, place)
            for context in servers:
                _check_names(client, home, asked, context)


def _check_names(client: Shape, home: Shape, asked: Json, context: Context) -> None:
    try:
        translation = plan(client, home, copy.deepcopy(asked), context)
    except GatewayError as error:
        param = error.envelope()["error"].get("param")
        assert param is None or value_at(asked, param) is not None, param
        return
    for call, sent in enumerate(translation.calls):
        for path, value in paths(sent):
            name = translation.client_param(call, path)
            if name is None:
                continue
            found = value_at(asked, name)
            is_known = found is not None or COULD_BE_SENT.fullmatch(name)
            assert is_known, f"{path} is {name}"
            assert value != MARK or found == MARK, f"{path} is {name}"
