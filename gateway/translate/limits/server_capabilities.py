"""What the endpoints of servers understand: by their profiles, within the limits of each shape."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache

from gateway.servers import Profile
from gateway.servers.presets import Changes
from gateway.servers.reading import Abilities
from gateway.shapes import Shape
from gateway.translate.limits.capabilities import TAKES_ALL, Capabilities
from gateway.translate.limits.quirks import with_quirks

_SHAPES: dict[Shape, Changes] = {
    Shape.CHAT: {"prompt_list": False},
    Shape.COMPLETIONS: {
        "tools": False,
        "custom_tools": False,
        "allowed_tools": False,
        "moderation": False,
        "json_object": False,
        "json_schema": False,
        "developer_role": False,
        "multi_system": False,
    },
    Shape.RESPONSES: {
        "prompt_list": False,
        "n": False,
        "stop": False,
        "seed": False,
        "penalties": False,
        "logit_bias": False,
    },
    Shape.MESSAGES: {
        **dict.fromkeys(
            (
                *("allowed_tools", "custom_tools", "developer_role", "json_object", "json_schema"),
                *("logit_bias", "logprobs", "moderation", "n", "penalties", "prompt_list"),
                *("reasoning_effort", "seed", "strict_tools", "verbosity"),
            ),
            False,
        ),
        "late_system": "user",
        "max_temperature": 1,
        "top_k": True,
    },
}
"""What no server's endpoint of the shape has (servers' extensions are in their profiles)."""

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("logit_bias", "seed", "stop", "temperature", "tools", "top_p")},
    "json_object": ("response_format", "structured_outputs"),
    "json_schema": ("structured_outputs",),
    "logprobs": ("logprobs",),
    "penalties": ("frequency_penalty", "presence_penalty"),
    "verbosity": ("verbosity",),
}
"""By capability, the chat parameters of which a model must take at least one to have it."""

_WANTS_REASONING_BACK = re.compile(r"deepseek|kimi|moonshot", re.IGNORECASE)


@cache
def preset(kind: Profile, shape: Shape) -> Capabilities:
    """Return what a server of that kind understands at its endpoint of that shape."""
    changes = dict(_SHAPES[shape])
    # A server has what its shape lacks only if its profile says so for that endpoint.
    changes |= {k: value for k, value in kind.capabilities.items() if changes.get(k) is not False}
    changes.update(kind.at_endpoint.get(shape, {}))
    return replace(Capabilities(), **changes)


@lru_cache(maxsize=1024)
def at_own_endpoint(kind: Profile, shape: Shape, quirks: frozenset[str]) -> Capabilities:
    """Return what a model is known to take, or not, of requests in the endpoint's own shape.

    What a server only ignores or lacks does not count: that is between it and its client. At
    messages endpoints nothing counts, because clients like Claude Code act upon the words of
    refusals.
    """
    if shape is Shape.MESSAGES:
        return TAKES_ALL
    refused: Changes = dict.fromkeys(kind.refuses, False)
    few = replace(TAKES_ALL, max_stops=kind.refuses_more_stops, **refused)
    return with_quirks(few, quirks, shape)


@lru_cache(maxsize=1024)
def capabilities_of(
    kind: Profile, shape: Shape, quirks: frozenset[str], context_length: int | None
) -> Capabilities:
    """Return what a model's server understands at an endpoint, given what is known of the model."""
    capabilities = with_quirks(preset(kind, shape), quirks, shape)
    if context_length is None:
        return capabilities
    return replace(capabilities, context_length=context_length)


def by_card(capabilities: Capabilities, card: Abilities) -> Capabilities:
    """Return the capabilities of an endpoint, limited by what the model's `card` says."""
    known = replace(
        capabilities,
        max_output_tokens=card.max_output_tokens,
        thinking=card.thinking or capabilities.thinking,
    )
    if card.parameters is not None:
        known = replace(known, **_lacking(known, card.parameters))
    if card.efforts is None:
        return known
    return replace(known, reasoning_effort=bool(card.efforts), efforts=card.efforts or None)


def _lacking(able: Capabilities, taken: frozenset[str]) -> Changes:
    """Return the capabilities that a model lacks if it takes only these parameters."""
    return {
        capability: False
        for capability, names in _PARAMETERS.items()
        if getattr(able, capability) and taken.isdisjoint(names)
    }


def wants_reasoning_back(kind: Profile, model: str, base_url: str) -> bool:
    """Whether an absent `reasoning_content` is refused, judged by the model's name or the host.

    DeepSeek and Kimi in thinking mode refuse it wherever they run (crush#2754, vscode#306695). They
    take an empty one (pipecat#5710), also without thinking.
    """
    named = _WANTS_REASONING_BACK.search(model) or _WANTS_REASONING_BACK.search(base_url)
    return (
        named is not None
        and not kind.strict_messages
        and not preset(kind, Shape.CHAT).strict_params
    )
