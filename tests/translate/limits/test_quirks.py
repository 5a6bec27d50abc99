from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import Shape
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.quirks import with_quirks, without
from gateway.translate.limits.server_capabilities import preset
from tests import kinds

QUIRKS: list[tuple[str, str, object]] = [
    ("temperature_default_only", "temperature", False),
    ("no_temperature", "temperature", False),
    ("no_top_p", "top_p", False),
    ("no_logprobs", "logprobs", False),
    ("no_penalties", "penalties", False),
    ("no_stop", "stop", False),
    ("no_logit_bias", "logit_bias", False),
    ("n_fixed_1", "n", False),
    ("no_system_role", "multi_system", False),
    ("no_developer_role", "developer_role", False),
    ("no_tools", "tools", False),
    ("no_function_tools", "tools", False),
    ("no_structured_outputs", "json_schema", False),
    ("sampling_params_need_effort_none", "reasoning", True),
    ("sampling_params_need_effort_none", "sampling_needs_effort_none", True),
    ("no_effort_none", "reasoning", True),
    ("effort_high_only", "efforts", frozenset({"high"})),
    ("effort_medium_only", "efforts", frozenset({"medium"})),
    ("no_reasoning_effort", "reasoning_effort", False),
    ("no_verbosity", "verbosity", False),
    ("search_restricted_params", "top_p", False),
    ("max_completion_tokens_only", "max_tokens_field", "max_completion_tokens"),
    ("tools_responses_only", "tools", False),
]


@pytest.mark.parametrize(("quirk", "name", "value"), QUIRKS)
def test_a_quirk_changes_its_capability(quirk: str, name: str, value: object) -> None:
    base = preset(kinds.OPENAI, Shape.CHAT)
    assert getattr(base, name) != value
    changed = with_quirks(base, {quirk}, Shape.CHAT)
    assert getattr(changed, name) == value


@pytest.mark.parametrize("quirk", ["max_completion_tokens_only", "tools_responses_only"])
def test_quirks_of_the_chat_endpoint_hold_nowhere_else(quirk: str) -> None:
    base = preset(kinds.OPENAI, Shape.RESPONSES)
    assert with_quirks(base, {quirk}, Shape.RESPONSES) == base


@pytest.mark.parametrize(
    ("quirk", "name", "value"),
    [
        ("takes_effort", "reasoning_effort", True),
        ("no_manual_thinking", "thinking", frozenset({"adaptive", "disabled"})),
        ("adaptive_thinking_only", "thinking", frozenset({"adaptive"})),
        ("between_tools_thinking", "thinking", frozenset({"adaptive", "between_tools"})),
        ("late_system", "late_system", "keep"),
        ("no_forced_tools", "forced_tools", False),
        ("no_temperature", "temperature", False),
    ],
)
def test_a_quirk_changes_its_capability_at_messages(quirk: str, name: str, value: object) -> None:
    base = preset(kinds.ANTHROPIC, Shape.MESSAGES)
    assert getattr(base, name) != value
    assert getattr(with_quirks(base, {quirk}, Shape.MESSAGES), name) == value
    elsewhere = preset(kinds.OTHER, Shape.CHAT)
    if name != "temperature":
        assert with_quirks(elsewhere, {quirk}, Shape.CHAT) == elsewhere


def test_quirks_add_up_and_unknown_ones_change_nothing() -> None:
    base = preset(kinds.OPENAI, Shape.CHAT)
    assert with_quirks(base, ["no_vision", "base_model", "unheard_of"], Shape.CHAT) == base
    both = with_quirks(base, ["no_stop", "no_top_p"], Shape.CHAT)
    assert (both.stop, both.top_p, both.logprobs) == (False, False, True)


@pytest.mark.parametrize("name", ["logit_bias", "logprobs", "n", "stop"])
def test_a_parameter_that_was_refused_is_not_taken(name: str) -> None:
    lacks: dict[str, Any] = {name: False}
    assert without(Capabilities(), [name]) == replace(Capabilities(), **lacks)


def test_what_was_refused_says_nothing_of_other_parameters() -> None:
    assert without(Capabilities(), ["temperature", "x"]) == Capabilities()
    assert without(Capabilities(), ["include"]) == replace(Capabilities(), logprobs=False)
    unforced = replace(Capabilities(), forced_tools=False)
    assert without(Capabilities(), ["tool_choice"]) == unforced
