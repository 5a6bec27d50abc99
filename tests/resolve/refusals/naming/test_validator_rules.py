"""The words of validators, as servers in many languages pass them on."""

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.naming.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.naming.sentence_rules import SENTENCE_RULES
from gateway.resolve.refusals.naming.validator_rules import VALIDATOR_RULES
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope

SENT = {"model", "messages", "store", "seed", "temperature", "reasoning_effort", "tools"}
ONE = [
    "Unrecognized key(s) in object: 'store'",
    'Unrecognized key: "store"',
    "Validation error: Unrecognized key(s) in object: 'store'",
    "property store should not exist",
    '"store" is not allowed',
    'Unrecognized field "store" (class com.acme.ChatRequest), not marked as ignorable',
    'JSON parse error: Unrecognized field "store" (class com.acme.ChatRequest), not marked …',
    "Completions.create() got an unexpected keyword argument 'store'",
    "Object contains unknown field `store`",
    "store: extra fields not permitted",
    "Unknown field: store",
    "Unsupported request parameter 'store'",
    "Invalid request: unknown field `store`.",
    "Request contains unsupported parameters: store",
    "Extra fields not allowed: store",
    "Parameters not supported: store",
    "Additional property 'store' is not allowed",
    "The field 'store' is unsupported.",
    "`store` is not a valid parameter",
    "This model does not support the `store` parameter",
    "Model m-1 does not support store",
]
TWO = [
    'Unrecognized keys: "store", "seed"',
    "Unknown fields: store, seed",
    "The following parameters are not supported: `store` and `seed`.",
    "Unsupported options: store, and seed",
]


@pytest.mark.parametrize("message", ONE)
def test_one_field_is_left_out(message: str) -> None:
    refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="m-1", sent=SENT)
    assert refusal.fixes == (ParameterFix("drop", "store"),)
    assert refusal.model_is_here is ("odel" in message)


@pytest.mark.parametrize("message", TWO)
def test_so_are_several(message: str) -> None:
    refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="m-1", sent=SENT)
    assert set(refusal.fixes) == {ParameterFix("drop", "store"), ParameterFix("drop", "seed")}


@pytest.mark.parametrize("message", [*ONE, *TWO])
def test_none_is_if_one_was_not_sent(message: str) -> None:
    sent = SENT - {"store"}
    refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="m-1", sent=sent)
    assert (refusal.verdict, refusal.fixes) == (Verdict.OTHER, ())


@pytest.mark.parametrize(
    "message",
    [
        "This model does not support reasoning",
        "Model m-1 does not support reasoning effort.",
        "Reasoning is not supported for this model",
    ],
)
def test_reasoning_is_the_effort_that_was_sent(message: str) -> None:
    refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="m-1", sent=SENT)
    assert refusal.fixes == (ParameterFix("drop", "reasoning_effort"),)


@pytest.mark.parametrize(
    "message",
    [
        "Unknown field: store is what you sent",
        "Unknown field 'store",
        "This model does not support images",
        "This model does not support the user's temperature",
        "Model m-1 does not support tools",  # they carry meaning
        "Field required",
        "The option is not supported: see the documentation",
    ],
)
def test_nothing_else_is(message: str) -> None:
    refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="m-1", sent=SENT)
    assert refusal.fixes == ()


def test_they_come_after_the_words_of_known_servers_and_before_plain_ones() -> None:
    last = (*VALIDATOR_RULES, *SENTENCE_RULES)
    assert NAMING_RULES[-len(last) :] == last
