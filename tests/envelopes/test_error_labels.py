"""A text beside a label: the name of a status or a class, or a code."""

import pytest

from gateway.envelopes.error_envelopes import read_error
from gateway.envelopes.error_labels import described
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.shapes import Json, Shape

ONLY_THERE = "This model is only supported in v1/responses and not in v1/chat/completions."


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": "Bad Request", "message": "text"}, "text", None),
        ({"error": "Bad Request", "message": ["one", "two"]}, "one\ntwo", None),
        ({"error": "Bad Request", "detail": "text"}, "text", None),
        ({"error": "BadRequestError", "description": "a", "reason": "text"}, "text", None),
        ({"error": "invalid_request", "error_description": "text"}, "text", "invalid_request"),
        ({"error": "model_not_found", "details": "text", "code": 7}, "text", "7"),
        ({"error": "invalid_api_key", "message": "text"}, "text", "invalid_api_key"),
        ({"error": "The model is busy", "detail": "text"}, "The model is busy", None),
        ({"error": "invalid_request", "detail": ""}, "invalid_request", None),
        ({"error": "Bad Request", "details": ["text"]}, "Bad Request", None),
        ({"error": "Not Found", "detail": "No route for POST /v1/x"}, "Not Found", None),
        ({"error": "Not Found", "detail": "No such model: m"}, "No such model: m", None),
    ],
)
def test_the_text_beside_a_label_is_the_message(body: Json, message: str, code: str | None) -> None:
    reply = read_error(body)
    assert reply is not None
    assert (reply.message, reply.code) == (message, code)


def test_what_else_a_body_has_stays() -> None:
    assert described({"type": "t", "x": 1}, "text") == {
        "type": "t",
        "x": 1,
        "message": "text",
        "code": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"error": "BadRequestError", "description": "The proxy threw", "reason": ONLY_THERE},
        {"error": "Bad Request", "detail": ONLY_THERE},
        {"error": "unsupported_model", "error_description": ONLY_THERE},
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {"raw": {"error": ONLY_THERE}},
            }
        },
        {"error": f"Upstream responded with status 400: {ONLY_THERE}"},
    ],
)
def test_a_refusal_beside_a_label_is_understood(body: Json) -> None:
    refusal = classify(Shape.CHAT, 400, body, model="m")
    assert (refusal.verdict, refusal.alternatives) == (Verdict.WRONG_ENDPOINT, (Shape.RESPONSES,))


def test_a_missing_route_is_none_of_a_missing_model() -> None:
    for detail, verdict in (
        ("nothing at /v1/x", Verdict.UNKNOWN_ROUTE),
        ("Model x-1 not found", Verdict.MODEL_NOT_FOUND),
    ):
        body = {"error": "Not Found", "detail": detail}
        assert classify(Shape.CHAT, 404, body, model="m").verdict is verdict
