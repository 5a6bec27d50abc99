import pytest

from gateway.envelopes.error_envelopes import read_error
from gateway.resolve.refusals.endpoint_rule import WrongEndpointRule
from gateway.resolve.refusals.wrong_endpoint_rules import WRONG_ENDPOINT_RULES
from tests.resolve.recorded_errors import RECORDED


@pytest.mark.parametrize("rule", WRONG_ENDPOINT_RULES, ids=lambda rule: rule.pattern.pattern[:50])
def test_a_rule_serves_the_recorded_replies_it_says_it_serves(rule: WrongEndpointRule) -> None:
    by_id = {entry.id: entry for entry in RECORDED}
    for served in rule.serves:
        reply = read_error(by_id[served].body)
        assert reply is not None
        assert [r for r in WRONG_ENDPOINT_RULES if r.pattern.match(reply.message)] == [rule]
        assert not rule.codes or reply.code in rule.codes


def test_every_recorded_wrong_endpoint_has_one_rule() -> None:
    served = sorted(name for rule in WRONG_ENDPOINT_RULES for name in rule.serves)
    assert served == sorted(entry.id for entry in RECORDED if entry.label == "wrong_endpoint")
