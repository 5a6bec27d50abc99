"""One attempt at one endpoint: the calls to send, and how their answers become the reply."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import msgspec

from gateway.config.settings import Settings
from gateway.exchange.bodies.apart import LARGE_BYTES, Apart, Held
from gateway.exchange.bodies.body_pieces import encode_in_pieces
from gateway.exchange.bodies.body_reader import BodyReader
from gateway.exchange.bodies.fast_requests import Decoded, FastRequests
from gateway.exchange.bodies.misplaced_bodies import as_written, may_be_mixed
from gateway.exchange.bodies.request_fields import (
    MOST_AT_ONCE,
    Routed,
    check_encoding,
    read_object,
    read_objects,
)
from gateway.exchange.bodies.seal_marks import SEALING
from gateway.exchange.calls.upstream_calls import fits_untouched, translated_call, upstream_call
from gateway.exchange.contexts import Contexts, RouteContext
from gateway.exchange.lazy_parts import LazyParts
from gateway.exchange.params import fixing
from gateway.exchange.params.known_fixes import Fixes
from gateway.exchange.params.moved_parts import before_fixing
from gateway.exchange.restricted import restrictions
from gateway.exchange.stored.seals import Seals
from gateway.fast.paths import Fast
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.today import WallClock
from gateway.shapes import ItemNames, Json, Shape, UpstreamCall
from gateway.translate.aliased import Aliased
from gateway.translate.contract import Context, Detokenize, Report, Translation
from gateway.translate.missing_choices import asked_choices
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.parts.tokens.ids import Counterparts
from gateway.translate.plan import is_loaded, plan
from gateway.translate.renaming import Renaming


class Attempt(msgspec.Struct):
    """The calls of one attempt; without a `translation` the client gets the upstream's bytes."""

    shape: Shape
    calls: Sequence[UpstreamCall]
    fixes: Fixes = ()
    translation: Translation | None = None
    fast: Fast | None = None
    """The same translation if a codec of a fast path has made it: then there is one call."""
    text_deltas: bool = False
    """Whether a stream may take the fast path of text deltas."""
    report: Report | None = None
    """What was left out of a request whose reply is not translated."""
    concurrency: int = 1
    """How many of the calls may be in flight at the same time."""
    most_calls: int = 0
    """The most calls that the attempt may take, with those that ask again for choices which a
    server has left out; 0 if no call asks for several choices."""
    items: ItemNames | None = None
    """The client's names of the items of `input`, if the gateway has changed which there are."""
    unfixed: Sequence[Json] = ()
    """The bodies of the calls without the fixes, if there are any fixes."""

    held: Held | None = None
    """The items of a large request; the last field, since it has to be released last."""

    @property
    def renamed(self) -> Mapping[str, str]:
        """The client's names of renamed parameters, by the names under which they were sent."""
        report = self.report if self.translation is None else self.translation.report
        return {} if report is None else report.renamed

    @property
    def models(self) -> ModelNames | None:
        """The model's names, if the client's is not the upstream's."""
        return None if self.translation is None else self.translation.report.models

    @property
    def reported(self) -> int:
        """The number of entries of the translation's report."""
        if self.translation is None or (self.fast is not None and not self.fast.fell_back):
            return 0
        return self.translation.report.size

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter that the upstream named in an error to `call`.

        None when the client's request has no such parameter.
        """
        if param is not None and self.fixes:
            param = before_fixing(self.unfixed[call], self.fixes, param)
        for new, old in self.renamed.items():
            if param == new or (param or "").startswith((f"{new}.", f"{new}[")):
                return old
        return param if self.translation is None else self.translation.client_param(call, param)

    @property
    def sent(self) -> Sequence[Collection[str]]:
        """Per call, the parameter names in its body, nested ones dotted. Needed for refusals."""
        return [fixing.parameter_names(read_objects(call.whole_body)) for call in self.calls]


class Attempts:
    """Builds each attempt from the client's untouched request, never from an earlier attempt."""

    def __init__(
        self,
        settings: Settings,
        wall_clock: WallClock,
        detokenizers: Mapping[str, Detokenize] = MappingProxyType({}),
        counterparts: Counterparts = MappingProxyType({}),
        seals: Seals | None = None,
    ) -> None:
        self.wall_clock = wall_clock
        self.apart = Apart()
        self._contexts = Contexts(settings, wall_clock, detokenizers, counterparts, seals)
        self._fast = FastRequests(self._contexts)
        self.bodies = BodyReader(self.apart, self._fast, settings.performance)
        self.lazy = LazyParts(settings)

    async def as_written(self, call: GenerationRequest, routed: Routed) -> GenerationRequest:
        """Return a call in the shape that its body has; see `misplaced_bodies`."""
        return await self.apart.run_large(len(call.body), partial(as_written, call, routed))

    async def check_names(self, call: GenerationRequest) -> None:
        """Check what a restricted client's request names; raises as `check_generation` does."""
        await self.apart.run_large(len(call.body), partial(restrictions.check_generation, call))

    def build(
        self,
        call: GenerationRequest,
        route: Route,
        shape: Shape,
        fixes: Fixes,
        routed: Routed | None = None,
    ) -> Attempt:
        """Return the attempt at `shape`; `routed` is what was already read of the body.

        Raises `InvalidRequest` where the request does not fit.
        """
        begun = self._begin(call, route, shape, fixes, routed)
        return begun if isinstance(begun, Attempt) else begun()

    async def build_apart(
        self,
        call: GenerationRequest,
        route: Route,
        shape: Shape,
        fixes: Fixes,
        routed: Routed | None = None,
    ) -> Attempt:
        """Do what `build` does, but load and work on large bodies beside the event loop."""
        if shape is not call.shape and not is_loaded(call.shape, shape):
            await self.lazy.pair(call.shape, shape)
        if len(call.body) < LARGE_BYTES:
            return self.build(call, route, shape, fixes, routed)
        begun = self._begin(call, route, shape, fixes, routed)
        return begun if isinstance(begun, Attempt) else await self.apart.run(begun)

    async def learn_names(self, call: GenerationRequest, attempt: Attempt) -> None:
        """Prepare the client's names for the parameters of a large request, for use in an error.

        A fast translation takes them from the generic one, which it makes only when it is asked:
        for a large body that is done beside the event loop.
        """
        if attempt.translation is not None and len(call.body) >= LARGE_BYTES:
            await self.apart.run(partial(attempt.client_param, 0, None))

    def _begin(
        self,
        call: GenerationRequest,
        route: Route,
        shape: Shape,
        fixes: Fixes,
        routed: Routed | None,
    ) -> Attempt | Callable[[], Attempt]:
        """Return an attempt that sends the client's own bytes, or a function that builds one.

        The function has all the work that takes long for a large body. It may run in any thread.
        """
        of_route = self._contexts.for_route(route, shape)
        context = of_route.context
        fixes = fixing.for_clients(fixes, call.shape, shape, context, routed)
        if fixes:
            context = fixing.knowing(context, fixes)
            if shape is call.shape and not fixing.may_apply(fixes, call.body):
                fixes = ()
        if isinstance(routed, Decoded) and shape is call.shape:
            self._fast.forget(shape, routed)
            routed = None
        watched, is_odd = of_route.watched, call.as_chat or may_be_mixed(call, shape, fixes)
        if not (fixes or is_odd) and fits_untouched(call, route, shape, watched, routed):
            if len(call.body) >= MOST_AT_ONCE and not call.is_utf8:
                return partial(_untouched, call, route, shape)
            return _untouched(call, route, shape)
        return partial(self._translated, call, of_route, fixes, context, routed)

    def _translated(
        self,
        call: GenerationRequest,
        of_route: RouteContext,
        fixes: Fixes,
        context: Context,
        routed: Routed | None,
    ) -> Attempt:
        """Return the attempt whose request is translated; `context` knows the fixes."""
        route, shape, paths = of_route.route, of_route.shape, of_route.fast[call.shape]
        fast = None if call.as_chat else self._fast.translation(paths, call, context, routed)
        if fast is not None and not (fixes and fixing.may_apply(fixes, fast.sent)):
            sent = upstream_call(call, route, shape, fast.sent)
            return Attempt(
                shape, [sent], translation=fast, fast=fast, text_deltas=paths.text_deltas
            )
        if call.shape in SEALING:
            context = self._contexts.for_call(context, call)
        body = read_object(call.body)
        held = Held(self.apart, (body,), len(call.body)) if len(call.body) >= LARGE_BYTES else None
        mixed = may_be_mixed(call, shape, fixes)
        translation = plan(call.shape, shape, body, context, as_chat=call.as_chat, mixed=mixed)
        is_same = route.model_sent == route.model_asked and not fixing.change_delivery(fixes, body)
        if isinstance(translation, Renaming) and is_same:
            attempt = _mostly_untouched(call, route, translation, fixes)
        else:
            attempt = _with_translation(
                call, route, translation, context, fixes, text_deltas=paths.text_deltas
            )
        if attempt.fixes:
            attempt.unfixed = translation.calls
        if held is not None:
            held.keep(translation.calls)
            attempt.held = held
        return attempt

    def route_context(self, route: Route, shape: Shape) -> RouteContext:
        """Return what requests by a route to an endpoint have in common."""
        return self._contexts.for_route(route, shape)

    def by_codec(self, call: GenerationRequest, route: Route, routed: Routed | None) -> Fast | None:
        """Return a codec's translation of a small request with no fix; None: no codec takes it."""
        of_route = self._contexts.for_route(route, route.shape)
        paths, shape = of_route.fast[call.shape], call.shape
        if shape in SEALING:
            return self._fast.translation(paths, call, of_route.context, routed)
        return paths.translation(call.body, of_route.context)

    def sealing_context(self, call: GenerationRequest, route: Route, shape: Shape) -> Context:
        """Return the context of a call at an endpoint, with its caller's seal."""
        return self._contexts.for_call(self._contexts.for_route(route, shape).context, call)


def _untouched(call: GenerationRequest, route: Route, shape: Shape) -> Attempt:
    """Return the attempt that sends the client's own bytes; raises `InvalidRequest`."""
    if not call.is_utf8:
        check_encoding(call.body)
    return Attempt(shape, [upstream_call(call, route, shape, call.body)], items=call.items)


def _mostly_untouched(
    call: GenerationRequest, route: Route, translation: Renaming, fixes: Fixes
) -> Attempt:
    """Return the attempt at the request's own endpoint, without what is not taken there.

    Its reply is passed on unchanged; so are the client's bytes, if nothing had to be left out.
    """
    (body,) = fixing.fixed_bodies(translation, fixes)
    report = translation.report
    written = encode_in_pieces(body, len(call.body)) if report.size else call.body
    sent = upstream_call(call, route, call.shape, written)
    return Attempt(call.shape, [sent], fixes, report=report, items=translation.items)


def _with_translation(
    call: GenerationRequest,
    route: Route,
    translation: Translation,
    context: Context,
    fixes: Fixes,
    *,
    text_deltas: bool,
) -> Attempt:
    """Return the attempt whose reply is translated, too."""
    shape = translation.report.target
    bodies = fixing.fixed_bodies(translation, fixes)
    max_fanout, at_once = context.settings.max_fanout, context.settings.fanout_concurrency
    at_once = 1 if context.capabilities.one_call_at_a_time else at_once
    return Attempt(
        shape,
        [translated_call(call, route, shape, body) for body in bodies],
        fixes,
        translation,
        text_deltas=text_deltas,
        concurrency=at_once,
        most_calls=max_fanout if any(asked_choices(body) > 1 for body in bodies) else 0,
        items=translation.items if isinstance(translation, Renaming | Aliased) else None,
    )
