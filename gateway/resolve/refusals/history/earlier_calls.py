"""Forms that servers demand of earlier calls, and of what follows their results.

Calls made by another model or server have ids of another form; and users speak before the model has
answered a result, as Claude Code does with each reminder. Mistral's own servers refuse both, and so
do others with its tokenizers (opencode#1680, hermes-agent#20154, LibreChat-AI/agents#344). Llama's
templates accept one call in a message, though Llama and other models make several at once.
Arguments that were cut off by a limit are not JSON, but templates parse them (club-3090#667,
hermes-agent#11788).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import Final, TypeGuard

from gateway.resolve.refusals.history.system_turns import is_result, is_users, parts_of
from gateway.servers.presets import INVALID_ARGUMENTS
from gateway.shapes import Json

_ID = re.compile(r"[a-zA-Z0-9]{9}")
DONE: Final = "Done."
"""What the assistant is made to say between a result and the user, where it has said nothing."""
_ANSWER: Json = {"role": "assistant", "content": DONE}
"""What other clients send in the place of the missing answer, too."""
_NOTHING = ("", "null")
"""How calls without arguments are written, beside `{}`."""


def with_short_ids(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body with ids of calls that have nine letters or digits.

    Other ids are replaced by a hash. The same id always gives the same hash, so that calls and
    results still match, in each turn. The given messages stay unchanged.
    """
    for message in messages:
        if not isinstance(message, dict):
            yield message
        elif isinstance(message.get("tool_call_id"), str):
            yield {**message, "tool_call_id": short_id(message["tool_call_id"])}
        else:
            yield _with_calls(message, _with_short_id)


def short_id(call_id: str) -> str:
    """Return the id that `with_short_ids` puts in the place of this one."""
    if _ID.fullmatch(call_id):
        return call_id
    return hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:9]


def with_answers(messages: Iterable[object]) -> Iterator[object]:
    """Yield the messages of a body, and an answer where a user speaks after a result."""
    after_results = False
    for message in messages:
        has_results = _has_results(message)
        if after_results and is_users(message) and not has_results:
            yield dict(_ANSWER)
        yield message
        after_results = has_results


def _has_results(message: object) -> bool:
    return _is_tools(message) or any(map(is_result, parts_of(message)))


def with_single_calls(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body with each call in a message of its own, before its results.

    What the message said stays with its first call. The messages themselves are copied.
    """
    results: list[Json] = []
    for place, message in enumerate(messages):
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        if any(message is each for each in results):
            continue
        if not isinstance(message, dict) or not isinstance(calls, list) or len(calls) < 2:
            yield message
            continue
        results = [*filter(_is_tools, takewhile(_is_tools, messages[place + 1 :]))]
        yield from _one_by_one(message, calls, results)


def _one_by_one(message: Json, calls: list[object], results: list[Json]) -> Iterator[object]:
    left = list(results)
    for place, call in enumerate(calls):
        saying = message if place == 0 else {"role": message.get("role"), "content": ""}
        yield {**saying, "tool_calls": [call]}
        call_id = call.get("id") if isinstance(call, dict) else None
        found = next((each for each in left if each.get("tool_call_id") == call_id), None)
        if found is not None:
            left = [each for each in left if each is not found]
            yield found
    yield from left


def _is_tools(message: object) -> TypeGuard[Json]:
    return isinstance(message, dict) and message.get("role") == "tool"


def with_valid_arguments(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body with arguments of calls that are JSON objects.

    Any other text becomes a property of an object, or an empty object if it says nothing. The
    given messages stay unchanged.
    """
    for message in messages:
        if not isinstance(message, dict):
            yield message
        elif isinstance(message.get("function_call"), dict):
            yield {**message, "function_call": _with_valid_arguments(message["function_call"])}
        else:
            yield _with_calls(message, _with_valid_function)


def _with_calls(message: Json, changed: Callable[[Json], Json]) -> Json:
    """Return a message with its calls changed, if it has any."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {
        **message,
        "tool_calls": [changed(call) if isinstance(call, dict) else call for call in calls],
    }


def _with_valid_function(call: Json) -> Json:
    function = call.get("function")
    if not isinstance(function, dict):
        return call
    return {**call, "function": _with_valid_arguments(function)}


def _with_valid_arguments(function: Json) -> Json:
    given = function.get("arguments")
    if not isinstance(given, str) or _is_object(given):
        return function
    has_any = given.strip() not in _NOTHING
    return {**function, "arguments": json.dumps({INVALID_ARGUMENTS: given} if has_any else {})}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _with_short_id(call: Json) -> Json:
    return {**call, "id": short_id(call["id"])} if isinstance(call.get("id"), str) else call
