"""Odd documents: broken as by careless programs, or valid but as nobody would write them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.translate.test_messages_fields import Keys, places

JUNK: Sequence[Any] = (
    *(None, 0, -1, 1.5, True, "", " ", "x", "é😀\u2028", "null", "{}", "[1]", 10**30),
    *([], [None], ["x"], [[]], [{}], {}, {"type": "x"}, {"type": None}, {"name": 1}),
    *({"type": "text", "text": "a"}, {"content": None}, {"é": {"b": [1]}}, "y" * 5000),
    *({"type": "object", "properties": {"a": {"items": {"anyOf": [{}, None]}}}},),
)
NAMES = (
    *("zzz", "é", "type", "id", "name", "role", "content", "text", "index", "status", "error"),
    *("arguments", "input", "output", "call_id", "tool_calls", "usage", "finish_reason", "phase"),
    *("reasoning", "reasoning_content", "signature", "summary", "logprobs", "annotations"),
)
UNHEARD_OF = ("zzz", "é", "x-Own")
"""Names of fields that mean nothing to anybody."""
_SAID = frozenset({"text", "content", "refusal", "thinking"})
"""Keys of what a model says."""


@st.composite
def broken(draw: st.DrawFn, document: Any) -> Any:
    """Return a copy of which up to three places are broken."""
    copy = _copied(document)
    for _ in range(draw(st.integers(1, 3))):
        if found := list(places(copy)):
            keys = draw(st.sampled_from(found))
            draw(st.sampled_from(_BREAKS))(draw, copy, keys)
    return copy


def _put_junk(draw: st.DrawFn, document: Any, keys: Keys) -> None:
    _at(document, keys[:-1])[keys[-1]] = _copied(draw(st.sampled_from(JUNK)))


def _take_away(draw: st.DrawFn, document: Any, keys: Keys) -> None:
    del _at(document, keys[:-1])[keys[-1]]


def _put_a_field(draw: st.DrawFn, document: Any, keys: Keys) -> None:
    place = _at(document, keys)
    if isinstance(place, dict):
        place[draw(st.sampled_from(NAMES))] = _copied(draw(st.sampled_from(JUNK)))


def _repeat(draw: st.DrawFn, document: Any, keys: Keys) -> None:
    outer = _at(document, keys[:-1])
    position: Any = keys[-1]
    if isinstance(outer, list):
        outer.insert(position, _copied(outer[position]))


def _put_what_is_elsewhere(draw: st.DrawFn, document: Any, keys: Keys) -> None:
    other = _copied(_at(document, draw(st.sampled_from(list(places(document))))))
    _at(document, keys[:-1])[keys[-1]] = other


def _put_in_another_order(draw: st.DrawFn, document: Any, keys: Keys) -> None:
    outer = _at(document, keys[:-1])
    if isinstance(outer, list):
        outer[:] = draw(st.permutations(outer))
    else:
        _reverse(outer)


_BREAKS: Sequence[Callable[[st.DrawFn, Any, Keys], None]] = (
    _put_junk,
    _take_away,
    _put_a_field,
    _repeat,
    _put_what_is_elsewhere,
    _put_in_another_order,
)


@st.composite
def unusual(draw: st.DrawFn, reply: Any) -> Any:
    """Return a copy as nobody would write it, but valid.

    Its texts may be longer, or of other characters, its keys in another order, and there are fields
    that mean nothing.
    """
    more = draw(st.sampled_from(["", " ", "é😀\u2028", "\n\n", '"\\', "\t\x7f", "z" * 3000]))
    copy = _retold(_copied(reply), more)
    for _ in range(draw(st.integers(0, 3))):
        fields = [path for path in places(copy) if "metadata" not in path]  # that has texts only
        place = _at(copy, draw(st.sampled_from([(), *fields])))
        if isinstance(place, dict):
            place[draw(st.sampled_from(UNHEARD_OF))] = _copied(draw(st.sampled_from(JUNK)))
            _reverse(place)
    return copy


def _retold(value: Any, more: str) -> Any:
    """Return a value with more in its texts, unless they are what their tokens add up to."""
    if isinstance(value, list):
        return [_retold(inner, more) for inner in value]
    if not isinstance(value, dict):
        return value
    more = "" if value.get("logprobs") else more
    return {
        key: f"{inner}{more}" if key in _SAID and isinstance(inner, str) else _retold(inner, more)
        for key, inner in value.items()
    }


def without_nulls(value: Any) -> Any:
    """Return a copy that has no field with a null: that is the same as none."""
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}


def _reverse(fields: dict[str, Any]) -> None:
    items = list(fields.items())
    fields.clear()
    fields.update(reversed(items))


def _at(document: Any, keys: Keys) -> Any:
    for key in keys:
        document = document[key]
    return document


def _copied(document: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(document))
