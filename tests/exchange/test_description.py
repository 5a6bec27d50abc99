"""How an attempt is described."""

from gateway.exchange.decision import Decision
from gateway.exchange.description import describe
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
