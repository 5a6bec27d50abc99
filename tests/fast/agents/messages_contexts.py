"""Contexts of models at messages endpoints, for both paths."""

from dataclasses import replace
from typing import Any

from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.messages_upstreams import CLAUDE, OLDER, UNKNOWN, context
from tests.translate.sealing import OpenSeal


def _with(capabilities: Capabilities, *, seal: OpenSeal | None = None, **settings: Any) -> Context:
    return replace(context(capabilities, seal, **settings), new_id=lambda: "f" * 32)


CONTEXTS: dict[str, Context] = {
    "Claude": _with(CLAUDE),
    "an older one": _with(OLDER),
    "unknown": _with(UNKNOWN),
    "sealing": _with(CLAUDE, seal=OpenSeal()),
    "keeping": _with(CLAUDE, seal=OpenSeal(keeps=True)),
    "cached": _with(replace(CLAUDE, cache_auto=True)),
    "no tools": _with(replace(CLAUDE, tools=False)),
    "no strict tools": _with(replace(CLAUDE, strict_tools=False)),
    "dropping": _with(UNKNOWN, on_unsupported="drop"),
    "hoisted": _with(CLAUDE, late_system="hoist"),
    "effort": replace(_with(OLDER), reasoning_effort="high"),
}
