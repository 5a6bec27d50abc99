"""Applies fixes to requests: leaves out or changes what an endpoint has refused, and reports it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from gateway.exchange.bodies.request_fields import Routed, field_names
from gateway.exchange.params.known_fixes import Fixes
from gateway.resolve.refusals.betas import entry
from gateway.resolve.refusals.fixed_bodies import (
    LOWERING,
    apply_fixes,
    parameter_value,
    values_beside,
)
from gateway.resolve.refusals.forced_calls import thinking_word
from gateway.resolve.refusals.history.developer_role import ITEMS_DEVELOPER
from gateway.resolve.refusals.history.earlier_blocks import TEXTS, USE_ID
from gateway.resolve.refusals.history.earlier_thinking import ASKED, BUDGET, ITEMS
from gateway.resolve.refusals.history.hints import is_hint
from gateway.resolve.refusals.history.history_fields import CALLS, FILLED_WITH, ROLES, ROW
from gateway.resolve.refusals.history.prompts_as_users import ITEMS_ROLES
from gateway.resolve.refusals.history.responses_system import INSTRUCTIONS
from gateway.resolve.refusals.history.responses_turns import TURNS
from gateway.resolve.refusals.history.single_uses import ITEMS_CALLS
from gateway.resolve.refusals.history.system_turns import FIRST, USERS
from gateway.resolve.refusals.limits import within
from gateway.resolve.refusals.naming.effort_rules import EFFORT_NAMES
from gateway.resolve.refusals.parameter_fixes import ANTHROPICS, NONE_GIVEN, ParameterFix
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.limits.quirks import without

_IN_MESSAGES = ("fill", "strip", "retell", "read")
"""Actions on fields of messages."""
_IN_INPUT = (ITEMS, ITEMS_DEVELOPER, INSTRUCTIONS, ITEMS_CALLS, ITEMS_ROLES, TURNS)
_HINTS = frozenset(
    {
        *("cache_control", "context_management", "diagnostics", "inference_geo", "metadata"),
        *("output_config.effort", "service_tier", "speed", "thinking.display"),
        *("temperature", "top_k", "top_p"),
    }
)
"""Parameters of messages that never make a request fail: clients do not fix them themselves.

Copilot's CLI sends a temperature to models of any name.
"""
_OF_OTHER_MODELS = (USE_ID, TEXTS, ASKED, BUDGET, ROW, ROLES, CALLS)
"""Fixes of turns and thinking that some models refuse and others take: no client makes them."""
_OF_VALUES = (*LOWERING, "replace")
"""Actions that change the value of a parameter and keep the parameter."""
_RETELLING: Mapping[str, Fixes] = {
    "user": (ParameterFix("retell", "role", USERS),),
    "hoist": (ParameterFix("retell", "role", FIRST),),
}
"""The fixes that `translation.late_system` asks for at `/v1/messages` itself."""


def knowing(context: Context, fixes: Fixes) -> Context:
    """Return a context that says that the model does not take what the fixes always leave out."""
    names = {fix.name for fix in fixes if fix.to is fix.given is fix.beside is None}
    return replace(
        context,
        capabilities=without(context.capabilities, names),
        own_endpoint=without(context.own_endpoint, names),
    )


def beside_values(fixes: Fixes, body: Callable[[], Json]) -> Fixes:
    """Return the fixes that fit the refused `body`, with its values in those that depend on any."""
    if not any(_depends_on_values(fix) or fix.action == "fit" for fix in fixes):
        return fixes
    refused = body()
    fitting = (within(fix, refused) for fix in fixes)
    return tuple(
        replace(fix, beside=values_beside(refused, fix.name)) if _depends_on_values(fix) else fix
        for fix in fitting
        if fix is not None
    )


def _depends_on_values(fix: ParameterFix) -> bool:
    return fix.once and fix.action in ("drop", "replace")


def for_own_clients(fixes: Fixes, shape: Shape) -> Fixes:
    """Return the fixes for requests of the endpoint's own clients.

    Such clients lower limits themselves, by the number in the upstream's refusal. Clients of
    messages fix most other parameters themselves, too, by Anthropic's words. They do not fix hints
    and sampling parameters, system messages within the conversation (Claude Code sends them to
    every model), content that another model has written, betas, and streams in the place of whole
    replies. They always send a limit, and read no other server's words about it.
    """
    if shape is Shape.MESSAGES:
        return tuple(
            fix
            for fix in fixes
            if fix.action in ("beta", "retell", "stream", "whole")
            or (fix.action in LOWERING and not is_the_upstreams(fix, shape))
            or (fix.action == "fill" and fix.name in _OF_OTHER_MODELS)
            or is_hint(fix.name)
            or (fix.action in ("drop", "replace") and fix.name in _HINTS and not _is_choice(fix))
        )
    return tuple(fix for fix in fixes if fix.action not in LOWERING)


def _is_choice(fix: ParameterFix) -> bool:
    """Whether a fix drops one of several values that conflict: the client knows which it needs.

    Edits of the context do not count: they are hints, whatever they conflict with.
    """
    return fix.once and fix.action == "drop" and fix.name != "context_management"


def for_clients(
    fixes: Fixes, client: Shape, shape: Shape, context: Context, routed: Routed | None = None
) -> Fixes:
    """Return the fixes for a request of a client of shape `client` at the endpoint of `shape`.

    Clients of the endpoint itself get the configured fixes, too. Translated requests need no fix
    for parts of other shapes. A request whose delivery is as the endpoint wants it (`routed` says
    which it asks for, if known) needs no fix of that.
    """
    if fixes and routed is not None:
        has_it = "stream" if routed.stream is True else "whole"
        fixes = tuple(fix for fix in fixes if fix.action != has_it)
    if not (fixes or client is shape is Shape.MESSAGES):
        return ()
    if client is shape:
        return (*_configured(shape, context), *for_own_clients(fixes, shape))
    return tuple(fix for fix in fixes if fix.action != "read")


def _configured(shape: Shape, context: Context) -> Fixes:
    if shape is not Shape.MESSAGES:
        return ()
    return _RETELLING.get(context.settings.late_system, ())


def may_apply(fixes: Fixes, body: bytes) -> bool:
    """Whether fixes can change a body: it has one of their fields. Raises `InvalidRequest`.

    Fixes of `stream` and of limits apply to bodies without these fields, too: such a body asks for
    a whole reply, and for the server's limit.
    """
    if _ask_for_streams(fixes) or any(fix.given == NONE_GIVEN for fix in fixes):
        return True
    return not _fields_of(fixes).isdisjoint(field_names(body))


def change_delivery(fixes: Fixes, body: Json) -> bool:
    """Whether replies come as streams to a client that asks for whole ones, or the reverse."""
    if body.get("stream") is True:
        return any(fix.action == "whole" for fix in fixes)
    return _ask_for_streams(fixes)


def _ask_for_streams(fixes: Fixes) -> bool:
    return any(fix.action == "stream" for fix in fixes)


@lru_cache(maxsize=1024)
def _fields_of(fixes: Fixes) -> frozenset[str]:
    return frozenset(map(_field_of, fixes))


def _field_of(fix: ParameterFix) -> str:
    if fix.name in _IN_INPUT:
        return "input"
    if fix.action == "unthink":
        return "tool_choice"
    return "messages" if fix.action in _IN_MESSAGES else fix.name.partition(".")[0]


def parameter_names(body: Json) -> frozenset[str]:
    """Return the names of the parameters in a body, those one level down as `outer.inner`."""
    names = set(body)
    for name, value in body.items():
        if isinstance(value, dict):
            names |= {f"{name}.{inner}" for inner in value}
    return frozenset(names)


class Fixable(Protocol):
    """A translation, or another request, that fixes can be applied to."""

    @property
    def report(self) -> Report:
        """What was dropped and changed."""

    @property
    def calls(self) -> Sequence[Json]:
        """The bodies before they are fixed."""

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter; None if it has none."""


def fixed_bodies(translation: Fixable, fixes: Fixes) -> Sequence[Json]:
    """Return a translation's bodies with the fixes applied, and report them."""
    if not fixes:
        return translation.calls
    bodies = [apply_fixes(body, fixes) for body in translation.calls]
    if not bodies:
        return bodies  # the gateway answers by itself
    for fix in fixes:
        if fix.action in ("stream", "whole"):
            _report_stream(translation, bodies)
        elif fix.action == "unthink":
            _report_unthinking(translation, fix, bodies)
        elif fix.action in _IN_MESSAGES:
            _report_history(translation, fix, bodies)
        elif fix.action != "withhold":
            _report_parameter(translation, fix, bodies)
    return bodies


def _report_stream(translation: Fixable, bodies: Sequence[Json]) -> None:
    if bodies[0].get("stream") != translation.calls[0].get("stream"):
        translation.report.emulate("stream")


def _report_unthinking(translation: Fixable, fix: ParameterFix, bodies: Sequence[Json]) -> None:
    before, after = translation.calls[0], bodies[0]
    given, sent = parameter_value(before, fix.name), parameter_value(after, fix.name)
    if given == sent:
        return
    is_effort = fix.name in EFFORT_NAMES  # which clients of all shapes have, too
    asked = translation.client_param(0, fix.name) if is_effort else None
    translation.report.change(asked or fix.name, thinking_word(given, fix), fix.to)
    for effort in EFFORT_NAMES:
        if parameter_value(before, effort) is not None and parameter_value(after, effort) is None:
            translation.report.drop(translation.client_param(0, effort) or effort)


def _report_parameter(translation: Fixable, fix: ParameterFix, bodies: Sequence[Json]) -> None:
    """Report a fix under the client's own name of the parameter, if it applied at all."""
    name, renamed_to = fix.name, fix.to
    asked = translation.client_param(0, name) or name
    if fix.action in _OF_VALUES:
        given, sent = parameter_value(translation.calls[0], name), parameter_value(bodies[0], name)
        is_dropped = fix.action == "replace" and sent is None  # by a later fix, which says so
        if sent != given and not is_dropped:
            translation.report.change(asked, "none" if given is None else given, sent)
        return
    entries = translation.calls[0].get(name)
    if fix.given is not None and isinstance(entries, list) and fix.given in entries:
        translation.report.drop(f"{asked}[{fix.given}]")
        return
    before = [parameter_names(body) for body in translation.calls]
    after = [parameter_names(body) for body in bodies]
    if before == after or not any(name in names for names in before):
        return
    if renamed_to is None or fix.action == "yield":
        translation.report.drop(asked)
    else:
        translation.report.rename(asked, renamed_to)


def _report_history(translation: Fixable, fix: ParameterFix, bodies: Sequence[Json]) -> None:
    before = translation.calls[0]
    if list(bodies) == list(translation.calls) or apply_fixes(before, (fix,)) == before:
        return
    if fix.action == "fill":
        translation.report.change(fix.name, *FILLED_WITH[fix.name])
    elif fix.action == "retell":
        translation.report.change(fix.name, "system", fix.to)
    elif fix.action == "strip":
        translation.report.drop(fix.name)


def is_the_upstreams(fix: ParameterFix, shape: Shape) -> bool:
    """Whether a client of the same endpoint gets the upstream's own refusal.

    Nothing is emulated or lowered for such a client, and responses has no `n`, `stop` or
    `logprobs`. At messages, where every request has a limit, only Anthropic's words about it are
    left to the client.
    """
    if fix.action in LOWERING:
        return shape is not Shape.MESSAGES or fix.given in (ANTHROPICS, NONE_GIVEN)
    names = ("n", "stop", "logprobs") if shape is Shape.RESPONSES else ("n",)
    return fix.action == "withhold" and fix.name in names


def subject_of(fix: ParameterFix) -> str:
    """Return the name of what a fix changes; each name is fixed once per endpoint.

    A limit may be lowered twice, to the model's and to the room that the prompt leaves, so it has
    two names. A parameter that has taken an effort's place may still be dropped.
    """
    if fix.action == "beta":
        return entry(fix.given or fix.to or "")
    if fix.action == "drop" and fix.name in EFFORT_NAMES and fix.given is not None:
        return f"{fix.name}={fix.given}"
    beside_prompt = fix.action == "fit" or (fix.action == "room" and fix.once)
    return f"fit {fix.name}" if beside_prompt else fix.name
