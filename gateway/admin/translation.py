"""What becomes of a request, without sending it: for `gateway translate` and the admin page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempts
from gateway.exchange.request_fields import read_object
from gateway.exchange.rule_params import RuleParams
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
    """What the model's rule has changed before."""
    sent: Sequence[Json]
    """The bodies as they are sent: the client's own, where nothing has to be changed."""

    @property
    def shown(self) -> Json:
        """The calls and the report as JSON; with what is lost of replies, once they are folded."""
        params, report = self.params, self.translation.report
        return {
            "calls": [{"path": self.home.endpoint, "body": body} for body in self.sent],
            "report": {
                "from": self.client,
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
    home = route.shape
    if not can_translate(client, home):
        raise InvalidRequest(f"There is no translation from {client} to {home}.", param="to")
    call = GenerationRequest.at(client, body)
    call, params = RuleParams(resolver.rules).report_on(call, route.model_asked)
    request = read_object(call.body)
    translation = plan(client, home, request, attempts.sealing_context(call, route, home))
    attempt = attempts.build(call, route, home, ())
    sent = [read_object(cast("bytes", each.body)) for each in attempt.calls]
    return Planned(client, home, translation, request.get("stream") is True, params, sent)
