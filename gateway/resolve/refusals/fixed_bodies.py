"""Request bodies with the fixes for refused parameters applied."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from gateway.resolve.refusals.forced_calls import forces_call, switched_off
from gateway.resolve.refusals.history.history_fields import fill, strip
from gateway.resolve.refusals.history.system_turns import without_system_turns
from gateway.resolve.refusals.limits import is_most, sure_room
from gateway.resolve.refusals.naming.effort_rules import EFFORT_NAMES
from gateway.resolve.refusals.parameter_fixes import COUNTED, NONE_GIVEN, ParameterFix
from gateway.resolve.refusals.streams_only import ask_for_stream, ask_for_whole
from gateway.shapes import Json

LOWERING: Final = ("limit", "fit", "room")
"""Actions that lower the number of tokens that a reply may have."""
_OF_TRANSLATION = ("withhold", "read")
"""Actions that are left to the translation."""
_ABSENT = object()
_BESIDE = (
    *("enable_thinking", "output_config", "reasoning", "reasoning_effort", "thinking"),
    "tool_choice",
)
"""Parameters whose values can decide whether another parameter, or one of these, is accepted."""


def apply_fixes(body: Json, fixes: Iterable[ParameterFix]) -> Json:
    """Return a copy of a body with the fixes applied.

    Missing names are ignored. A name that was dropped or renamed stays away, whatever later fixes
    say. If the new name is there already, its value stays, and the old name is dropped.
    """
    fixed = dict(body)
    gone: set[str] = set()
    for fix in fixes:
        if fix.action in _OF_TRANSLATION or not _holds_beside(body, fix):
            continue
        change = _CHANGES.get(fix.action)
        if change is not None:
            change(fixed, fix)
            continue
        if fix.given is not None and fix.given != parameter_value(fixed, fix.name):
            _take_entry(fixed, fix)
            continue
        value = _take(fixed, fix.name)
        gone.add(fix.name)
        if value is not _ABSENT and fix.to is not None and fix.to not in gone:
            _put(fixed, fix.to, value)
    return fixed


def values_beside(body: Json, name: str) -> str:
    """Return a digest of the values that decide whether a parameter is accepted, its own included.

    Digests are for comparison: they reveal none of the values.
    """
    names = sorted({*_BESIDE, name.partition(".")[0]})
    values = msgspec.json.encode([body.get(each) for each in names], order="deterministic")
    return blake2b(values, digest_size=16).hexdigest()


def _holds_beside(body: Json, fix: ParameterFix) -> bool:
    return fix.beside is None or fix.beside == values_beside(body, fix.name)


def _lower(body: Json, fix: ParameterFix) -> None:
    """Set a number that is larger than the limit of a fix to that limit."""
    given, most = body.get(fix.name), int(fix.to or 0)
    if isinstance(given, int) and given > most > 0:
        body[fix.name] = most


def _make_room(body: Json, fix: ParameterFix) -> None:
    """Lower the limit of a reply to what the prompt surely leaves of the context.

    A body without a limit gets one from a fix for such bodies (`NONE_GIVEN`).
    """
    given, context = body.get(fix.name), int(fix.to or 0)
    if given is None and fix.given == NONE_GIVEN:
        body[fix.name] = sure_room(body, context, context)
    elif fix.given != NONE_GIVEN and isinstance(given, int) and (fix.once or given >= context):
        room = sure_room(body, context, given)
        # Asked for the whole context, the server says in its next refusal how long the prompt is.
        is_enough = fix.given != COUNTED or is_most(room, context)
        body[fix.name] = min(given, room if is_enough else context)


def _replace(body: Json, fix: ParameterFix) -> None:
    """Put the value of a fix in the place of the given one."""
    if fix.given != parameter_value(body, fix.name):
        return
    outer, _, inner = fix.name.partition(".")
    body[outer] = {**body[outer], inner: fix.to} if inner else fix.to


def _yield(body: Json, fix: ParameterFix) -> None:
    """Drop a parameter where the other one is there, too."""
    if body.get(fix.to or "") is not None:
        body.pop(fix.name, None)


def _fill(body: Json, fix: ParameterFix) -> None:
    fill(body, fix.name)


def _strip(body: Json, fix: ParameterFix) -> None:
    strip(body, fix.name)


def _retell(body: Json, fix: ParameterFix) -> None:
    without_system_turns(body, fix.to or "")


def _stream(body: Json, fix: ParameterFix) -> None:
    ask_for_stream(body, fix.to)


def _whole(body: Json, _: ParameterFix) -> None:
    ask_for_whole(body)


def _unthink(body: Json, fix: ParameterFix) -> None:
    """Switch thinking off in a body that forces a call, and remove its reasoning effort.

    DeepSeek refuses an effort when thinking is switched off (openclaw#47261).
    """
    if not forces_call(body):
        return
    for name in (*EFFORT_NAMES, fix.name):
        _take(body, name)
    _put(body, fix.name, switched_off(fix))


_CHANGES: Mapping[str, Callable[[Json, ParameterFix], None]] = {
    **dict.fromkeys(("limit", "fit"), _lower),
    "room": _make_room,
    "replace": _replace,
    "fill": _fill,
    "strip": _strip,
    "retell": _retell,
    "stream": _stream,
    "whole": _whole,
    "unthink": _unthink,
    "yield": _yield,
}
"""What changes a body in place, by action; other actions remove a parameter or rename it."""


def _take_entry(body: Json, fix: ParameterFix) -> None:
    """Remove the given entry from a list; a list that becomes empty is removed, too."""
    entries = body.get(fix.name)
    if not isinstance(entries, list):
        return
    rest = [entry for entry in entries if entry != fix.given]
    if rest or not entries:
        body[fix.name] = rest
    else:
        del body[fix.name]


def parameter_value(body: Json, name: str) -> object:
    """Return the value of a parameter; None if it is not there."""
    outer, _, inner = name.partition(".")
    value = body.get(outer)
    return value.get(inner) if inner and isinstance(value, dict) else value


def _take(body: Json, name: str) -> object:
    """Remove a parameter and return its value; an object that becomes empty is removed, too."""
    outer, _, inner = name.partition(".")
    if not inner:
        return body.pop(name, _ABSENT)
    parent = body.get(outer)
    if not isinstance(parent, dict) or inner not in parent:
        return _ABSENT
    rest = {key: value for key, value in parent.items() if key != inner}
    if rest:
        body[outer] = rest
    else:
        del body[outer]
    return parent[inner]


def _put(body: Json, name: str, value: object) -> None:
    outer, _, inner = name.partition(".")
    if not inner:
        if body.get(name) is None:
            body[name] = value
        return
    parent = body.get(outer)
    if parent is None:
        body[outer] = {inner: value}
    elif isinstance(parent, dict) and parent.get(inner) is None:
        body[outer] = {**parent, inner: value}
