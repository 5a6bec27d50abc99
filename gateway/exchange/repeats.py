"""Serves requests like an earlier one by the decision on that one, without the retry loop.

A connection's requests are mostly for one model, and `flow.py` decides the same for each of them as
long as their route holds. Here the decision is made once, for small requests that need no fix: the
client's own bytes are sent, or what a codec makes of them. The loop of `flow.py` serves requests
whose decision may differ, and takes over where a reply is not simple.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from gateway.errors import GatewayError
from gateway.exchange.bodies.context_marks import is_marked
from gateway.exchange.bodies.json_label import labelled_json
from gateway.exchange.bodies.misplaced_bodies import may_be_mixed
from gateway.exchange.bodies.request_fields import (
    Routed,
    check_encoding,
    features_of,
    model_of,
    read_routed,
)
from gateway.exchange.calls.upstream_calls import fits_untouched, upstream_call
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.client_warnings import retirement_warning
from gateway.exchange.contexts import RouteContext
from gateway.exchange.decision import Decision
from gateway.exchange.description import describe_route
from gateway.exchange.flow import Exchange
from gateway.exchange.params import fixing
from gateway.exchange.repeated_call import RepeatedCall
from gateway.fast.paths import LARGEST_TEXT, Fast
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features
from gateway.resolve.today import today
from gateway.shapes import ClientHeaders, RawHeaders, SendsAtOnce, Shape, UpstreamCall

_CHAT: Final = Shape.CHAT
_RESPONSES: Final = Shape.RESPONSES

FindsSender = Callable[[UpstreamCall], SendsAtOnce | None]
"""Returns the sender in two parts for calls like this one; None if there is none."""


class Repeat(msgspec.Struct):
    """What was decided on requests with the same head, model and features."""

    model: str
    features: Features
    epoch: object
    """The `RecentRoutes.epoch` in which the route holds."""
    version: int
    """The `KnownFixes.version` of the decision: a later one may have a fix for such requests."""
    route: Route
    at_once: SendsAtOnce | None
    """The sender for callers that do not wait in a task; None if there is none."""
    sending: Callable[..., UpstreamCall]
    """Makes the call that sends a body, with `client_headers`. The headers are not held here, since
    this object hangs on them: that would be a cycle."""
    relabelled: RawHeaders | None
    """The client's header fields for a body that the gateway has written; None: the same ones."""
    is_repeated: bool
    """Whether such requests are sent from here; otherwise the loop of `flow.py` serves them."""
    is_translated: bool
    """Whether a codec makes the body that is sent."""
    warning: str
    """The warning that each reply has, about a redirected or retiring model; may be empty."""
    watched: frozenset[str] | None
    """The fields that keep a body from being sent as it is; None: every body is sent as it is."""
    was_text: bool = False
    """Whether the last request was for a whole text, so that a codec alone has to read the next."""


class Repeats:
    """Serves requests that repeat a decision at once, all others by `exchange`.

    `at_once` finds the sender for callers that do not wait in a task, if there is any.
    """

    def __init__(self, exchange: Exchange, at_once: FindsSender | None = None) -> None:
        self._exchange = exchange
        self._at_once = at_once
        self.run_anew = exchange.run
        """Serves a request that repeats nothing."""
        self.longest = LARGEST_TEXT
        """A body of this many bytes, or more, repeats nothing."""
        self._recent = exchange.resolver.recent_routes
        self._fixes = exchange.memory.fixes
        self._key = object()
        """The key of a head's `Repeat` among what is derived from it."""

    def run(self, call: GenerationRequest, decision: Decision) -> Awaitable[ClientReply]:
        """Serve one request of a client; see `Exchange.run`.

        Not a coroutine itself: this is the hot path.
        """
        repeated = self.repeated(call, decision)
        return self.run_anew(call, decision) if repeated is None else repeated.reply()

    def repeated(self, call: GenerationRequest, decision: Decision) -> RepeatedCall | None:
        """Return the call by which a request repeats a decision; None: `run_anew` serves it."""
        headers, body = call.headers, call.body
        if len(body) >= self.longest or type(headers) is not ClientHeaders:
            return None
        try:
            latest: Repeat | None = headers.derived.get(self._key)
            if latest is not None and latest.was_text:
                text = self._text(call, latest)
                if text is not None:
                    return self._repeated(call, decision, latest, text)
            routed = read_routed(body)
            known = self._known(headers, call, routed)
            if known is None:
                return None
            if not known.is_translated:
                if not body.isascii():
                    check_encoding(body)
                return self._repeated(call, decision, known, None, routed)
            fast = self._exchange.attempts.by_codec(call, known.route, routed)
            if fast is None:
                return None
            known.was_text = fast.text_model == known.model and not known.features
            return self._repeated(call, decision, known, fast, routed)
        except (GatewayError, RecursionError):  # the loop tries another endpoint, or raises it
            return None

    def _text(self, call: GenerationRequest, latest: Repeat) -> Fast | None:
        """Return the codec's translation if this is again a request for a whole text; else None.

        The codec reads all of the body, so that routing need not.
        """
        if self._holds(latest):
            fast = self._exchange.attempts.by_codec(call, latest.route, None)
            if fast is not None and fast.text_model == latest.model:
                return fast
        latest.was_text = False
        return None

    def _repeated(
        self,
        call: GenerationRequest,
        decision: Decision,
        known: Repeat,
        fast: Fast | None,
        routed: Routed | None = None,
    ) -> RepeatedCall:
        """Return the call to send, and fill in the decision."""
        route = known.route
        decision.model_asked = known.model
        decision.attempts += 1
        describe_route(decision, route, route.shape)
        if known.warning:
            decision.warn(known.warning)
        if fast is None:
            sent = known.sending(call.body, client_headers=call.headers)
        else:
            decision.translation = fast.header
            sent = known.sending(fast.sent, client_headers=known.relabelled or call.headers)
        features = known.features
        return RepeatedCall(
            self._exchange, known.at_once, call, decision, route, routed, features, fast, sent
        )

    def _known(
        self, headers: ClientHeaders, call: GenerationRequest, routed: Routed
    ) -> Repeat | None:
        """Return the decision on requests like this one; None: the loop serves it.

        Raises `InvalidRequest`.
        """
        features = features_of(routed)
        known: Repeat | None = headers.derived.get(self._key)
        if (
            known is None
            or known.model != routed.model
            or known.features != features
            or not self._holds(known)
        ):
            known = self._learned(call, routed, features)
            if known is None:
                return None
            headers.derived[self._key] = known
        if not known.is_repeated or (routed.input and call.shape is _CHAT):
            return None
        if known.is_translated:
            return None if routed.stream is True else known
        if known.watched is None or _is_untouched(call, known, routed):
            return known
        return None

    def _holds(self, known: Repeat) -> bool:
        """Whether nothing has changed since a decision."""
        return known.version == self._fixes.version and self._recent.holds(known.epoch)

    def _learned(
        self, call: GenerationRequest, routed: Routed, features: Features
    ) -> Repeat | None:
        """Make the decision on requests like this one; None if they have no recent route."""
        model, resolver, client = model_of(routed), self._exchange.resolver, call.shape
        route = resolver.recent(call.headers, model, client, features)
        if route is None:
            return None
        of_route = self._exchange.attempts.route_context(route, route.shape)
        is_same = route.shape is client
        # A responses client's reply from another endpoint may have to be kept, to be continued.
        fits = route.model_sent == model if is_same else client is not _RESPONSES
        watched = of_route.watched if of_route.watched or client is not _CHAT else None
        sent = upstream_call(call, route, route.shape, call.body)
        labelled = labelled_json(call.headers)
        return Repeat(
            model,
            features,
            self._recent.epoch,
            self._fixes.version,
            route,
            None if self._at_once is None else self._at_once(sent),
            _sending(sent),
            None if labelled is call.headers else labelled,
            is_repeated=fits and self._is_settled(call, routed, of_route, features),
            is_translated=not is_same,
            warning=self._warning(route),
            watched=watched,
        )

    def _is_settled(
        self, call: GenerationRequest, routed: Routed, of_route: RouteContext, features: Features
    ) -> bool:
        """Whether the route alone decides what is sent, and a success has nothing to teach."""
        if self._exchange.params.any or (call.client is not None and call.client.is_restricted):
            return False
        route, shape = of_route.route, of_route.shape
        if is_marked(call, routed) or may_be_mixed(call, shape):
            return False
        if route.unconfirmed:
            return False  # its success is to be noted
        scope = self._exchange.resolver.scope(route, call.headers)
        fixes = self._fixes.recall(scope, route.model_sent, shape, features)
        return not (fixes or fixing.for_clients((), call.shape, shape, of_route.context))

    def _warning(self, route: Route) -> str:
        if route.retired is None and route.redirected_to is None:
            return ""
        return retirement_warning(route, today(self._exchange.attempts.wall_clock))


def _is_untouched(call: GenerationRequest, known: Repeat, routed: Routed) -> bool:
    """Whether a body is sent as it is, at the endpoint that was called."""
    if call.shape is _RESPONSES and routed.prompt:
        return False  # the loop warns of prompt objects that end
    watched = known.watched or frozenset()
    return fits_untouched(call, known.route, call.shape, watched, routed)


def _sending(sent: UpstreamCall) -> Callable[..., UpstreamCall]:
    """Return a function that makes calls like this one of a body and `client_headers`."""
    return partial(
        UpstreamCall,
        sent.upstream,
        sent.method,
        sent.path,
        query=sent.query,
        model=sent.model,
        timeouts=sent.timeouts,
    )
