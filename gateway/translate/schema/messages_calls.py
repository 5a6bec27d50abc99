"""The check that every call of a messages request has its result, and every result its call.

The API refuses what breaks these rules; so do OpenAI's endpoints, whose messages are about a
translated request that the client does not know. The words are Anthropic's.
"""

from collections.abc import Mapping, Sequence

from gateway.errors import InvalidRequest
from gateway.shapes import Json

_Place = tuple[int, int]
"""The index of a message, and that of a block in it."""


def check_calls(messages: Sequence[Json]) -> None:
    """Raise `InvalidRequest` unless the results of each assistant's turn follow it.

    Messages of one role in a row are one turn. Ids may be used again in later turns: some servers
    number the calls of each turn from the beginning.
    """
    waiting: dict[str, _Place] = {}
    answered: set[str] = set()
    in_turn = False
    for position, message in enumerate(messages):
        is_assistant = message["role"] == "assistant"
        if is_assistant and not in_turn:
            _refuse_waiting(waiting)
            answered.clear()
        in_turn = is_assistant
        content = message["content"]
        for index, block in enumerate(() if isinstance(content, str) else content):
            kind = block["type"]
            if kind == "tool_use":
                _call(block["id"], (position, index), waiting)
            elif kind == "tool_result":
                _result(block["tool_use_id"], (position, index), waiting, answered)
    _refuse_waiting(waiting)


def path_of(place: _Place) -> str:
    """Return the path of a block."""
    return "messages[{}].content[{}]".format(*place)


def _call(name: str, place: _Place, waiting: dict[str, _Place]) -> None:
    if name in waiting:
        problem = f"`tool_use` ids must be unique: {_shown(name)}."
        raise _invalid(f"{path_of(place)}.id", problem)
    waiting[name] = place


def _result(name: str, place: _Place, waiting: dict[str, _Place], answered: set[str]) -> None:
    if name in answered:
        raise _invalid(
            path_of(place),
            "each tool_use must have a single result. Found multiple `tool_result` blocks with "
            f"id: {_shown(name)}.",
        )
    if name not in waiting:
        raise _invalid(
            path_of(place),
            f"unexpected `tool_use_id` found in `tool_result` blocks: {_shown(name)}. Each "
            "`tool_result` block must have a corresponding `tool_use` block in the previous "
            "message.",
        )
    del waiting[name]
    answered.add(name)


def _refuse_waiting(waiting: Mapping[str, _Place]) -> None:
    for name, place in waiting.items():
        raise _invalid(
            path_of(place),
            f"`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{_shown(name)}. Each `tool_use` block must have a corresponding `tool_result` block "
            "in the next message.",
        )


def _shown(name: str) -> str:
    return name[:100]


def _invalid(param: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}': {problem}", param=param, code="invalid_value")
