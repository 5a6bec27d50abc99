"""The form of a whole response, as far as a replay reads it (`replay.py`)."""

from collections.abc import Mapping
from typing import Final

from gateway.errors import UpstreamError
from gateway.shapes import Json

TEXTS: Final[Mapping[str, str]] = {
    "output_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
"""The parts of a response's content that are texts, and the fields that have these."""
_OF_CALLS: Final = {
    "function_call": ("name", "arguments"),
    "custom_tool_call": ("input",),
}


def check_response(response: Json) -> None:
    """Raise `UpstreamError`, naming the field, for a response that cannot be replayed."""
    for at, item in _objects(response, "output", ""):
        for name in ("type", "id", *_OF_CALLS.get(str(item.get("type")), ())):
            _check_text(item, name, at)
        for place, part in _objects(item, "summary", at, is_optional=True):
            _check_text(part, "text", place)
        for place, part in _objects(item, "content", at, is_optional=True):
            _check_text(part, "type", place)
            if field := TEXTS.get(part["type"]):
                _check_text(part, field, place)
            if part["type"] == "output_text":
                _objects(part, "annotations", place, is_optional=True)
    if response.get("status") is not None:
        _check_text(response, "status", "")


def _objects(
    source: Json, name: str, at: str, *, is_optional: bool = False
) -> list[tuple[str, Json]]:
    """Return the objects of a list, each with the beginning of its fields' paths.

    `at` is the beginning of the list's own path. A list that `is_optional` may be absent, or null.
    """
    found = source.get(name)
    if found is None and is_optional:
        return []
    if not isinstance(found, list):
        raise _unreadable(at + name, "a list")
    for index, each in enumerate(found):
        if not isinstance(each, dict):
            raise _unreadable(f"{at}{name}[{index}]", "an object")
    return [(f"{at}{name}[{index}].", each) for index, each in enumerate(found)]


def _check_text(source: Json, name: str, at: str) -> None:
    if not isinstance(source.get(name), str):
        raise _unreadable(at + name, "a string")


def _unreadable(name: str, expected: str) -> UpstreamError:
    return UpstreamError(f"The upstream's response cannot be used: '{name}' is not {expected}.")
