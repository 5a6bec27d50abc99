"""Consecutive messages of one role in a responses request, for models whose roles must alternate.

Codex begins with two or three user messages, and sends another one after the output of a call that
was denied. At chat, `alternating_roles` does the same.
"""

from typing import Final, TypeGuard

from gateway.resolve.refusals.history.earlier_calls import DONE
from gateway.resolve.refusals.history.responses_system import with_one_instruction
from gateway.shapes import Json

TURNS: Final = "input[message]"
"""What fixes and the report call this."""

_PARTS = {"user": "input_text", "assistant": "output_text"}
"""The roles that alternate, and the type of their texts."""
_ANSWER: Json = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": DONE}],
}


def with_alternating_messages(body: Json) -> None:
    """Join the consecutive messages of one role in a responses body.

    An answer is put between the output of a call and what the user says after it. Of system
    messages one is left (`with_one_instruction`). The given items stay unchanged.
    """
    with_one_instruction(body)
    given = body.get("input")
    if not isinstance(given, list):
        return
    items: list[object] = []
    row: list[object] | None = None  # the parts of the last message, if it was joined from several
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
