import pytest

from gateway.envelopes.anthropic_params import is_anthropics, named_in
from gateway.envelopes.error_envelopes import read_error
from gateway.shapes import Json


def anthropics(message: object, kind: str = "invalid_request_error") -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("messages.3.content.0.source: Field required", "messages[3].content[0].source"),
        (
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            "messages[1].content[0]",
        ),
        (
            "messages.0.content.2.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            "messages[0].content[2].tool_use.id",
        ),
        ("tools.0.custom.input_schema: JSON schema is invalid", "tools[0].custom.input_schema"),
        ("max_tokens: 300000 > 128000, which is the maximum", "max_tokens"),
        ("model: nope", "model"),
        ("`temperature` and `top_p` cannot both be specified for this model.", "temperature"),
        ("`thinking.budget_tokens` must be less than `max_tokens`", "thinking"),
        ('"thinking.type.enabled" is not supported for this model.', "thinking"),
        ("prompt is too long: 208310 tokens > 200000 maximum", None),
        ("input length and `max_tokens` exceed context limit: 1 + 2 > 2", None),
        ("error: something went wrong", None),
        ("`nothing` is known of it", None),
        ("invalid x-api-key", None),
        ("Overloaded", None),
        ("", None),
    ],
)
def test_the_path_before_the_colon_is_the_parameter(message: str, param: str | None) -> None:
    reply = read_error(anthropics(message, "not_found_error" if "nope" in message else "x_error"))
    assert (reply and reply.param) == param
    assert reply is None or reply.unknown_fields == ()


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("context_management", "context_management"),
        ("zzz", "zzz"),
        ("messages.0.zzz", "messages[0].zzz"),
        ("tools.0.custom.defer_loading", "tools[0].custom.defer_loading"),
    ],
)
def test_fields_that_are_not_permitted_are_unknown_ones(path: str, param: str) -> None:
    reply = read_error(anthropics(f"{path}: Extra inputs are not permitted"))
    assert reply is not None
    assert reply.param == param
    assert reply.unknown_fields == (param,)


def test_the_errors_within_relays_messages_are_read_too() -> None:
    inner = '{"type":"error","error":{"type":"invalid_request_error","message":"top_k: No."}}'
    reply = read_error({"error": {"message": inner}})
    assert reply is not None
    assert reply.param == "top_k"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"error": {"message": "top_k: No."}},
        {"type": "error", "message": "top_k: No."},
        {"type": "error", "error": "top_k: No."},
        {"type": "error", "error": {"message": "top_k: No.", "code": None, "param": None}},
    ],
)
def test_other_envelopes_are_not_anthropics(body: object) -> None:
    assert not is_anthropics(body)
    reply = read_error(body)
    assert reply is None or reply.param is None


def test_a_message_that_is_not_text_names_nothing() -> None:
    assert named_in({"message": 7}) is None
