"""What becomes of a request, without sending it: for `gateway translate` and the admin page."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempts
from gateway.exchange.bodies.misplaced_bodies import as_written
from gateway.exchange.bodies.request_fields import read_object, read_routed
from gateway.exchange.bodies.unreadable_body import nested_too_deeply
from gateway.exchange.params.rule_params import RuleParams
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.resolver import Resolver
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report, Translation
from gateway.translate.plan import can_translate, plan


@dataclass(frozen=True, slots=True)
class Planned:
    """A translation between two endpoints."""

    client: Shape
    home: Shape
    translation: Translation
    streamed: bool
    """Whether the client asks for a stream."""
    params: Report
    """What the model's rule has changed in the request before the translation."""
    sent: Sequence[Json]
    """The bodies as they are sent: the client's own, where nothing has to be changed."""
    as_chat: bool = False
    """Whether a body of responses was sent to the chat endpoint."""

    @property
    def shown(self) -> Json:
        """The calls and the report as JSON, with losses of replies once these have been folded."""
        params, report = self.params, self.translation.report
        of_body = {"body": report.body} if report.body else {}
        return {
            "calls": [{"path": self.home.endpoint, "body": body} for body in self.sent],
            "report": {
                "from": self.client,
                **of_body,
                "to": self.home,
                "dropped": params.dropped + report.dropped,
                "changed": params.changed + report.changed,
                "emulated": report.emulated,
            },
            "local_reply": self.translation.local_reply(),
        }


def planned_for(
    resolver: Resolver, attempts: Attempts, route: Route, client: Shape, body: bytes
) -> Planned:
    """Return what becomes of a client's request on a route.

    Raises `InvalidRequest` if it cannot be translated.
    """
    if not can_translate(client, route.shape):
        raise InvalidRequest(f"There is no translation from {client} to {route.shape}.", param="to")
    try:
        return _planned(resolver, attempts, route, client, body)
    except RecursionError:
        raise nested_too_deeply() from None


def _planned(
    resolver: Resolver, attempts: Attempts, route: Route, client: Shape, body: bytes
) -> Planned:
    home = route.shape
    call = GenerationRequest.at(client, body)
    call = as_written(call, read_routed(body))
    call, params = RuleParams(resolver.rules).report_on(call, route.model_asked)
    request = read_object(call.body)
    context = attempts.sealing_context(call, route, home)
    translation = plan(call.shape, home, request, context, as_chat=call.as_chat)
    attempt = attempts.build(call, route, home, ())
    sent = [read_object(each.whole_body) for each in attempt.calls]
    streamed = request.get("stream") is True
    return Planned(client, home, translation, streamed, params, sent, call.as_chat)
