"""Messages of one role in a row, for models whose templates want the roles to alternate.

Gemma's and Mistral's do, the latter without calls and results (vllm#6862, picoclaw#207). Agents say
two things as the user (autogen#3597), or one after a result (mistral-vibe#1006), and several as the
system.
"""

from collections.abc import Iterator

from gateway.resolve.refusals.history.chat_system import as_one, with_one_system
from gateway.resolve.refusals.history.earlier_calls import with_answers

_ALTERNATING = ("user", "assistant")


def with_alternating_roles(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body with those of one role in a row as one.

    Calls end a row, results have none, and an answer stands before what the user says after them
    (`with_answers`). Of system messages one is left, the first (`with_one_system`). The messages
    themselves are copied.
    """
    row: list[object] = []
    for message in with_answers(list(with_one_system(messages))):
        if row and not _goes_on(row[-1], message):
            yield as_one(row)
            row = []
        row.append(message)
    if row:
        yield as_one(row)


def _goes_on(last: object, message: object) -> bool:
    if not (isinstance(last, dict) and isinstance(message, dict)):
        return False
    role = message.get("role")
    return role in _ALTERNATING and role == last.get("role") and not last.get("tool_calls")
