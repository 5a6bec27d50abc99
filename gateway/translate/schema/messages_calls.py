"""The check that every call of a messages request has its result, and every result its call.

The API refuses what breaks these rules; so do OpenAI's endpoints, whose messages are about a
translated request that the client does not know. The words are Anthropic's.
"""

from collections.abc import Iterator, Sequence

from gateway.errors import InvalidRequest
from gateway.shapes import Json


def check_calls(messages: Sequence[Json]) -> None:
    """Raise `InvalidRequest` unless the results of each assistant's turn follow it.

    Messages of one role in a row are one turn. Ids may come again in later turns: some servers
    count the calls of a turn.
    """
    waiting: dict[str, str] = {}
    answered: set[str] = set()
    in_turn = False
    for position, message in enumerate(messages):
        is_assistant = message["role"] == "assistant"
        if is_assistant and not in_turn:
            _refuse_waiting(waiting)
            answered.clear()
        in_turn = is_assistant
        for block, path in blocks_of(message, position):
            if block["type"] == "tool_use":
                _call(block, path, waiting)
            elif block["type"] == "tool_result":
                _result(block, path, waiting, answered)
    _refuse_waiting(waiting)


def blocks_of(message: Json, position: int) -> Iterator[tuple[Json, str]]:
    """Yield the blocks of a checked message, each with its path."""
    content = message["content"]
    if not isinstance(content, str):
        for index, block in enumerate(content):
            yield block, f"messages[{position}].content[{index}]"


def _call(block: Json, path: str, waiting: dict[str, str]) -> None:
    if block["id"] in waiting:
        raise _invalid(f"{path}.id", f"`tool_use` ids must be unique: {_shown(block['id'])}.")
    waiting[block["id"]] = path


def _result(block: Json, path: str, waiting: dict[str, str], answered: set[str]) -> None:
    name = block["tool_use_id"]
    if name in answered:
        raise _invalid(
            path,
            "each tool_use must have a single result. Found multiple `tool_result` blocks with "
            f"id: {_shown(name)}.",
        )
    if name not in waiting:
        raise _invalid(
            path,
            f"unexpected `tool_use_id` found in `tool_result` blocks: {_shown(name)}. Each "
            "`tool_result` block must have a corresponding `tool_use` block in the previous "
            "message.",
        )
    del waiting[name]
    answered.add(name)


def _refuse_waiting(waiting: dict[str, str]) -> None:
    for name, path in waiting.items():
        raise _invalid(
            path,
            f"`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{_shown(name)}. Each `tool_use` block must have a corresponding `tool_result` block "
            "in the next message.",
        )


def _shown(name: str) -> str:
    return name[:100]


def _invalid(param: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}': {problem}", param=param, code="invalid_value")
