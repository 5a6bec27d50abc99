"""One attempt at one endpoint: the calls to send, and how their answers become the reply."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from secrets import token_hex
from types import MappingProxyType
from typing import cast

import msgspec

from gateway.config.settings import Settings, TranslationSettings
from gateway.exchange.decision import Decision
from gateway.exchange.json_label import labelled_json
from gateway.exchange.known_fixes import Fixes
from gateway.exchange.request_fields import (
    Routed,
    field_names,
    has_any,
    has_prompt_list,
    read_object,
    read_routed,
)
from gateway.exchange.stored.seals import PREFIX, Seals
from gateway.fast.codec import FastTranslation
from gateway.fast.paths import GENERIC_ONLY, FastPaths, fast_paths
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.history_fields import FILLED_WITH
from gateway.resolve.refusals.parameter_fixes import ParameterFix, apply_fixes
from gateway.shapes import ItemNames, Json, Shape, UpstreamCall
from gateway.translate.contract import Context, Detokenize, Report, Translation
from gateway.translate.missing_choices import asked_choices
from gateway.translate.own_endpoint import watched
from gateway.translate.parts.tokens.ids import Counterparts, TokenIds, token_ids, vocabulary_of
from gateway.translate.plan import plan
from gateway.translate.quirks import REASONING_REQUIRED, without
from gateway.translate.reasoning_demand import wants_reasoning_back
from gateway.translate.renaming import Renaming
from gateway.translate.server_capabilities import at_own_endpoint, capabilities_of, preset

_SEALED = f'"{PREFIX}'.encode()  # as clients write JSON

WallClock = Callable[[], float]

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Attempt:
    """What is sent in one attempt. `translation` None: the reply is the upstream's own bytes."""

    shape: Shape
    calls: Sequence[UpstreamCall]
    fixes: Fixes = ()
    translation: Translation | None = None
    fast: FastTranslation | None = None
    """The translation again, where it is a codec's: then it has one call, not streamed."""
    text_deltas: bool = False
    """Whether a stream may take the fast path of text deltas."""
    report: Report | None = None
    """What was left out of a request whose reply is not translated."""
    concurrency: int = 1
    """How many of the calls may be under way at the same time."""

    asks_for_several: bool = False
    """Whether a call asks for several choices: not every server gives as many."""

    items: ItemNames | None = None
    """What the client calls the items of `input`, where its own endpoint is sent others."""

    @property
    def renamed(self) -> Mapping[str, str]:
        """The client's names of parameters that were sent under others, by those."""
        report = self.report if self.translation is None else self.translation.report
        return {} if report is None else report.renamed

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter that the upstream named in an error to `call`.

        None when the client's request has no such parameter.
        """
        for new, old in self.renamed.items():
            if param == new or (param or "").startswith((f"{new}.", f"{new}[")):
                return old
        return param if self.translation is None else self.translation.client_param(call, param)

    @property
    def sent(self) -> Sequence[Collection[str]]:
        """Per call, the parameter names in its body, nested ones dotted. Needed for refusals."""
        return [parameter_names(read_object(cast("bytes", call.body))) for call in self.calls]


@dataclass(slots=True)
class _Surroundings:
    """What translations by a route have in common, but for the request."""

    route: Route
    """Kept so that its id stays its own."""
    context: Context
    fast: Mapping[Shape, FastPaths]
    """By the client's shape."""
    watched: frozenset[str]
    """The fields that keep a request of this endpoint's own shape from going out as it is."""


class Attempts:
    """Builds attempts from the untouched request: each starts anew, none builds on another."""

    def __init__(
        self,
        settings: Settings,
        wall_clock: WallClock,
        detokenizers: Mapping[str, Detokenize] = MappingProxyType({}),
        counterparts: Counterparts = MappingProxyType({}),
        seals: Seals | None = None,
    ) -> None:
        self._settings = settings
        self.wall_clock = wall_clock
        self._detokenizers = detokenizers
        self._counterparts = counterparts
        self._seals = seals
        self._known: dict[tuple[int, Shape], _Surroundings] = {}
        """Those of this second."""
        self._second = 0

    def settings_for(self, route: Route) -> TranslationSettings:
        """Return the translation settings, with the overrides of the model's rule."""
        if route.rule is not None and route.rule.translation is not None:
            return route.rule.translation
        return self._settings.translation

    def build(
        self,
        call: GenerationRequest,
        route: Route,
        shape: Shape,
        fixes: Fixes,
        routed: Routed | None = None,
    ) -> Attempt:
        """Return the attempt at `shape`; `routed` is what was read of the body already, if it was.

        Raises `InvalidRequest` where the request does not fit.
        """
        surroundings = self._surroundings(route, shape)
        context = surroundings.context
        if fixes:
            context = _knowing(context, fixes)
        if fixes and shape is call.shape and not _has(call.body, _fields_of(fixes)):
            fixes = ()
        if not fixes and _fits_untouched(call, route, shape, surroundings.watched, routed):
            return Attempt(shape, [_upstream_call(call, route, shape, call.body)], items=call.items)
        paths = surroundings.fast[call.shape]
        fast = paths.translation(call.body, context)
        if fast is not None and not (fixes and _has(fast.sent, _fields_of(fixes))):
            sent = _upstream_call(call, route, shape, fast.sent)
            return Attempt(shape, [sent], translation=fast, fast=fast)
        if call.shape is Shape.RESPONSES:
            context = self._for_call(context, call)
        translation = plan(call.shape, shape, read_object(call.body), context)
        items = translation.items if type(translation) is Renaming else None
        bodies = _fixed(translation, fixes) if fixes else translation.calls
        if type(translation) is Renaming and route.model_sent == route.model_asked:
            report = translation.report
            body = _encode(bodies[0]) if report.size else call.body
            sent = _upstream_call(call, route, shape, body)
            return Attempt(shape, [sent], fixes, report=report, items=items)
        return Attempt(
            shape,
            [_upstream_call(call, route, shape, _encode(body)) for body in bodies],
            fixes,
            translation,
            text_deltas=paths.text_deltas,
            concurrency=1
            if context.capabilities.one_at_a_time
            else context.settings.fanout_concurrency,
            asks_for_several=any(asked_choices(body) > 1 for body in bodies),
            items=items,
        )

    def context(self, route: Route, shape: Shape) -> Context:
        """Return what the translation to this endpoint needs to know.

        The same route is given for many requests, and gets the same context within a second.
        """
        return self._surroundings(route, shape).context

    def sealing_context(self, call: GenerationRequest, route: Route, shape: Shape) -> Context:
        """Return the context of a call at an endpoint, with its caller's seal."""
        return self._for_call(self.context(route, shape), call)

    def _for_call(self, context: Context, call: GenerationRequest) -> Context:
        """Return the context with what holds for a responses call alone."""
        seal = None if self._seals is None else self._seals.of(call.headers, call.client)
        return replace(context, seal=seal, items=call.items)

    def _surroundings(self, route: Route, shape: Shape) -> _Surroundings:
        now = int(self.wall_clock())
        if now != self._second:
            self._known.clear()
            self._second = now
        known = self._known.get((id(route), shape))
        if known is None:
            context = self._new_context(route, shape, now)
            enabled = self._settings.performance.fast_paths
            fast = {c: fast_paths(c, shape, context) if enabled else GENERIC_ONLY for c in Shape}
            fields = watched(shape, context)
            known = self._known[id(route), shape] = _Surroundings(route, context, fast, fields)
        return known

    def _new_context(self, route: Route, shape: Shape, now: int) -> Context:
        settings = self.settings_for(route)
        quirks = route.quirks
        base_url = self._settings.upstream(route.upstream).base_url
        if wants_reasoning_back(route.kind, route.model_sent, base_url):
            quirks |= {REASONING_REQUIRED}
        capabilities = capabilities_of(route.kind, shape, quirks, route.context_length)
        ids = self._token_ids(route, settings)
        if ids.foreign:
            capabilities = replace(capabilities, token_prompts=False)
        return Context(
            model_asked=route.model_asked,
            model_sent=route.model_sent,
            settings=settings,
            capabilities=capabilities,
            own_endpoint=at_own_endpoint(route.kind, shape, route.quirks),
            template=route.rule.template if route.rule else None,
            base_model=route.base,
            reasoning_effort=route.rule.reasoning_effort if route.rule else None,
            detokenize=self._detokenizers.get(settings.tokenizer or ""),
            token_ids=ids,
            new_id=_new_id,
            now=now,
            upstream=route.upstream,
        )

    def _token_ids(self, route: Route, settings: TranslationSettings) -> TokenIds:
        """Return what the token ids are of that a client sends with the model's name.

        An alias is asked for with the ids of the model that it stands for.
        """
        known = vocabulary_of(route.model_sent) or vocabulary_of(route.base or "")
        own = known
        if route.model_asked != route.model_sent:
            own = settings.tokenizer or vocabulary_of(route.model_asked)
        return token_ids(own, known, self._counterparts, may_be_known=route.kind.has_openai_names)


def _upstream_call(
    call: GenerationRequest, route: Route, shape: Shape, body: bytes
) -> UpstreamCall:
    """Return the call that a client's call becomes, with a body for the endpoint of `shape`."""
    return UpstreamCall(
        route.upstream,
        "POST",
        shape.path,
        body,
        call.query,
        call.headers if body is call.body else labelled_json(call.headers),
        None,
        route.model_sent,
    )


def _new_id() -> str:
    return token_hex(16)


def _fits_untouched(
    call: GenerationRequest,
    route: Route,
    shape: Shape,
    watched: frozenset[str],
    routed: Routed | None,
) -> bool:
    """Whether the client's own bytes can be sent.

    That is: same shape, same name, nothing sealed, no field that the model may not take, no list to
    be split.
    """
    if shape is not call.shape or route.model_sent != route.model_asked:
        return False
    if watched and has_any(routed or read_routed(call.body), watched):
        return False
    if shape is Shape.RESPONSES:
        return _SEALED not in call.body
    if shape is Shape.CHAT:
        return True
    able = preset(route.kind, shape)
    return (able.prompt_list and able.token_prompts) or not has_prompt_list(call.body)


def describe(decision: Decision, attempt: Attempt, route: Route) -> None:
    """Note an attempt in the decision that the reply headers show."""
    decision.upstream = route.upstream
    decision.shape = attempt.shape
    decision.endpoint = attempt.shape.endpoint
    decision.resolved_by = route.resolved_by
    if attempt.fast is not None:
        decision.translation = attempt.fast.header
        return
    translation = attempt.translation
    report = attempt.report if translation is None else translation.report
    told = report is not None and (report.size or attempt.shape is not report.source)
    decision.translation = report.header() if report and told else ""


def _knowing(context: Context, fixes: Fixes) -> Context:
    """Return the context with what the fixes leave out known not to be taken."""
    names = {fix.name for fix in fixes if fix.to is None}
    return replace(
        context,
        capabilities=without(context.capabilities, names),
        own_endpoint=without(context.own_endpoint, names),
    )


@lru_cache(maxsize=1024)
def _fields_of(fixes: Fixes) -> frozenset[str]:
    """Return the fields one of which a request must have for the fixes to change it."""
    return frozenset(
        "messages" if fix.action in ("fill", "strip") else fix.name.partition(".")[0]
        for fix in fixes
    )


def _has(body: bytes, fields: frozenset[str]) -> bool:
    return not fields.isdisjoint(field_names(body))


def parameter_names(body: Json) -> frozenset[str]:
    """Return the names of the parameters in a body, those one level down as `outer.inner`."""
    names = set(body)
    for name, value in body.items():
        if isinstance(value, dict):
            names |= {f"{name}.{inner}" for inner in value}
    return frozenset(names)


def _fixed(translation: Translation, fixes: Fixes) -> Sequence[Json]:
    """Return a translation's bodies with what the upstream refused mended, and report that."""
    bodies = [apply_fixes(body, fixes) for body in translation.calls]
    for fix in fixes:
        if fix.action != "withhold":
            _report(translation, fix, bodies)
    return bodies


def _report(translation: Translation, fix: ParameterFix, bodies: Sequence[Json]) -> None:
    """Report a fix under the client's own name of the parameter, if it applied at all."""
    if fix.action in ("fill", "strip"):
        if list(bodies) != list(translation.calls):
            _report_history(translation, fix)
        return
    name, renamed_to = fix.name, fix.to
    before = [parameter_names(body) for body in translation.calls]
    after = [parameter_names(body) for body in bodies]
    if before == after or not any(name in names for names in before):
        return
    asked = translation.client_param(0, name) or name
    if renamed_to is None:
        translation.report.drop(asked)
    else:
        translation.report.rename(asked, renamed_to)


def _report_history(translation: Translation, fix: ParameterFix) -> None:
    if fix.action == "fill":
        translation.report.change(fix.name, "none", FILLED_WITH[fix.name])
    else:
        translation.report.drop(fix.name)
