"""Fixes for parameters that an upstream refuses, and their application to a request body.

A fix drops a parameter, renames it to its name at that endpoint, or withholds it: the translation
then emulates it, or refuses it by the client's own name. Parameters that carry meaning are never
dropped: without `tools`, `logprobs` or `response_format` the caller would silently get something
else than was asked for.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gateway.resolve.refusals.history.history_fields import fill, refused_field, strip
from gateway.resolve.refusals.history.system_turns import without_system_turns
from gateway.shapes import Json, Shape


@dataclass(frozen=True, slots=True)
class ParameterFix:
    """One change to a request body: drop a parameter, send it under another name, or withhold it.

    Names are top-level keys, or one level deeper with a dot: `reasoning.effort`. `to` is the new
    name of a `rename`, and the largest value of a `limit`, which lowers a number; so does a `fit`,
    but only beside the prompt that was refused. `withhold` leaves the body to the translation, for
    which the endpoint then lacks the parameter. `fill` adds a neutral value where earlier messages
    lack a demanded field, `strip` removes a field from them (`history_fields`). `retell` has system
    messages said otherwise: `to` says how (`system_turns`); `read` other shapes' parts in a chat
    request, by the translation. `given` is the only value that a `drop` holds for, or entry of a
    list, `effort` the reasoning effort of the requests that it holds for; None: any.
    """

    action: Literal["drop", "rename", "withhold", "fill", "strip", "limit", "fit", "retell", "read"]
    name: str
    to: str | None = None
    given: str | None = None
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedParameter:
    """A parameter that an upstream names as unsupported, and what else it says of it."""

    name: str
    instead: str | None = None
    """The name that the upstream proposes: "Use 'Y' instead", "has moved to 'Y'"."""
    unknown: bool = False
    """Whether the upstream knows no such name for any model (OpenAI's `unknown_parameter`)."""
    value_only: bool = False
    """Whether only the value is refused, and others are supported."""
    by_model: bool = False
    """Whether the model refuses it, not the server's schema."""
    given: str | None = None
    """The value that was refused, if others are supported and it can go without being replaced."""


_CARRIES_MEANING = frozenset(
    {
        "audio",
        "background",
        "best_of",
        "conversation",
        "dimensions",
        "echo",
        "encoding_format",
        "function_call",
        "functions",
        "grammar",
        "input",
        "instructions",
        "json_schema",
        "logit_bias",
        "logprobs",
        "messages",
        "modalities",
        "model",
        "n",
        "previous_response_id",
        "prompt",
        "response_format",
        "stop",
        "stop_sequences",
        "stream",
        "structured_outputs",
        "suffix",
        "text",
        "text.format",
        "tool_choice",
        "tools",
        "top_logprobs",
        "web_search_options",
    }
)
_EMULATED = frozenset({"n", "stop"})
"""Parameters that the gateway can emulate, also if only their value is refused."""

_WITHHELD = {"logit_bias": "logit_bias", "logprobs": "logprobs", "top_logprobs": "logprobs"}
"""Meaningful parameters that the translation refuses by the client's name once they are withheld.

That name need not be the refused one: `best_of` asks for logprobs.
"""
_WITHHELD_AT = {
    **dict.fromkeys(Shape, _WITHHELD),
    # Its models refuse it only where it forces a call.
    Shape.MESSAGES: {**_WITHHELD, "tool_choice": "tool_choice"},
}
_MEANINGFUL_PREFIXES = ("guided_",)

# Names of the same thing, for which an upstream's hint can be followed safely. Other hints are not
# followed: Groq answers `store` with "did you mean 'stop'?".
_SAME_THING = (
    frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"}),
    frozenset({"reasoning_effort", "reasoning.effort"}),
    frozenset({"verbosity", "text.verbosity"}),
)
# Not vice versa: an input may be a list of messages, but need not be.
_MAY_BECOME = frozenset({("messages", "input")})

# For upstreams that only say that the name is not supported. Azure before 2024-09 and Mistral know
# no `max_completion_tokens`; reasoning models no `max_tokens`; responses neither of them.
_OTHER_LIMIT = {
    Shape.COMPLETIONS: {"max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens"},
    Shape.CHAT: {
        "max_completion_tokens": "max_tokens",
        "max_output_tokens": "max_completion_tokens",
        "max_tokens": "max_completion_tokens",
    },
    Shape.RESPONSES: {
        "max_completion_tokens": "max_output_tokens",
        "max_tokens": "max_output_tokens",
    },
    Shape.MESSAGES: {},
}

# One shape's parameter in another's body: where it belongs instead.
_MISPLACED = {
    Shape.CHAT: {"reasoning": ("reasoning.effort", "reasoning_effort")},
    Shape.RESPONSES: {
        "reasoning_effort": ("reasoning_effort", "reasoning.effort"),
        "verbosity": ("verbosity", "text.verbosity"),
    },
}


def carries_meaning(name: str, called: Shape | None) -> bool:
    """Whether the caller would get something else than was asked for without a parameter.

    At endpoints that generate no text (`called` None), `response_format` only says how an image is
    delivered.
    """
    root = name.split(".", 1)[0]
    if called is None and name == "response_format":
        return False
    if name in _CARRIES_MEANING or name.startswith(_MEANINGFUL_PREFIXES):
        return True
    return root != "text" and root in _CARRIES_MEANING


def fixes_for(
    refused: Iterable[RefusedParameter], called: Shape | None, sent: Collection[str]
) -> tuple[ParameterFix, ...]:
    """Return the fixes that make a request acceptable, or none if one of the parameters must stay.

    `called` is the endpoint that refused (None: one that generates no text), `sent` the names in
    the refused body.
    """
    fixes: dict[str, ParameterFix] = {}
    for parameter in refused:
        own = _fixes_for_one(parameter, called, sent)
        if not own:
            return ()
        for fix in own:
            fixes.setdefault(fix.name, fix)
    return tuple(fixes.values())


def _fixes_for_one(
    refused: RefusedParameter, called: Shape | None, sent: Collection[str]
) -> tuple[ParameterFix, ...]:
    name, new_name = refused.name, refused.instead
    in_history = refused_field(name)
    if in_history is not None and called is Shape.CHAT:
        return (ParameterFix("strip", in_history),)
    root = name.partition("[")[0].partition(".")[0]
    if called is not None and root in _EMULATED:
        return (ParameterFix("withhold", root),)
    if called is not None and root in _WITHHELD_AT[called] and not refused.value_only:
        return (ParameterFix("withhold", _WITHHELD_AT[called][root]),)
    if refused.value_only or "[" in name or name.count(".") > 1:
        return ()
    if new_name is not None:
        known = any({name, new_name} <= same for same in _SAME_THING) and name != new_name
        may_become = known or (name, new_name) in _MAY_BECOME
        return (ParameterFix("rename", name, new_name),) if may_become else ()
    if called is not None:
        if name in _OTHER_LIMIT[called]:
            return (ParameterFix("rename", name, _OTHER_LIMIT[called][name]),)
        moved = _MISPLACED.get(called, {}).get(name)
        if refused.unknown and moved is not None and moved[0] in sent:
            return _move(name, moved, sent)
    if carries_meaning(name, called):
        return ()
    return (ParameterFix("drop", name, given=refused.given),)


def _move(name: str, moved: tuple[str, str], sent: Collection[str]) -> tuple[ParameterFix, ...]:
    rename = ParameterFix("rename", *moved)
    siblings = any(other.startswith(f"{name}.") and other != moved[0] for other in sent)
    return (rename, ParameterFix("drop", name)) if siblings else (rename,)


LOWERING: Final = ("limit", "fit")
"""Actions that lower the number of tokens that a reply may have."""
_ABSENT = object()
_OF_HISTORY: Mapping[str, Callable[[Json, str], None]] = {"fill": fill, "strip": strip}


def apply_fixes(body: Json, fixes: Iterable[ParameterFix]) -> Json:
    """Return a copy of a body with the fixes applied.

    Missing names are ignored. A name that was dropped or renamed stays away, whatever later fixes
    say. If the new name is there already, its value stays, and the old name is dropped.
    """
    fixed = dict(body)
    gone: set[str] = set()
    for fix in fixes:
        if fix.action in ("withhold", "read"):
            continue
        if fix.action in LOWERING:
            _lower(fixed, fix)
            continue
        if fix.action == "retell":
            without_system_turns(fixed, fix.to or "")
            continue
        if fix.action in _OF_HISTORY:
            _OF_HISTORY[fix.action](fixed, fix.name)
            continue
        if fix.given is not None and fix.given != _value(fixed, fix.name):
            _take_entry(fixed, fix)
            continue
        value = _take(fixed, fix.name)
        gone.add(fix.name)
        if value is not _ABSENT and fix.to is not None and fix.to not in gone:
            _put(fixed, fix.to, value)
    return fixed


def _lower(body: Json, fix: ParameterFix) -> None:
    """Set a number that is larger than the limit of a fix to that limit."""
    given, most = body.get(fix.name), int(fix.to or 0)
    if isinstance(given, int) and given > most:
        body[fix.name] = most


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


def _value(body: Json, name: str) -> object:
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
