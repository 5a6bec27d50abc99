"""Messages of one role in a row within a responses request, for models whose roles alternate.

Codex begins with two or three of the user, and says more after the output of a call that was
denied. At chat, `alternating_roles` does the same.
"""

from typing import Final, TypeGuard

from gateway.resolve.refusals.history.earlier_calls import DONE
from gateway.resolve.refusals.history.responses_system import with_one_instruction
from gateway.shapes import Json

TURNS: Final = "input[message]"
"""The name of what is changed."""

_PARTS = {"user": "input_text", "assistant": "output_text"}
"""The roles that alternate, and the type of their texts."""
_ANSWER: Json = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": DONE}],
}


def with_alternating_messages(body: Json) -> None:
    """Make one of the messages of one role in a row; an answer stands before the user's next one.

    That is after outputs of calls. Of system messages one is left (`with_one_instruction`). The
    items are copied.
    """
    with_one_instruction(body)
    given = body.get("input")
    if not isinstance(given, list):
        return
    items: list[object] = []
    row: list[object] | None = None  # the parts of the last message, if it is one of several
    for item in given:
        last = items[-1] if items else None
        if _is_message(item, "user") and _is_output(last):
            items.append(dict(_ANSWER))
        role = next((role for role in _PARTS if _is_message(item, role)), "")
        if _is_message(item, role) and _is_message(last, role):
            if row is None:
                row = list(_parts(last, role))
                items[-1] = {**last, "content": row}
            row += _parts(item, role)
        else:
            items.append(item)
            row = None
    body["input"] = items


def _is_message(item: object, role: str) -> TypeGuard[Json]:
    if not isinstance(item, dict) or role not in _PARTS or item.get("role") != role:
        return False
    return isinstance(item.get("content"), str | list)


def _is_output(item: object) -> bool:
    return isinstance(item, dict) and str(item.get("type")).endswith("_call_output")


def _parts(message: Json, role: str) -> list[object]:
    content = message["content"]
    return [{"type": _PARTS[role], "text": content}] if isinstance(content, str) else content
