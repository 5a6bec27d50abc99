"""How an attempt is described."""

from gateway.exchange.decision import Decision
from gateway.exchange.description import describe, describe_route
from gateway.shapes import Shape
from tests.exchange.test_attempt import CALL, ROUTE, attempts


def test_an_attempt_is_described_with_its_report_only_if_something_changed() -> None:
    decision = Decision()
    describe(decision, attempts().build(CALL, ROUTE, Shape.CHAT, ()), ROUTE)
    assert (decision.upstream, decision.endpoint) == ("openai", "/v1/chat/completions")
    assert (decision.resolved_by, decision.translation) == ("catalogue", "")
    describe(decision, attempts().build(CALL, ROUTE, Shape.COMPLETIONS, ()), ROUTE)
    assert decision.endpoint == "/v1/completions"
    assert decision.translation.startswith("from=chat; to=completions")


def test_a_route_says_where_a_request_goes_and_why() -> None:
    decision = Decision(translation="from=chat; to=responses")
    describe_route(decision, ROUTE, Shape.RESPONSES)
    assert (decision.upstream, decision.shape) == ("openai", Shape.RESPONSES)
    assert (decision.endpoint, decision.resolved_by) == ("/v1/responses", "catalogue")
    assert (decision.model_sent, decision.evidence) == (ROUTE.model_sent, ROUTE.evidence)
    assert decision.translation == "from=chat; to=responses"
