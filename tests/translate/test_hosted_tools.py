"""Hosted tools that are refused: every pair names the one setting that drops them."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from tests import kinds

HELLO: list[Json] = [{"role": "user", "content": "Hi"}]
FUNCTION: Json = {"name": "f", "description": "", "parameters": {"type": "object"}}
SEARCH: Json = {"type": "web_search"}
OF_ANTHROPIC: Json = {"type": "web_search_20250305", "name": "web_search"}
CLIENTS_TOOL: Json = {"name": "f", "input_schema": {"type": "object"}}
RECORD: Json = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
APPROVAL: Json = {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}

ASKED: dict[Shape, list[tuple[Json, str]]] = {
    Shape.CHAT: [
        (
            {"messages": HELLO, "tools": [{"type": "function", "function": FUNCTION}, SEARCH]},
            "tools[1]",
        ),
    ],
    Shape.RESPONSES: [
        ({"input": "Hi", "tools": [{"type": "function", **FUNCTION}, SEARCH]}, "tools[1]"),
        ({"input": [*HELLO, APPROVAL]}, "input[1]"),
    ],
    Shape.MESSAGES: [
        ({"max_tokens": 9, "messages": HELLO, "tools": [CLIENTS_TOOL, OF_ANTHROPIC]}, "tools[1]"),
        (
            {
                "max_tokens": 9,
                "messages": [*HELLO, {"role": "assistant", "content": [RECORD]}, *HELLO],
            },
            "messages[1].content[0]",
        ),
    ],
}
HOMES = {Shape.CHAT: kinds.OPENAI, Shape.RESPONSES: kinds.OPENAI, Shape.MESSAGES: kinds.ANTHROPIC}
CASES = [
    pytest.param(client, home, body, param, id=f"{client}-{home}-{param}")
    for client, home in product(ASKED, HOMES)
    if client is not home
    for body, param in ASKED[client]
]


def context(home: Shape, **settings: Any) -> Context:
    able = preset(HOMES[home], home)
    return Context("asked", "sent", replace(TranslationSettings(), **settings), able)


@pytest.mark.parametrize(("client", "home", "body", "param"), CASES)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_has_one_remedy_which_is_right(
    client: Shape, home: Shape, body: Json, param: str, streamed: bool
) -> None:
    asked = {"model": "asked", **body, "stream": streamed}
    with pytest.raises(UnsupportedParameter) as refused:
        plan(client, home, asked, context(home, hosted_tools="refuse"))
    assert refused.value.param == param
    advice = "Remove it, or ask the gateway's operator to drop it (hosted_tools: drop)."
    assert refused.value.message.endswith(f". {advice}")
    assert refused.value.message.count("drop") == 2
    followed = plan(client, home, asked, context(home, hosted_tools="drop"))
    assert param in followed.report.dropped
