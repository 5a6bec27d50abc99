"""System prompts as user messages, for models whose templates take no system message.

Servers (vLLM, llama.cpp) turn the `system` of a messages request, and the `instructions` of a
responses request, into a system message. The templates of Gemma 1 and 2 refuse it, as at chat.
"""

from typing import Final

from gateway.resolve.refusals.history.chat_system import is_systems, without_system
from gateway.resolve.refusals.history.system_turns import (
    USERS,
    is_users,
    without_system_turns,
)
from gateway.shapes import Json

ITEMS_ROLES: Final = "input[roles]"
"""What fixes and the report call this at responses."""


def without_any_system(body: Json) -> None:
    """Turn the system prompt and system messages of a chat or messages body into user messages.

    That is done as in `without_system`. The given messages stay unchanged.
    """
    given = body.get("messages")
    if not isinstance(given, list):
        return
    prompt = body.pop("system", None)
    if prompt:
        # In a messages body, results must stand first in a message: this sees to it.
        without_system_turns(body, USERS)
        given = [{"role": "system", "content": prompt}, *body["messages"]]
    body["messages"] = list(without_system(given))


def without_instructions(body: Json) -> None:
    """Turn the instructions and system messages of a responses body into user messages.

    The given items stay unchanged.
    """
    given, instructions = body.get("input"), body.pop("instructions", None)
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list):
        return
    if isinstance(instructions, str) and instructions:
        items = [{"role": "system", "content": instructions}, *items]
    if any(map(is_systems, items)):
        body["input"] = list(without_system(map(_in_parts, items)))


def _in_parts(item: object) -> object:
    """Return a message with its text as a part, so that it can be joined with other messages."""
    if not isinstance(item, dict) or not (is_systems(item) or is_users(item)):
        return item
    text = item.get("content")
    if not isinstance(text, str):
        return item
    return {**item, "content": [{"type": "input_text", "text": text}]}
