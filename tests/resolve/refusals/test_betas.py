"""Refusals of betas: which of those that were sent they name."""

import pytest

from gateway.resolve.refusals.betas import FIELD, betas_in, refused_betas, sent_betas
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

HEADERS = ((b"accept", b"*/*"), (b"anthropic-beta", b"a-1, b-2,"), (b"anthropic-beta", b"c-3"))
NAMED = "Unexpected value(s) %s for the `anthropic-beta` header. Please consult our documentation."


def test_betas_are_read_from_all_fields() -> None:
    assert betas_in(HEADERS) == ["a-1", "b-2", "c-3"]
    assert betas_in(()) == []


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (NAMED % "`a-1`", ["a-1"]),
        (NAMED % "`a-1`, `c-3`", ["a-1", "c-3"]),
        ("vertex-ai error: " + NAMED % "`a-1`, \n     `b-2`", ["a-1", "b-2"]),
        # What an operator has configured, or a relay has added, is not the client's to leave out.
        (NAMED % "`a-1`, `x-9`", []),
        (NAMED % "`x-9`", []),
        ("invalid beta flag: b-2", ["b-2"]),
        ("Invalid beta flag ('a-1', c-3). Try again.", ["a-1", "c-3"]),
        ("invalid beta flag", None),
        ("invalid beta flag x-9, a-12", None),
        ("The model returned the following errors: invalid beta flag", None),
        ("ValidationException: Invalid beta flag (request id: 1)", None),
        ("Unexpected value(s) `a-1` for the `anthropic-version` header.", []),
        ("invalid beta flags", []),
        ("The user wrote: invalid beta flag", []),
    ],
)
def test_what_is_named_is_left_out_or_all(message: str, named: list[str] | None) -> None:
    fixes = tuple(ParameterFix("beta", FIELD, given=beta) for beta in named or [])
    if named is None:
        fixes = (ParameterFix("beta", FIELD, to="a-1,b-2,c-3"),)
    sent = sent_betas(HEADERS)
    assert refused_betas(message, sent) == fixes
    assert refused_betas(message, ["model", "messages"]) == ()
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    refusal = classify(Shape.MESSAGES, 400, body, model="m", sent=sent)
    assert refusal.fixes == fixes
    assert refusal.verdict is (Verdict.UNSUPPORTED_PARAMETER if fixes else Verdict.OTHER)
    assert not refusal.model_is_here
