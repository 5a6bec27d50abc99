"""System prompts as the user's words, for models whose templates take no system message.

Servers make one of the `system` of a messages request and of the `instructions` of a responses one
(vLLM, llama.cpp), which the templates of Gemma 1 and 2 refuse as they do at chat.
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
"""The name of what is changed at responses."""


def without_any_system(body: Json) -> None:
    """Make all that a chat or messages body has of the system the user's, as `without_system` does.

    The messages themselves are copied.
    """
    given = body.get("messages")
    if not isinstance(given, list):
        return
    prompt = body.pop("system", None)
    if prompt:
        # Of messages: results stand before what else is in one of them.
        without_system_turns(body, USERS)
        given = [{"role": "system", "content": prompt}, *body["messages"]]
    body["messages"] = list(without_system(given))


def without_instructions(body: Json) -> None:
    """Make the instructions of a responses body, and its system messages, the user's.

    The items are copied.
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
    """Return a message with parts for its text, so that it can be one with another one."""
    if not isinstance(item, dict) or not (is_systems(item) or is_users(item)):
        return item
    text = item.get("content")
    if not isinstance(text, str):
        return item
    return {**item, "content": [{"type": "input_text", "text": text}]}
