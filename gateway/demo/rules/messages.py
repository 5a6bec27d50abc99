"""What /v1/messages takes and refuses (the types of `anthropic` 2.14.0, of 1.17.0 for sampling)."""

from collections.abc import Collection, Mapping

from gateway.demo.generation.answer import Json
from gateway.demo.messages_models import EFFORTS
from gateway.demo.refusals.messages import extra_input, field_required, invalid, no_threads
from gateway.demo.rules import messages_checks as checks
from gateway.demo.rules.checks import Check, nullable, string_or
from gateway.demo.rules.messages_blocks import CACHE, SYSTEM, message
from gateway.demo.rules.messages_checks import (
    array,
    mapping,
    record,
    string,
    tagged,
    word,
)
from gateway.demo.rules.messages_tools import check_tools, tool, tool_choice

LATEST = "2026-10-21"
"""The version without sampling parameters."""
VERSIONS = ("2023-01-01", "2023-06-01", LATEST)
_DISPLAY: Mapping[str, Check] = {"display": nullable(word("summarized", "omitted"))}
_TYPE: Mapping[str, Check] = {"type": string}
_THINKING = tagged(
    {
        "enabled": record({**_TYPE, "budget_tokens": checks.integer(1024)}, _DISPLAY),
        "adaptive": record(_TYPE, _DISPLAY),
        "disabled": record(_TYPE),
        "between_tools": record(_TYPE),
    }
)
_FORMAT = record({"type": word("json_schema"), "schema": mapping})


def _stop(path: str, value: object) -> None:
    string(path, value)
    if not str(value).strip():
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


SAMPLING: Mapping[str, Check] = {
    "temperature": checks.share,
    "top_p": checks.share,
    "top_k": checks.integer(0),
}
COUNTED: Mapping[str, Check] = {
    "cache_control": CACHE,
    "messages": array(message),
    "model": string,
    "output_config": nullable(
        record({}, {"effort": nullable(word(*EFFORTS)), "format": nullable(_FORMAT)})
    ),
    "speed": word("standard", "fast"),
    "system": SYSTEM,
    "thinking": _THINKING,
    "tool_choice": tool_choice,
    "tools": array(tool),
}
"""The parameters of /v1/messages/count_tokens."""
PARAMETERS: Mapping[str, Check] = {
    **COUNTED,
    **SAMPLING,
    "container": nullable(string_or(mapping)),
    "diagnostics": nullable(mapping),
    "inference_geo": nullable(string),
    "max_tokens": checks.integer(0),
    "metadata": record({}, {"user_id": nullable(string)}),
    "service_tier": word("auto", "standard_only"),
    "stop_sequences": nullable(array(_stop)),
    "stream": checks.boolean,
}
"""The parameters of /v1/messages, and their checks."""
BETAS: Mapping[str, str] = {
    "compaction": "compact-",
    "context_management": "context-management-",
    "fallbacks": "server-side-fallback-",
    "mcp_servers": "mcp-client-",
    "output_format": "structured-outputs-",
    "thread": "message-threads-",
}
"""Parameters that only a beta has, with the beginning of its name in `anthropic-beta`."""
_UPDATES = "thinking-display-updates-"
_BINDING = "thinking-binding-controls-"
"""Betas of what is in `thinking`: a way to display it, and `block_binding`."""


def check(body: Json, version: str, betas: Collection[str], *, counts: bool = False) -> None:
    """Raise `Refused` unless the body is a request for some model.

    `counts`: it is one of /v1/messages/count_tokens.
    """
    for name in ("messages",) if counts else ("max_tokens", "messages"):
        if name not in body:
            raise field_required(name)
    table = COUNTED if counts else PARAMETERS
    for name, given in body.items():
        value = _beyond_betas(given, betas) if name == "thinking" else given
        if version == LATEST and name in SAMPLING:
            raise extra_input(name)
        if name in table:
            table[name](name, value)
        elif name not in BETAS or not _has(betas, BETAS[name]):
            raise extra_input(name)
    if body.get("thread"):
        raise no_threads()
    check_tools(body)


def _has(betas: Collection[str], beginning: str) -> bool:
    return any(beta.startswith(beginning) for beta in betas)


def _beyond_betas(thinking: object, betas: Collection[str]) -> object:
    """Return `thinking` without what it has by a beta of the request."""
    if not isinstance(thinking, dict):
        return thinking
    rest = dict(thinking)
    if rest.get("display") == "updates" and _has(betas, _UPDATES):
        del rest["display"]
    if isinstance(rest.get("block_binding"), dict | None) and _has(betas, _BINDING):
        rest.pop("block_binding", None)
    return rest
