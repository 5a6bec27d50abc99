"""What becomes of a request, without sending it: for `gateway translate` and the admin page."""

from typing import NamedTuple

from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempts
from gateway.exchange.request_fields import read_object
from gateway.exchange.rule_params import RuleParams
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.resolver import Resolver
from gateway.shapes import Json, Shape
from gateway.translate.contract import Translation
from gateway.translate.plan import can_translate, plan


class Planned(NamedTuple):
    """A translation, and its calls and report as JSON."""

    translation: Translation
    streamed: bool
    """Whether the client asks for a stream."""
    shown: dict[str, object]


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
    report = translation.report
    shown: Json = {
        "calls": [{"path": home.endpoint, "body": call} for call in translation.calls],
        "report": {
            "from": client,
            "to": home,
            "dropped": params.dropped + report.dropped,
            "changed": params.changed + report.changed,
            "emulated": report.emulated,
        },
        "local_reply": translation.local_reply(),
    }
    return Planned(translation, request.get("stream") is True, shown)
