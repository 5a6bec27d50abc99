"""Upstreams at `/v1/messages`: what they take, and what they answer."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from gateway.config.translation_settings import TranslationSettings
from gateway.shapes import Json, Seal, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.sealing import OpenSeal

UNKNOWN = preset(kinds.OTHER, Shape.MESSAGES)
"""A server of which nothing is known."""

CLAUDE = replace(
    UNKNOWN,
    thinking=frozenset({"adaptive", "disabled"}),
    reasoning_effort=True,
    efforts=frozenset({"low", "medium", "high", "xhigh", "max"}),
    json_schema=True,
    strict_tools=True,
    late_system="keep",
    may_stream_unasked=False,
    max_stops=1024,
    roles_in_a_row=True,
)
"""A model of Anthropic's that thinks as much as it sees fit."""

OLDER = replace(
    CLAUDE,
    thinking=frozenset({"enabled", "disabled"}),
    reasoning_effort=False,
    efforts=None,
    late_system="user",
    temperature_with_top_p=False,
)
"""An older one, with budgets for its thinking."""

HELLO: list[Json] = [{"role": "user", "content": "hello"}]
USAGE = {
    "input_tokens": 5,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 4,
    "output_tokens": 5,
    "output_tokens_details": {"thinking_tokens": 2},
    "service_tier": "standard",
}
EPHEMERAL = {"type": "ephemeral"}


def context(
    capabilities: Capabilities = CLAUDE, seal: Seal | None = None, **settings: Any
) -> Context:
    numbers = count(1)
    return Context(
        model_asked="asked",
        model_sent="claude-opus-5-5",
        settings=replace(TranslationSettings(), **settings),
        capabilities=capabilities,
        new_id=lambda: f"{next(numbers):032x}",
        now=1_700_000_000,
        upstream="anthropic",
        seal=seal,
    )


def sealing(
    capabilities: Capabilities = CLAUDE, *, keeps: bool = False, remembers: bool = False
) -> Context:
    return context(capabilities, OpenSeal(keeps=keeps, remembers=remembers))


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def thinking(words: str, signature: str = "sig") -> Json:
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(name: str = "f", given: Json | None = None, call_id: str = "") -> Json:
    return {
        "type": "tool_use",
        "id": call_id or f"toolu_{name}",
        "name": name,
        "input": given or {},
    }


def message(*blocks: Json, reason: str = "end_turn", **more: Any) -> Json:
    return {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": list(blocks),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


def error_event(kind: str = "overloaded_error", words: str = "Overloaded") -> Json:
    return {"type": "error", "error": {"type": kind, "message": words}}


PING = {"type": "ping"}


def events_of(of: Json, size: int = 3) -> list[Json]:
    """Return the stream that Anthropic would send for a message, text in pieces of a size."""
    counts = {**of["usage"], "output_tokens": 1} if of["usage"] else {}
    opening: Json = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": counts}
    events: list[Json] = [{"type": "message_start", "message": {**of, **opening}}, PING]
    for index, block in enumerate(of["content"]):
        start, deltas = _block(block, size)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        events.append({"type": "content_block_stop", "index": index})
    delta = {name: of.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    counted = {name: each for name, each in of["usage"].items() if name.startswith("output")}
    events.append({"type": "message_delta", "delta": delta, "usage": counted})
    events.append({"type": "message_stop"})
    return events


def _block(block: Json, size: int) -> tuple[Json, list[Json]]:
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": each} for each in _pieces(block["text"], size)]
        return {"type": "text", "text": ""}, deltas
    if block["type"] == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": each}
            for each in _pieces(block["thinking"], size)
        ]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
    if block["type"] == "tool_use":
        given = json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
        pieces = _pieces(given, size) if block["input"] else ()
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in ("", *pieces)]
        return {**block, "input": {}}, deltas if block["input"] else []
    return block, []


def _pieces(whole: str, size: int) -> Iterator[str]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def without_pings(events: Sequence[Json]) -> list[Json]:
    return [event for event in events if event != PING]
