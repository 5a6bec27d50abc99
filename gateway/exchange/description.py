"""How an attempt appears in the decision that reply headers and operators see."""

from gateway.exchange.attempt import Attempt
from gateway.exchange.decision import Decision
from gateway.exchange.params.rule_params import with_params
from gateway.resolve.evidence import Route
from gateway.shapes import Shape


def describe(decision: Decision, attempt: Attempt, route: Route) -> None:
    """Note an attempt in the decision that the reply headers show."""
    describe_route(decision, route, attempt.shape)
    translation = _header(attempt)
    if decision.params is not None:
        translation = with_params(translation, decision.params, attempt.shape)
    if translation != decision.translation:
        decision.translation = translation


def describe_route(decision: Decision, route: Route, shape: Shape) -> None:
    """Note where a request is sent: by a route, to the endpoint of a shape."""
    decision.upstream = route.upstream
    decision.shape = shape
    decision.endpoint = shape.endpoint
    decision.resolved_by = route.resolved_by
    decision.model_sent = route.model_sent
    decision.evidence = route.evidence


def _header(attempt: Attempt) -> str:
    """Return what a translation reports; empty if there is nothing to report."""
    if attempt.fast is not None:
        return attempt.fast.header
    translation = attempt.translation
    report = attempt.report if translation is None else translation.report
    if report is None:
        return ""
    is_shown = report.size or report.body or attempt.shape is not report.source
    return report.header() if is_shown else ""
