"""System messages within the conversation of a messages request, for servers that refuse them.

Claude Code ends its first request with one, whatever the model. They are refused by DeepSeek
(`unknown variant`, Rust), servers with pydantic (`Input should be`), Anthropic for its older
models, MiniMax (CodexPlusPlus#267), and templates that take a system message at the beginning only
(llama.cpp, Qwen).
"""

import re

from gateway.resolve.refusals.history.template_words import BEFORE, NO_SYSTEM, SYSTEM_FIRST
from gateway.shapes import Json
from gateway.texts import in_system_tags

USERS = "user"
FIRST = "first"

_AT = r"(?:messages?(?:[.\[]\d{1,6}\]?)?(?:\.role)?: ?)?"
_SYSTEM = r"[`'\"]?system[`'\"]?"
_MINIMAX = r"invalid params, chat content has invalid message role: system\b"
_TEXT = re.compile(
    rf"{_MINIMAX}|(?:[^\n]{{0,80}}: )?{_AT}(?:"
    rf"unknown variant {_SYSTEM}|"
    rf"Unexpected role {_SYSTEM}|"
    rf"role {_SYSTEM} is (?:not supported|unsupported)|"
    rf"{_SYSTEM} role is (?:not supported|unsupported)|"
    rf"{SYSTEM_FIRST})|{BEFORE}(?:{SYSTEM_FIRST}|{NO_SYSTEM})|"
    # The path says that a role is refused, the quoted words which roles are accepted.
    r"messages[.\[]\d{1,6}\]?\.role: Input should be '(?:user|assistant)' or '(?:user|assistant)'",
    re.IGNORECASE,
)
ONLY_FIRST = re.compile(rf"{BEFORE}{SYSTEM_FIRST}|{_MINIMAX}", re.IGNORECASE)
"""How a template, or a server, says that it takes a system message at the beginning only."""
_OF_THE_MODEL = re.compile(rf"this model|{SYSTEM_FIRST}|{NO_SYSTEM}", re.IGNORECASE)


def refuses_system_turn(message: str) -> bool:
    """Whether an error's text refuses system messages within a conversation."""
    return _TEXT.match(message) is not None


def is_the_models(message: str) -> bool:
    """Whether such a text is about the model, or its template, and not about the server."""
    return _OF_THE_MODEL.search(message) is not None


def without_system_turns(body: Json, becomes: str) -> None:
    """Take the system messages out of the conversation of a messages request.

    They become user messages, between `<system>` and `</system>`, or (if `becomes` is `FIRST`) join
    the system prompt. User messages that are next to one another because of that are joined,
    results of tools first, as templates and Anthropic's API want them. The given messages stay
    unchanged.
    """
    given = body.get("messages")
    if not isinstance(given, list) or not any(map(_is_systems, given)):
        return
    if becomes == FIRST:
        later = [block for turn in given if _is_systems(turn) for block in parts_of(turn)]
        body["system"] = [*parts_of({"content": body.get("system")}), *later]
        given = [turn for turn in given if not _is_systems(turn)]
    turns: list[object] = []
    for position, turn in enumerate(given):
        beside = position and (_is_systems(turn) or _is_systems(given[position - 1]))
        said = _users(turn) if _is_systems(turn) else turn
        if beside and is_users(said) and turns and is_users(turns[-1]):
            turns[-1] = _joined(turns[-1], said)
        else:
            turns.append(said)
    body["messages"] = turns


def _is_systems(turn: object) -> bool:
    return isinstance(turn, dict) and turn.get("role") == "system"


def is_users(turn: object) -> bool:
    """Whether a message is the user's."""
    return isinstance(turn, dict) and turn.get("role") == "user"


def parts_of(turn: object) -> list[object]:
    """Return the content of a message as parts."""
    content = turn.get("content") if isinstance(turn, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


def _users(turn: object) -> Json:
    return {"role": "user", "content": [part_in_tags(block) for block in parts_of(turn)]}


def part_in_tags(block: object) -> object:
    """Return a part of a system message for a user message, its text in tags."""
    if isinstance(block, dict) and isinstance(block.get("text"), str):
        return {**block, "text": in_system_tags(block["text"])}
    return block


def _joined(one: object, other: object) -> Json:
    blocks = [*parts_of(one), *parts_of(other)]
    blocks.sort(key=lambda block: not is_result(block))
    return {"role": "user", "content": blocks}


def is_result(block: object) -> bool:
    """Whether a block of a messages body is the result of a call."""
    return isinstance(block, dict) and block.get("type") == "tool_result"
