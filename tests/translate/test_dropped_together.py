"""Parameters that have no place without another one: both are in the report."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from tests import kinds

COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape
SAID: dict[Shape, Json] = {
    CHAT: {"messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"input": "Hi"},
    MESSAGES: {"max_tokens": 5000, "messages": [{"role": "user", "content": "Hi"}]},
}
PAIRS = [(client, home) for client in SAID for home in Shape if client is not home]
HOSTED: dict[Shape, Json] = {
    CHAT: {"tools": [{"type": "web_search"}]},
    RESPONSES: {"tools": [{"type": "web_search"}]},
    MESSAGES: {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
}
ONE_CALL: dict[Shape, Json] = {
    CHAT: {"parallel_tool_calls": False},
    RESPONSES: {"parallel_tool_calls": False},
    MESSAGES: {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
}


def dropped(client: Shape, home: Shape, more: Json, **able: bool) -> list[str]:
    """Return what the report says is dropped of a request, none of which is sent."""
    takes: dict[str, Any] = {"hosted_tools": frozenset[str](), **able}
    context = Context(
        model_asked="m",
        model_sent="m",
        settings=TranslationSettings(on_unsupported="drop"),
        capabilities=replace(preset(kinds.OTHER, home), **takes),
    )
    translation = plan(client, home, {"model": "m", **SAID[client], **more}, context)
    (sent,) = translation.calls
    assert not sent.keys() & {"tools", "tool_choice", "parallel_tool_calls", "top_logprobs"}
    return translation.report.dropped


@pytest.mark.parametrize("tools", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_the_wish_for_one_call_at_a_time_goes_with_the_tools(
    client: Shape, home: Shape, *, tools: bool
) -> None:
    name = next(iter(ONE_CALL[client]))
    path = "tool_choice.disable_parallel_tool_use" if client is MESSAGES else name
    more = {**ONE_CALL[client], **(HOSTED[client] if tools else {})}
    assert dropped(client, home, more).count(path) == 1
    several: Json = {"tool_choice": {"type": "auto"}} if client is MESSAGES else {name: True}
    assert path not in dropped(client, home, {**more, **several})


@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if pair[0] is not MESSAGES])
def test_the_number_of_alternatives_goes_with_the_logprobs(client: Shape, home: Shape) -> None:
    name = "logprobs" if client is CHAT else "include"
    asked = True if client is CHAT else ["message.output_text.logprobs"]
    for top, gone in ((3, {name, "top_logprobs"}), (0, {name})):
        found = dropped(client, home, {name: asked, "top_logprobs": top}, logprobs=False)
        assert (set(found), len(found)) == (gone, len(gone))


@pytest.mark.parametrize("home", [COMPLETIONS, CHAT, RESPONSES])
def test_what_says_how_to_think_beside_something_that_counts_more(home: Shape) -> None:
    budget, effort = {"type": "enabled", "budget_tokens": 2000}, {"effort": "high"}
    said = dropped(MESSAGES, home, {"thinking": budget, "output_config": effort})
    assert "thinking.budget_tokens" in said
    off = {"type": "disabled"}
    assert "output_config.effort" in dropped(
        MESSAGES, home, {"thinking": off, "output_config": effort}
    )
    if home is not COMPLETIONS:
        assert dropped(MESSAGES, home, {"output_config": effort}) == []
        assert dropped(MESSAGES, home, {"thinking": off}) == []
