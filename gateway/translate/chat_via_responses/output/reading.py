"""Reads fields of upstream JSON: an absent one is empty, one of another type is an error."""

from gateway.errors import UpstreamError
from gateway.shapes import Json


def an_object(source: Json, name: str) -> Json:
    """Return a required object; raises `UpstreamError`."""
    value = source.get(name)
    if not isinstance(value, dict):
        raise _unreadable(name, "an object")
    return value


def objects(source: Json, name: str) -> list[Json]:
    """Return a list of objects without nulls; an absent one is empty. Raises `UpstreamError`."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _unreadable(name, "a list of objects")
    for each in value:
        if not isinstance(each, dict) and each is not None:
            raise _unreadable(name, "a list of objects")
    return [each for each in value if each is not None] if None in value else value


def string(source: Json, name: str) -> str:
    """Return a string; an absent one is empty. Raises `UpstreamError`."""
    value = source.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _unreadable(name, "a string")
    return value


def index_of(event: Json, name: str) -> int | None:
    """Return a position in a list; None if the event has none."""
    value = event.get(name)
    return value if type(value) is int else None


def _unreadable(name: str, expected: str) -> UpstreamError:
    return UpstreamError(f"The upstream's response cannot be read: '{name}' is not {expected}.")
