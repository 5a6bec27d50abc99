"""Tells whether endpoints take the values that rules set or fill in, by the checks of requests."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.config.checks.problems import InvalidValue, KeyPath, show_key, show_path
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.config.translation_settings import ParamSettings
from gateway.errors import InvalidRequest
from gateway.exchange.params.shape_params import in_shape
from gateway.resolve.names.catalogue import Catalogue
from gateway.servers.efforts import EFFORTS
from gateway.shapes import Shape
from gateway.translate.completions_via_chat.request import TABLE
from gateway.translate.schema.chat import CHAT_EXTENSIONS, CHAT_PARAMETERS
from gateway.translate.schema.checks import Anything, Check
from gateway.translate.schema.messages import MESSAGES_PARAMETERS
from gateway.translate.schema.responses import RESPONSES_PARAMETERS

_CHECKS: Mapping[Shape, Mapping[str, Check]] = {
    Shape.COMPLETIONS: TABLE,
    Shape.CHAT: {**CHAT_PARAMETERS, **CHAT_EXTENSIONS},
    Shape.RESPONSES: RESPONSES_PARAMETERS,
    # A check that does not look at a value says nothing about it.
    Shape.MESSAGES: {
        name: check
        for name, check in MESSAGES_PARAMETERS.items()
        if not isinstance(check, Anything)
    },
}
_PARTIAL = "missing_required_parameter"
"""The code for an object that may be complete once it is merged into the client's."""
_SIZES = ("_above_", "_below_")
"""Parts of the codes for numbers, texts and lists beyond their limits."""
_EXPECTED = re.compile(r"[Ee]xpected (.+?), but got")
_SUPPORTED = re.compile(r"Supported values are: (.+)\.")


class _Fault(NamedTuple):
    """Why an endpoint refuses a value."""

    text: str
    """What it must be, without the value itself."""
    of_size: bool
    """Whether it is too large or too small for OpenAI; other servers may take it."""


class _Value(NamedTuple):
    """A value that a rule sets or fills in."""

    key: KeyPath
    taken: bool
    """Whether an endpoint takes it, as far as its check goes."""
    faults: Mapping[Shape, _Fault]
    """Why others refuse it."""

    def is_refused(self, upstream: UpstreamSettings) -> bool:
        """Whether it can have no effect but errors at an upstream."""
        is_openai = upstream.kind.openai_models is not None
        wrong = [is_openai or not fault.of_size for fault in self.faults.values()]
        return any(wrong) and not self.taken


def refusals(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield the values that every endpoint refuses, and parameters of models without endpoints."""
    for rule in settings.models:
        upstream = settings.upstream(rule.upstream or settings.upstreams[0].name)
        for value in _values(rule):
            if value.is_refused(upstream):
                yield value.key, InvalidValue(next(iter(value.faults.values())).text)
        elsewhere = _elsewhere(rule, upstream) if rule.params is not None else ""
        if elsewhere:
            yield (
                ("models", rule.pattern, "params"),
                InvalidValue(
                    f"has no effect at /v1/{elsewhere}, where this model lives: parameters are "
                    "only changed at the generation endpoints",
                    "remove it",
                ),
            )


def doubts(settings: Settings) -> Iterator[str]:
    """Yield a sentence for every value that some endpoints or servers take and others refuse."""
    for rule in settings.models:
        upstream = settings.upstream(rule.upstream or settings.upstreams[0].name)
        if rule.reasoning_effort not in (None, *EFFORTS):
            place = show_path(("models", rule.pattern, "reasoning_effort"))
            yield f"{place}: is not one of {', '.join(EFFORTS)}; most servers will refuse it"
        for value in _values(rule):
            faults = {} if value.is_refused(upstream) else value.faults
            for text in dict.fromkeys(fault.text for fault in faults.values()):
                endpoints = [shape.endpoint for shape, at in faults.items() if at.text == text]
                where = " or ".join(endpoints)
                yield f"{show_path(value.key)}: {text} for clients that call {where}"


def _values(rule: ModelRule) -> Iterator[_Value]:
    params = rule.params or ParamSettings()
    for group, values in (("set", params.set), ("default", params.default)):
        for name, value in values.items():
            yield _judged(("models", rule.pattern, "params", group, name), name, value)


def _judged(key: KeyPath, name: str, value: Any) -> _Value:
    taken, faults = False, {}
    for shape, checks in _CHECKS.items():
        for own, inner in in_shape(ParamSettings(set={name: value}), shape).set.items():
            check = checks.get(own)
            if check is None or inner is None:
                continue
            fault = _fault(check, own, inner, whole=inner is value)
            if fault is None:
                taken = True
            else:
                faults[shape] = fault
    return _Value(key, taken, faults)


def _fault(check: Check, name: str, value: Any, *, whole: bool) -> _Fault | None:
    """Return why a value is refused; None if it is not.

    `whole` is whether it is the value as written, not a part of it.
    """
    try:
        check.accept(value, name)
    except InvalidRequest as error:
        code = error.code or ""
        if code == _PARTIAL:
            return None
        within = (
            "" if whole and error.param == name else f"is wrong: {show_key(error.param or name)} "
        )
        text = f"{within}must be {_needed(error.message)}"
        return _Fault(text, any(part in code for part in _SIZES))
    return None


def _needed(message: str) -> str:
    """Return what an error's message says that it expected."""
    expected, supported = _EXPECTED.search(message), _SUPPORTED.search(message)
    if expected is not None:
        return expected[1].replace("a value >= ", "at least ").replace("a value <= ", "at most ")
    return supported[1].replace(" and ", " or ") if supported is not None else "another value"


def _elsewhere(rule: ModelRule, upstream: UpstreamSettings) -> str:
    """Return the endpoint of a model that is known to have no generation endpoint, else nothing."""
    if rule.is_glob or rule.endpoints:
        return ""
    entry = Catalogue.load().lookup(rule.model or rule.pattern, upstream.kind)
    if entry is None or entry.endpoints or not entry.other_endpoints:
        return ""
    return entry.other_endpoints[0]
