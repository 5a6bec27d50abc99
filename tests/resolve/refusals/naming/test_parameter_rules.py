import pytest

from gateway.envelopes.error_envelopes import read_error
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.naming.naming_rule import NamingRule
from gateway.resolve.refusals.naming.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.resolve.refusals.parameters import refused_parameters
from gateway.shapes import Shape
from tests.resolve.recorded_errors import RECORDED, in_openai_envelope

SENT = {"model", "messages", "temperature", "top_p", "top_k", "reasoning_effort", "tool_choice"}
ONCE = {
    "`temperature` may only be set to 1 when thinking is enabled.": "temperature",
    "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.": "top_p",
    "top_k must be unset when thinking is enabled": "top_k",
}


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
            others = ("beta", "fill", "limit", "room", "stream", "unthink", "whole")
            elsewhere = any(fix.action in others for fix in entry.fixes)
            assert (entry.id in served) != (structured or elsewhere)


def fixes(message: str, sent: set[str] = SENT) -> tuple[ParameterFix, ...]:
    reply = classify(Shape.CHAT, 400, in_openai_envelope(message), model="m-1", sent=sent)
    assert (reply.verdict is Verdict.UNSUPPORTED_PARAMETER) is bool(reply.fixes)
    return reply.fixes


@pytest.mark.parametrize(("message", "name"), ONCE.items())
def test_a_value_beside_thinking_goes_for_one_request(message: str, name: str) -> None:
    assert fixes(message) == (ParameterFix("drop", name, once=True),)
    assert fixes(message, SENT - {name}) == ()


def test_adaptive_thinking_that_a_model_lacks_goes() -> None:
    message = "Adaptive thinking is not supported by this model."
    assert fixes(message) == (ParameterFix("drop", "reasoning_effort"),)
    assert fixes(f"You wrote: {message}") == ()


@pytest.mark.parametrize("subject", ["this model", "models/gemini-2.5-pro"])
def test_what_gemini_has_not_enabled_goes_or_is_refused_by_its_name(subject: str) -> None:
    penalty = f"Penalty is not enabled for {subject}"
    drop = ParameterFix("drop", "presence_penalty")
    assert fixes(penalty, {"presence_penalty"}) == (drop,)
    assert fixes(penalty, {"temperature"}) == ()
    for message in (
        f"Logprobs is not enabled for {subject}",
        f"Unable to submit request because Logprobs is not supported for {subject}.",
    ):
        assert fixes(message, {"logprobs"}) == (ParameterFix("withhold", "logprobs"),)


def test_what_does_not_go_with_speculative_decoding_is_what_was_sent_of_it() -> None:
    message = (
        "The min_tokens, min_p, and logit_bias sampling parameters are not yet supported with "
        "speculative decoding."
    )
    assert fixes(message, {"min_p"}) == (ParameterFix("drop", "min_p"),)
    assert fixes(message, {"logit_bias"}) == (ParameterFix("withhold", "logit_bias"),)
    assert fixes(message, {"seed"}) == ()


def test_edits_of_thinking_go_where_there_is_none() -> None:
    message = "`clear_thinking_20251015` strategy requires `thinking` to be enabled or adaptive"
    drop = ParameterFix("drop", "context_management", once=True)
    for text in (message, f"context_management.edits.0: {message}"):
        assert fixes(text, {"context_management"}) == (drop,)
    assert fixes(f"You wrote: {message}", {"context_management"}) == ()


@pytest.mark.parametrize(
    "message",
    [
        "max_completion_tokens is not supported. Use max_tokens instead.",
        "`max_completion_tokens` is not supported by this server, use `max_tokens`",
        "Parameter 'max_completion_tokens' is unsupported; please use 'max_tokens' instead",
    ],
)
def test_a_small_servers_name_for_the_same_is_used(message: str) -> None:
    rename = ParameterFix("rename", "max_completion_tokens", "max_tokens")
    assert fixes(message, {"max_completion_tokens"}) == (rename,)
