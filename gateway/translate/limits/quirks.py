"""The limits of a model's endpoint that its catalogue quirks or refusals show."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from gateway.servers.efforts import EFFORTS
from gateway.shapes import Shape
from gateway.translate.limits.capabilities import Capabilities

_Changes = dict[str, Any]

REASONING_REQUIRED = "reasoning_required"
"""A quirk: the model's servers want its reasoning sent back with every call."""

_QUIRKS: dict[str, _Changes] = {
    "temperature_default_only": {"temperature": False, "reasoning": True},
    "no_temperature": {"temperature": False},
    "no_top_p": {"top_p": False},
    "no_logprobs": {"logprobs": False},
    "no_penalties": {"penalties": False},
    "no_stop": {"stop": False},
    "no_logit_bias": {"logit_bias": False},
    "n_fixed_1": {"n": False},
    "no_system_role": {"developer_role": False, "multi_system": False},
    "no_developer_role": {"developer_role": False},
    "no_tools": {"tools": False, "custom_tools": False, "allowed_tools": False},
    "no_function_tools": {"tools": False, "custom_tools": False, "allowed_tools": False},
    "no_structured_outputs": {"json_schema": False},
    # They reason by default: with effort `none` they take the sampling parameters.
    "sampling_params_need_effort_none": {"reasoning": True, "sampling_needs_effort_none": True},
    "chat_tools_need_effort_none": {"reasoning": True},
    "no_effort_none": {"reasoning": True, "efforts": frozenset(EFFORTS[1:])},
    "effort_high_only": {"reasoning": True, "efforts": frozenset({"high"})},
    "effort_medium_only": {"reasoning": True, "efforts": frozenset({"medium"})},
    "no_reasoning_effort": {"reasoning_effort": False},
    "no_verbosity": {"verbosity": False},
    # The refusal reads "Model incompatible request argument supplied" and names one of these.
    "search_restricted_params": {
        "temperature": False,
        "top_p": False,
        "penalties": False,
        "logit_bias": False,
        "logprobs": False,
        "seed": False,
        "n": False,
    },
}

_CHAT_QUIRKS: dict[str, _Changes] = {
    "max_completion_tokens_only": {"max_tokens_field": "max_completion_tokens"},
    REASONING_REQUIRED: {"reasoning_required": True},
    "tools_responses_only": {"tools": False, "custom_tools": False, "allowed_tools": False},
}
"""Quirks of the chat endpoint only."""

_MESSAGES_QUIRKS: dict[str, _Changes] = {
    "takes_effort": {"reasoning_effort": True},
    "no_manual_thinking": {"thinking": frozenset({"adaptive", "disabled"})},
    "adaptive_thinking_only": {"thinking": frozenset({"adaptive"})},
    "between_tools_thinking": {"thinking": frozenset({"adaptive", "between_tools"})},
    "late_system": {"late_system": "keep"},
    "no_forced_tools": {"forced_tools": False},
}
"""Quirks of the messages endpoint only."""

_AT: dict[Shape, dict[str, _Changes]] = {
    Shape.CHAT: _CHAT_QUIRKS,
    Shape.MESSAGES: _MESSAGES_QUIRKS,
}


def with_quirks(capabilities: Capabilities, quirks: Collection[str], shape: Shape) -> Capabilities:
    """Return the capabilities, reduced by a model's catalogue quirks, at an endpoint.

    Quirks that say nothing about capabilities are ignored.
    """
    changes: _Changes = {}
    for quirk in quirks:
        changes |= _QUIRKS.get(quirk, {}) | _AT.get(shape, {}).get(quirk, {})
    return replace(capabilities, **changes)


_LACKS: dict[str, _Changes] = {
    **{name: {name: False} for name in ("logit_bias", "logprobs", "n", "stop")},
    # A chat client can cause only one value of it: the one for logprobs.
    "include": {"logprobs": False},
    # Messages endpoints refuse a `tool_choice` only if it forces a call.
    "tool_choice": {"forced_tools": False},
    "output_config.format": {"json_schema": False},
}


def without(capabilities: Capabilities, names: Collection[str]) -> Capabilities:
    """Return the capabilities of an endpoint that has refused parameters of these names."""
    changes: _Changes = {}
    for name in names:
        changes |= _LACKS.get(name, {})
    return replace(capabilities, **changes)
