import pytest

from gateway.envelopes.error_envelopes import read_error
from gateway.resolve.refusals.naming_rule import NamingRule
from gateway.resolve.refusals.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.parameters import refused_parameters
from tests.resolve.recorded_errors import RECORDED


@pytest.mark.parametrize("rule", NAMING_RULES, ids=lambda rule: rule.pattern.pattern[:50])
def test_a_rule_serves_the_recorded_replies_it_says_it_serves(rule: NamingRule) -> None:
    by_id = {entry.id: entry for entry in RECORDED}
    for served in rule.serves:
        entry = by_id[served]
        reply = read_error(entry.body)
        assert reply is not None
        first = next(r for r in NAMING_RULES if r.pattern.match(reply.message))
        assert first is rule
        assert refused_parameters(reply, entry.sent | {"reasoning_effort", "suffix"}) is not None


def test_every_recorded_text_has_a_rule_but_the_structured_ones() -> None:
    served = {name for rule in NAMING_RULES for name in rule.serves}
    assert len(served) == sum(len(rule.serves) for rule in NAMING_RULES)
    for entry in RECORDED:
        if entry.label == "unsupported_parameter":
            structured = entry.id.endswith("-listed") or "extra-forbidden" in entry.id
            structured = structured or "gemini-unknown" in entry.id
            structured = structured or "-literal" in entry.id or "-named-param-" in entry.id
            elsewhere = any(fix.action in ("limit", "stream", "unthink") for fix in entry.fixes)
            assert (entry.id in served) != (structured or elsewhere)
