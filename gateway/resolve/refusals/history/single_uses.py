"""Separates calls that were made at once, in messages and responses requests.

Llama's templates accept one call in a message, but servers put all calls that were made at once
into one message (vLLM at both endpoints). At chat, `earlier_calls` separates them.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final, TypeGuard

from gateway.resolve.refusals.history.system_turns import is_result, is_users, parts_of
from gateway.shapes import Json

ITEMS_CALLS: Final = "input[function_call]"
"""What fixes and the report call this at responses."""


def with_single_uses(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a messages body with each call in one of its own, before its result.

    Blocks after a call stay with it; other blocks beside the results stay with the last result. If
    a call has no result, its message stays as it is. The given messages are not changed.
    """
    rest = list(reversed(messages))
    while rest:
        message = rest.pop()
        following = rest[-1] if rest else None
        parted = _parted(message, following)
        if parted is None:
            yield message
        else:
            rest.pop()
            yield from parted


def _parted(message: object, following: object) -> list[object] | None:
    """Return the messages that replace one with several calls, and the next with their results.

    None: the message has fewer calls, or one of them has no result.
    """
    groups = _groups(message)
    if len(groups) < 2 or not (isinstance(message, dict) and isinstance(following, dict)):
        return None
    others = parts_of(following) if is_users(following) else []
    parted: list[object] = []
    for group in groups:
        result = next((each for each in others if _answers(each, group)), None)
        if result is None:
            return None
        others = [each for each in others if each is not result]
        parted.append({**message, "content": group})
        parted.append({**following, "content": [result]})
    return [*parted[:-1], {**following, "content": [result, *others]}]


def _groups(message: object) -> list[list[object]]:
    """Return the blocks of an assistant's message, each call with those after it."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return []
    groups: list[list[object]] = [[]]
    for block in parts_of(message):
        if _is_use(block) and any(map(_is_use, groups[-1])):
            groups.append([])
        groups[-1].append(block)
    return groups


def _is_use(block: object) -> TypeGuard[Json]:
    return isinstance(block, dict) and block.get("type") == "tool_use"


def _answers(block: object, group: list[object]) -> bool:
    if not isinstance(block, dict) or not is_result(block):
        return False
    return any(each.get("id") == block.get("tool_use_id") for each in group if _is_use(each))


def with_single_items(body: Json) -> None:
    """Put each output of a call in a responses body right behind the call."""
    given = body.get("input")
    if not isinstance(given, list):
        return
    outputs = [item for item in given if _is_of(item, "_call_output")]
    calls = [item for item in given if _is_of(item, "_call")]
    behind = {
        id(call): [each for each in outputs if each.get("call_id") == call["call_id"]]
        for call in calls
    }
    moved = {id(each) for each in chain.from_iterable(behind.values())}
    body["input"] = [
        each
        for item in given
        if id(item) not in moved
        for each in (item, *behind.get(id(item), ()))
    ]


def _is_of(item: object, kind: str) -> TypeGuard[Json]:
    if not isinstance(item, dict) or not isinstance(item.get("call_id"), str):
        return False
    return str(item.get("type")).endswith(kind)
