"""The check of a messages request: all parameters of `POST /v1/messages`.

Types and ranges are those of Anthropic's Python SDK (2.14.0; of 1.17.0 for sampling parameters and
`output_format`). Enumerations that Anthropic keeps extending (types of thinking, efforts, …) are
checked for their type only. Hints are not checked: nothing in them can fail a request.
"""

from collections import abc
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Boolean,
    Check,
    Integer,
    Mapping,
    Number,
    OneOf,
    Record,
    String,
    check,
)
from gateway.translate.schema.errors import missing
from gateway.translate.schema.messages_blocks import CONVERSED, SYSTEM, Message
from gateway.translate.schema.messages_calls import check_calls
from gateway.translate.schema.messages_tools import TOOL_LIST, ToolChoice
from gateway.translate.schema.native_types import Objects, tagged

MAX_MESSAGES = 100_000
MIN_BUDGET = 1024
"""The least `budget_tokens` of enabled thinking."""

FORMAT = Record({"type": OneOf("json_schema"), "schema": Mapping()}, required=("type", "schema"))
"""The format of the output, with all the fields that it may have."""

OUTPUT_CONFIG = Record({"effort": String(), "format": FORMAT, "task_budget": Anything()})
"""The `output_config`, with all the fields that it may have."""

THINKING = Record(
    {"type": String(), "budget_tokens": Integer(minimum=MIN_BUDGET), "display": String()},
    required=("type",),
)
"""The `thinking`, with all the fields that it may have."""


@dataclass(frozen=True, slots=True)
class _Thinking:
    """Whether and how much the model thinks."""

    def accept(self, value: object, param: str) -> Json:
        thinking: Json = THINKING.accept(value, param)
        if thinking["type"] == "enabled" and "budget_tokens" not in thinking:
            raise missing(f"{param}.budget_tokens")
        return thinking


@dataclass(frozen=True, slots=True)
class _StopSequence:
    def accept(self, value: object, param: str) -> str:
        stop = String().accept(value, param)
        if not stop:
            raise InvalidRequest(
                f"Invalid '{param}': empty string. A stop sequence needs at least one character.",
                param=param,
                code="invalid_value",
            )
        return stop


MESSAGES_HINTS = (
    "anthropic_beta",
    "anthropic_version",
    "billing_policy",
    "cache_control",
    "compaction",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "inference_geo",
    "metadata",
    "service_tier",
    "speed",
    "user_profile_id",
    "workspace_id",
)
"""Parameters that cannot change what the model is asked, or may do."""

MESSAGES_PARAMETERS: abc.Mapping[str, Check] = {
    **dict.fromkeys(MESSAGES_HINTS, Anything()),
    "container": Anything(),
    "fallbacks": Anything(),
    "max_tokens": Integer(minimum=0),
    "mcp_servers": Anything(),
    "messages": Objects(
        Array(Message(), min_items=1, max_items=MAX_MESSAGES),
        lambda: tagged(CONVERSED, "role", closed=False),
    ),
    "model": String(),
    "output_config": OUTPUT_CONFIG,
    "output_format": FORMAT,
    "stop_sequences": Array(_StopSequence()),
    "stream": Boolean(),
    "system": SYSTEM,
    "temperature": Number(0, 1),
    "thinking": _Thinking(),
    "thread": Anything(),
    "tool_choice": ToolChoice(),
    "tools": TOOL_LIST,
    "top_k": Integer(minimum=0),
    "top_p": Number(0, 1),
}
"""The check of every messages parameter."""


MESSAGES_EXTENSIONS: abc.Mapping[str, Check] = {
    "frequency_penalty": Number(-2, 2),
    "presence_penalty": Number(-2, 2),
    "seed": Integer(),
}
"""OpenAI's parameters that a messages request may have, too: its endpoints get them."""

_KNOWN = {**MESSAGES_PARAMETERS, **MESSAGES_EXTENSIONS}


def check_messages(body: Json, *, counts: bool = False) -> Json:
    """Return a copy of a messages request without null keys, every known parameter checked.

    `counts`: the request is for `/v1/messages/count_tokens`, which generates nothing. Parameters
    that Anthropic does not have are left in place. Raises `InvalidRequest` naming the path
    (`messages[1].content[0].text`).
    """
    checked = check(body, _KNOWN)
    for name in ("messages",) if counts else ("max_tokens", "messages"):
        if name not in checked:
            raise missing(name)
    _check_budget(checked)
    _check_contents(checked["messages"])
    if not counts:
        check_calls(checked["messages"])
    return checked


def _check_budget(checked: Json) -> None:
    """Refuse a budget for thinking that leaves no room for text.

    A `max_tokens` of 0 is no fault: such a request fills a cache. With tools the budget may be that
    of several replies (`interleaved-thinking`, a beta), and is not compared.
    """
    thinking: Json = {} if checked.get("tools") else checked.get("thinking", {})
    budget = thinking["budget_tokens"] if thinking.get("type") == "enabled" else 0
    if 0 < checked.get("max_tokens", 0) <= budget:
        raise InvalidRequest(
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
            param="thinking.budget_tokens",
            code="invalid_value",
        )


def _check_contents(messages: abc.Sequence[Json]) -> None:
    """Refuse messages without content, except the assistant's and those that set an effort.

    A reply may have no content, and clients send it back, some of them as an empty text
    (claude-code#62396). Anthropic's API refuses that unless it is the last message. The gateway
    does not: another endpoint answers, and a refusal would end the conversation.
    """
    for position, message in enumerate(messages):
        may_be_empty = message["role"] == "assistant" or "output_config" in message
        if not may_be_empty:
            _check_content(message["content"], f"messages[{position}].content")


def _check_content(content: str | list[Json], path: str) -> None:
    if not content:
        raise InvalidRequest(
            f"Invalid '{path}': user messages must have non-empty content.",
            param=path,
            code="invalid_value",
        )
    if not isinstance(content, str) and all(
        block["type"] == "text" and not block["text"] for block in content
    ):
        raise InvalidRequest(
            f"Invalid '{path}[0].text': text content blocks must be non-empty. Write a text.",
            param=f"{path}[0].text",
            code="invalid_value",
        )
