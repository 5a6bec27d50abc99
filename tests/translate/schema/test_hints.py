"""Hints: towards every server and whatever the operator says, they fail no request."""

from itertools import permutations
from typing import Any, Literal

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan

PAIRS = list(permutations(Shape, 2))
ASKED: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"model": "asked", "prompt": "Hi"},
    Shape.CHAT: {"model": "asked", "messages": [{"role": "user", "content": "Hi"}]},
    Shape.RESPONSES: {"model": "asked", "input": "Hi"},
    Shape.MESSAGES: {
        "model": "asked",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": "Hi"}],
    },
}
HINTS: dict[str, Any] = {
    "betas": ["a-2026-01-01"],
    "cache_control": {"type": "ephemeral"},
    "client_metadata": {"session": "s"},
    "context_management": [{"type": "compaction", "compact_threshold": 1000}],
    "metadata": {"a": "b"},
    "prompt_cache_breakpoint": {"mode": "explicit"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "service_tier": "flex",
    "store": True,
}
OWN: dict[Shape, set[str]] = {
    Shape.COMPLETIONS: set(),
    Shape.CHAT: {name for name in HINTS if name.startswith("prompt_cache_")}
    - {"prompt_cache_breakpoint"}
    | {"metadata", "safety_identifier", "service_tier", "store"},
}
OWN[Shape.RESPONSES] = OWN[Shape.CHAT] | {"context_management"}
OWN[Shape.MESSAGES] = {"cache_control", "context_management", "metadata", "service_tier"}
THE_GATEWAYS_OWN = {
    ("store", Shape.RESPONSES),
    ("prompt_cache_key", Shape.CHAT),
    ("prompt_cache_key", Shape.RESPONSES),
}
"""Those that a translation sends itself, with a value of its own."""
Policy = Literal["auto", "pass", "drop", "refuse"]


def translated(client: Shape, home: Shape, of: Context, **more: Any) -> Translation:
    return plan(client, home, {**ASKED[client], **more}, of)


def context(policy: Policy, *, strict: bool) -> Context:
    settings = TranslationSettings(extra_params=policy)
    return Context("asked", "sent", settings, Capabilities(strict_params=strict))


@pytest.mark.parametrize("policy", ["auto", "pass", "drop", "refuse"])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_sent_where_it_is_known_and_else_dropped(
    hint: str, client: Shape, home: Shape, *, strict: bool, policy: Policy
) -> None:
    translation = translated(client, home, context(policy, strict=strict), **{hint: HINTS[hint]})
    (call,) = translation.calls
    if call.get(hint) == HINTS[hint] or user_of(call, home) == HINTS[hint]:
        assert hint in OWN[home] | {"safety_identifier"}
        assert translation.report.dropped == []
    else:
        report = translation.report
        reported = [*report.dropped, *report.changed, *report.emulated]
        assert any(entry.split("->")[0] == hint for entry in reported)
        assert hint not in call or (hint, home) in THE_GATEWAYS_OWN


def user_of(call: Json, home: Shape) -> Any:
    return call.get("metadata", {}).get("user_id") if home is Shape.MESSAGES else call.get("user")


def test_who_the_user_is_reaches_every_server() -> None:
    for client, home in PAIRS:
        # Anthropic has no such parameter.
        if client is not Shape.MESSAGES:
            translation = translated(client, home, context("auto", strict=True), user="u")
            assert (user_of(translation.calls[0], home), translation.report.dropped) == ("u", [])


@pytest.mark.parametrize("policy", ["auto", "drop"])
def test_other_unknown_parameters_follow_the_policy(policy: Policy) -> None:
    for client, home in PAIRS:
        translation = translated(client, home, context(policy, strict=False), min_p=3)
        assert (translation.calls[0].get("min_p") == 3) is (policy == "auto")
        assert translation.report.dropped == ([] if policy == "auto" else ["min_p"])
