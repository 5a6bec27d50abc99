"""Fixes for parameters that an upstream refuses.

A fix drops a parameter, renames it to its name at that endpoint, replaces its value, or withholds
it: the translation then emulates it, or refuses it by the client's own name. Parameters that carry
meaning are never dropped: without `tools`, `logprobs` or `response_format` the caller would
silently get something else than was asked for.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from gateway.resolve.refusals.history.refused_fields import refused_field
from gateway.shapes import Shape

Action = Literal[
    "drop",
    "rename",
    "replace",
    "withhold",
    "fill",
    "strip",
    "limit",
    "fit",
    "room",
    "retell",
    "read",
    "stream",
    "whole",
    "unthink",
    "yield",
    "beta",
]


NONE_GIVEN: Final = ""
"""The `given` value of a `room` for requests without a limit, which the server then chooses."""
COUNTED: Final = "counted"
"""The `given` of a `room` at servers that count a prompt in a refusal, which is more exact."""
ANTHROPICS: Final = "anthropic"
"""The `given` of a `limit` or `fit` in Anthropic's words, by which its own clients lower theirs."""


@dataclass(frozen=True, slots=True)
class ParameterFix:
    """One change to a request. Names are top-level keys, or with a dot (`reasoning.effort`) nested.

    - `drop`: removes the parameter; with `given`, only that value of it, or that entry of its list
    - `rename`: sends it under the name `to`; `replace`: sends `to` in place of the value `given`
    - `withhold`: leaves it to the translation, for which the endpoint then lacks the parameter
    - `limit`: lowers a number to `to`; `fit`: the same, only for the prompt that was refused (if
      `to` is negative, by that much)
    - `room`: lowers a number to what the prompt surely leaves of a context of `to` tokens; unless
      `once`, only a number that is at least as large as the context
    - `fill`: adds what earlier messages lack; `strip`: removes a field from them (`history_fields`)
    - `retell`: says system messages in another way, which `to` names (`system_turns`)
    - `read`: has the translation read other shapes' parts in a chat request
    - `stream`: asks for a stream, with the option `to`; `whole`: for a whole reply (`streams_only`)
    - `unthink`: switches thinking off where a call is forced (`forced_calls`)
    - `yield`: drops the parameter if the parameter `to` is there
    - `beta`: leaves `given` out of a header field, or all names in `to` if all are there (`betas`)

    `effort` is the reasoning effort of the requests that the fix is for; None: any. `once`: it is
    only for the refused request, and for those in which the parameters beside it have the same
    values, of which `beside` is a digest (`fixed_bodies`).
    """

    action: Action
    name: str
    to: str | None = None
    given: str | None = None
    effort: str | None = None
    once: bool = False
    beside: str | None = None


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
    """The value that was refused, if others are supported and the parameter can be left out."""
    nearest: str | None = None
    """The nearest value that the upstream says it supports; None: it names none."""
    beside_others: bool = False
    """Whether it is refused only beside the values of other parameters."""
    beside: str | None = None
    """The parameter beside which it is refused, and without which it is taken."""


_CARRIES_MEANING = frozenset(
    {
        "audio",
        "background",
        "best_of",
        "container",
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
        "mcp_servers",
        "messages",
        "modalities",
        "model",
        "n",
        "output_format",
        "previous_response_id",
        "prompt",
        "response_format",
        "stop",
        "stop_sequences",
        "stream",
        "structured_outputs",
        "suffix",
        "system",
        "text",
        "text.format",
        "tool_choice",
        "tools",
        "top_logprobs",
        "web_search_options",
    }
)
OUTPUT = "output_config"
FORMAT = f"{OUTPUT}.format"
"""At messages; the other fields of `OUTPUT` are hints."""
_ONE_AT_A_TIME = "tool_choice.disable_parallel_tool_use"
"""Messages' `parallel_tool_calls`: only a wish, although it is in `tool_choice`."""
_EMULATED = frozenset({"n", "stop"})
"""Parameters that the gateway can emulate, also if only their value is refused."""

_WITHHELD = {"logit_bias": "logit_bias", "logprobs": "logprobs", "top_logprobs": "logprobs"}
"""Meaningful parameters that the translation refuses by the client's name once they are withheld.

That name need not be the refused one: `best_of` asks for logprobs.
"""
_WITHHELD_AT = {
    **dict.fromkeys(Shape, _WITHHELD),
    # Models at messages refuse `tool_choice` only where it forces a call.
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
    """Whether the caller would get something other than it asked for, without a parameter.

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
        own = _yielding(parameter) or _of_output(parameter, called, sent)
        own = own or _of_wish(parameter) or _fixes_for_one(parameter, called, sent)
        if not own:
            return ()
        for fix in own:
            fixes.setdefault(fix.name, fix)
    return tuple(fixes.values())


def _yielding(refused: RefusedParameter) -> tuple[ParameterFix, ...]:
    beside = refused.beside
    return () if beside is None else (ParameterFix("yield", refused.name, beside),)


def _of_wish(refused: RefusedParameter) -> tuple[ParameterFix, ...]:
    is_wish = refused.name == _ONE_AT_A_TIME and not refused.value_only
    return (ParameterFix("drop", refused.name),) if is_wish else ()


def _fixes_for_one(
    refused: RefusedParameter, called: Shape | None, sent: Collection[str]
) -> tuple[ParameterFix, ...]:
    name, new_name = refused.name, refused.instead
    in_history = refused_field(name, called)
    if in_history is not None:
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
    action: Action = "drop" if refused.nearest is None else "replace"
    once = refused.beside_others
    return (ParameterFix(action, name, refused.nearest, given=refused.given, once=once),)


def _of_output(
    refused: RefusedParameter, called: Shape | None, sent: Collection[str]
) -> tuple[ParameterFix, ...]:
    """Return the fixes for a refused `output_config`, or its format; none for anything else.

    They name the fields that this one had: later requests may have others.
    """
    is_whole = refused.name == OUTPUT
    if (
        called is not Shape.MESSAGES
        or refused.value_only
        or not (is_whole or refused.name == FORMAT)
    ):
        return ()
    if FORMAT in sent or not is_whole:
        return (ParameterFix("withhold", FORMAT),)
    hints = sorted(each for each in sent if each.startswith(f"{OUTPUT}."))
    return tuple(ParameterFix("drop", hint) for hint in hints)


def _move(name: str, moved: tuple[str, str], sent: Collection[str]) -> tuple[ParameterFix, ...]:
    rename = ParameterFix("rename", *moved)
    siblings = any(other.startswith(f"{name}.") and other != moved[0] for other in sent)
    return (rename, ParameterFix("drop", name)) if siblings else (rename,)
