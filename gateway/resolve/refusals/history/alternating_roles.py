"""Consecutive messages of one role, for models whose templates want the roles to alternate.

Gemma's and Mistral's do; Mistral's do not count calls and results (vllm#6862, picoclaw#207).
Agents send two user messages in a row (autogen#3597), one after a result (mistral-vibe#1006), or
several system messages. Claude Code puts a result and what the user says after it into one message,
which servers split (openclaude#202), llama.cpp in the wrong order.
"""

from collections.abc import Iterable, Iterator

from gateway.resolve.refusals.history.chat_system import as_one, with_one_system
from gateway.resolve.refusals.history.earlier_calls import with_answers
from gateway.resolve.refusals.history.system_turns import is_result, parts_of

_ALTERNATING = ("user", "assistant")


def with_alternating_roles(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat or messages body, consecutive ones of one role joined.

    A message with calls is not joined with the next one. An answer is put between results and what
    the user says after them. Of system messages one is left, the first (`with_one_system`). The
    given messages stay unchanged.
    """
    row: list[object] = []
    for message in with_answers(_parted(with_one_system(messages))):
        if row and not _goes_on(row[-1], message):
            yield as_one(row)
            row = []
        row.append(message)
    if row:
        yield as_one(row)


def _parted(messages: Iterable[object]) -> Iterator[object]:
    """Yield the messages; one with results and other blocks becomes two, the results first."""
    for message in messages:
        blocks = parts_of(message)
        results = [block for block in blocks if is_result(block)]
        if isinstance(message, dict) and 0 < len(results) < len(blocks):
            yield {**message, "content": results}
            yield {**message, "content": [block for block in blocks if not is_result(block)]}
        else:
            yield message


def _goes_on(last: object, message: object) -> bool:
    if not (isinstance(last, dict) and isinstance(message, dict)):
        return False
    role = message.get("role")
    return role in _ALTERNATING and role == last.get("role") and not last.get("tool_calls")
