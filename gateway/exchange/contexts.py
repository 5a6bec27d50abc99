"""What translations to an endpoint need to know beside the request itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from gateway.config.settings import Settings
from gateway.config.translation_settings import TranslationSettings
from gateway.exchange.new_ids import new_id
from gateway.exchange.stored.seals import Seals
from gateway.fast.paths import GENERIC_ONLY, FastPaths, fast_paths
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.today import WallClock
from gateway.shapes import RawHeaders, Shape
from gateway.translate.contract import Context, Detokenize
from gateway.translate.exact_inputs import ExactInputs
from gateway.translate.limits.quirks import REASONING_REQUIRED
from gateway.translate.limits.server_capabilities import (
    at_own_endpoint,
    by_card,
    capabilities_of,
    wants_reasoning_back,
)
from gateway.translate.own_endpoint import watched
from gateway.translate.parts.tokens.ids import Counterparts, TokenIds, token_ids, vocabulary_of

_SESSION = b"x-claude-code-session-id"


@dataclass(slots=True)
class RouteContext:
    """What translations by a route to an endpoint have in common, whatever the request."""

    route: Route
    """Held so that `id(route)` cannot be reused while this entry lives."""
    shape: Shape
    """The endpoint's shape."""
    context: Context
    fast: Mapping[Shape, FastPaths]
    """The fast paths to the endpoint, by the client's shape."""
    watched: frozenset[str]
    """The fields that keep a request of this endpoint's own shape from going out as it is."""


class Contexts:
    """Makes the contexts of translations.

    A route is used for many requests, which share a context for a second: it has the time.
    """

    def __init__(
        self,
        settings: Settings,
        wall_clock: WallClock,
        detokenizers: Mapping[str, Detokenize] = MappingProxyType({}),
        counterparts: Counterparts = MappingProxyType({}),
        seals: Seals | None = None,
    ) -> None:
        self._settings = settings
        self._wall_clock = wall_clock
        self._detokenizers = detokenizers
        self._counterparts = counterparts
        self._seals = seals
        self._known: dict[tuple[int, Shape], RouteContext] = {}
        """The contexts made in this second, by `id(route)` and the endpoint's shape."""
        self._second = 0

    def for_route(self, route: Route, shape: Shape) -> RouteContext:
        """Return what a translation to the endpoint of `shape` needs to know of the route."""
        now = int(self._wall_clock())
        if now != self._second:
            self._known.clear()
            self._second = now
        known = self._known.get((id(route), shape))
        if known is None:
            context = self._new_context(route, shape, now)
            enabled = self._settings.performance.fast_paths
            fast = {c: fast_paths(c, shape, context) if enabled else GENERIC_ONLY for c in Shape}
            fields = watched(shape, context)
            known = self._known[id(route), shape] = RouteContext(
                route, shape, context, fast, fields
            )
        return known

    def for_call(self, context: Context, call: GenerationRequest) -> Context:
        """Return the context with what holds for one call: its seal, its items' names, its session.

        Only calls of responses and messages need it: their clients keep sealed content.
        """
        seal = None
        if self._seals is not None:
            seal = self._seals.of(call.headers, call.client, remembers=call.is_remembered)
        session = session_of(call.headers)
        inputs = ExactInputs(call.body) if call.shape is Shape.MESSAGES else None
        return context.changed(seal=seal, items=call.items, session=session, inputs=inputs)

    def _new_context(self, route: Route, shape: Shape, now: int) -> Context:
        settings = self._translation_settings(route)
        quirks = route.quirks
        upstream = self._settings.upstream(route.upstream)
        if wants_reasoning_back(route.kind, route.model_sent, upstream.base_url):
            quirks |= {REASONING_REQUIRED}
        capabilities = capabilities_of(route.kind, shape, quirks, route.context_length)
        if upstream.cache is not None:
            capabilities = replace(capabilities, cache_auto=True)
        if route.abilities is not None:
            capabilities = by_card(capabilities, route.abilities)
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
            new_id=new_id,
            now=now,
            upstream=route.upstream,
            scope=route.scope,
        )

    def _translation_settings(self, route: Route) -> TranslationSettings:
        """Return the settings, with the overrides of the model's rule."""
        if route.rule is not None and route.rule.translation is not None:
            return route.rule.translation
        return self._settings.translation

    def _token_ids(self, route: Route, settings: TranslationSettings) -> TokenIds:
        """Return which vocabulary a client's token ids are of, and which the model's.

        An alias is asked for with the ids of the model that it stands for.
        """
        known = vocabulary_of(route.model_sent) or vocabulary_of(route.base or "")
        own = known
        if route.model_asked != route.model_sent:
            own = settings.tokenizer or vocabulary_of(route.model_asked)
        return token_ids(own, known, self._counterparts, may_be_known=route.kind.has_openai_names)


def session_of(headers: RawHeaders) -> str | None:
    """Return the client's name of its session; None: it has not named one."""
    session = next((value for name, value in headers if name == _SESSION), b"")
    return session.decode("latin-1") or None
