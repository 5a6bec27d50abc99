"""What Claude and OpenAI's models demand of their earlier thinking, which clients send back.

From Fable 5.1 on, a thinking block is valid only after the same system prompt, tools and messages
as when it was made, and is refused anywhere else (Anthropic, "Preserved thinking",
opencode#48637). Clients of responses may change all of these. The API drops such blocks if a
request asks for that; blocks that are refused for other reasons are left out here. So is OpenAI's
reasoning that was encrypted for another account or deployment, for instance if deployments of Azure
take turns (codex#3573, higress#3197). If the thinking before the last calls is missing, because
another model has made these, Claude up to 4.5 cannot go on thinking (pydantic-ai#3757).
"""

import re
from collections.abc import Collection, Iterator

from gateway.shapes import Json, Shape

BINDING = "thinking.block_binding"
THINKING = "content[thinking]"
ITEMS = "input[reasoning]"
ASKED = "thinking.type"
BUDGET = "thinking.budget_tokens"
"""These five: what fixes and the report call what is asked for, left out or put in."""
FOR_ONE_REQUEST = frozenset({THINKING, ITEMS, ASKED})
"""What is left out of the refused request only: in other conversations it may be valid."""
BETA = b"thinking-binding-controls-2026-08-01"
"""The beta that `anthropic-beta` must name beside `BINDING`."""

_BINDING: Json = {"prefix_mismatch_behavior": "drop_block"}
_FORCING = ("any", "tool")
_TYPES = ("thinking", "redacted_thinking")
_REFUSED = re.compile(
    r"messages\.\d{1,6}\.content\.\d{1,6}: Invalid "
    r"(?:`?signature`? in `?thinking|`?data`? in `?redacted_thinking)`? block"
)
_WITHOUT_THINKING = re.compile(
    r"messages\.\d{1,6}\.content\.\d{1,6}\.type: Expected [`'\"]?thinking[`'\"]? or "
    r"[`'\"]?redacted_thinking[`'\"]?, but found "
)
_NOT_ADAPTIVE = re.compile(
    r"thinking: Input tag [`'\"]adaptive[`'\"] found using [`'\"]type[`'\"] does not match any of "
    r"the expected tags: [^\n]{0,100}[`'\"]enabled[`'\"]"
)
_LEAST = 1024
_ASKING = ("thinking", "reasoning_effort", "reasoning")
_UNREADABLE = re.compile(
    # OpenAI; vLLM, of any
    r"The encrypted content .{0,500}? could not be verified|"
    r"Encrypted content is not supported\.?\Z",
    re.DOTALL,
)
_NO_CONTENT = "invalid_encrypted_content"
_WITH_REASONING = frozenset({"function_call", "custom_tool_call", "message"})
_BOUND = "`thinking.block_binding.prefix_mismatch_behavior`"


def refuses_thinking(message: str) -> bool:
    """Whether an error's text refuses earlier thinking."""
    return _REFUSED.match(message) is not None


def is_bound(message: str) -> bool:
    """Whether such a text says that something before the thinking has changed."""
    return _BOUND in message


def refuses_reasoning(message: str, code: str | None) -> bool:
    """Whether an error of the responses endpoint refuses encrypted reasoning."""
    return code == _NO_CONTENT or _UNREADABLE.match(message) is not None


def demanded_thinking(message: str, called: Shape, sent: Collection[str]) -> str | None:
    """Return what an error demands of a request that asks for thinking; None: nothing.

    `ASKED`: the thinking before earlier calls, which relays to Claude demand at chat, too. It is
    lost, so the request must not ask for thinking. `BUDGET`: a budget for thinking, which Claude's
    models up to 4.5 need.
    """
    if called not in (Shape.CHAT, Shape.MESSAGES) or not any(name in sent for name in _ASKING):
        return None
    if _WITHOUT_THINKING.match(message):
        return ASKED
    return BUDGET if called is Shape.MESSAGES and _NOT_ADAPTIVE.match(message) else None


def think_within(body: Json) -> None:
    """Put a thinking budget in place of adaptive thinking: the one that Claude Code would send.

    If `max_tokens` has no room for the least budget, thinking is switched off.
    """
    given, most = body.get("thinking"), body.get("max_tokens", _LEAST + 1)
    if isinstance(given, dict) and given.get("type") == "adaptive" and isinstance(most, int):
        budget = {**given, "type": "enabled", "budget_tokens": most - 1}
        body["thinking"] = budget if most > _LEAST else {"type": "disabled"}


def think_no_more(body: Json) -> None:
    """Remove from a messages or chat body what asks for thinking, or for clearing it."""
    for name in _ASKING:
        body.pop(name, None)
    given = body.get("context_management")
    edits = given.get("edits") if isinstance(given, dict) else None
    if isinstance(given, dict) and isinstance(edits, list):
        rest = [edit for edit in edits if not _clears_thinking(edit)]
        body["context_management"] = {**given, "edits": rest}
        if not rest and edits:
            del body["context_management"]


def _clears_thinking(edit: object) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")


def ask_to_leave_out(body: Json) -> None:
    """Have the API drop those thinking blocks of a messages body that are no longer valid.

    A request can ask for that only if the model thinks. If thinking is disabled, or a call forced,
    all the blocks are left out here.
    """
    given = body.get("thinking")
    if not any(map(_has_thinking, _messages(body))):
        return
    if (isinstance(given, dict) and given.get("type") == "disabled") or _forces_call(body):
        leave_out(body)
    else:
        thinking = given if isinstance(given, dict) else {"type": "adaptive"}
        body["thinking"] = {**thinking, "block_binding": _BINDING}


def leave_out(body: Json) -> None:
    """Leave out the earlier thinking of a messages body. The messages themselves are copied."""
    body["messages"] = list(_without_thinking(_messages(body)))


def without_reasoning(body: Json) -> None:
    """Leave out the reasoning items of a responses body. The given items stay unchanged.

    Calls and messages lose their ids: by these, OpenAI knows which reasoning they came with, and
    demands it.
    """
    given = body.get("input")
    if isinstance(given, list):
        body["input"] = list(_without_reasoning(given))


def _forces_call(body: Json) -> bool:
    choice = body.get("tool_choice")
    return isinstance(choice, dict) and choice.get("type") in _FORCING


def _without_reasoning(items: list[object]) -> Iterator[object]:
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if isinstance(item, dict) and kind in _WITH_REASONING:
            yield {key: value for key, value in item.items() if key != "id"}
        elif kind != "reasoning":
            yield item


def is_asked_to(body: Json) -> bool:
    """Whether a messages body has `BINDING`."""
    given = body.get("thinking")
    return isinstance(given, dict) and "block_binding" in given


def _messages(body: Json) -> list[object]:
    given = body.get("messages")
    return given if isinstance(given, list) else []


def _without_thinking(messages: list[object]) -> Iterator[object]:
    for message in messages:
        if not isinstance(message, dict) or not _has_thinking(message):
            yield message
        elif rest := [block for block in message["content"] if not _is_thinking(block)]:
            yield {**message, "content": rest}


def _has_thinking(message: object) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(map(_is_thinking, content))


def _is_thinking(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") in _TYPES
