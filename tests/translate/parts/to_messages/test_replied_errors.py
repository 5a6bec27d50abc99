import pytest

from gateway.errors import UpstreamReplied
from gateway.translate.parts.to_messages.replied_errors import error_of_message, in_openai_terms
from gateway.translate.parts.upstream_errors import client_status, replied_error
from tests.translate.messages_upstreams import PING, error_event, message, text


@pytest.mark.parametrize(
    ("kind", "words", "status", "type_", "code"),
    [
        ("overloaded_error", "Overloaded", 503, "server_error", None),
        ("api_error", "Oops", 502, "server_error", None),
        ("timeout_error", "Late", 504, "server_error", None),
        ("rate_limit_error", "Slow", 429, "rate_limit_error", None),
        ("invalid_request_error", "No", 400, "invalid_request_error", None),
        ("authentication_error", "Key", 401, "invalid_request_error", "invalid_api_key"),
        ("billing_error", "Pay", 402, "billing_error", None),
        ("permission_error", "No", 403, "invalid_request_error", "permission_denied"),
        ("not_found_error", "model: m", 404, "invalid_request_error", "model_not_found"),
        ("not_found_error", "No file", 404, "invalid_request_error", None),
        ("request_too_large", "Big", 413, "invalid_request_error", "request_too_large"),
        (
            *("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            *(400, "invalid_request_error", "context_length_exceeded"),
        ),
        ("NotFoundError", "Gone", 502, "NotFoundError", None),
    ],
)
def test_errors_of_streams_are_openais(
    kind: str, words: str, status: int, type_: str, code: str | None
) -> None:
    error = error_of_message(error_event(kind, words))
    assert error is not None
    assert (error.status, error.type, error.code) == (status, type_, code)
    assert error.message.startswith(words)


@pytest.mark.parametrize("body", [message(text("hi")), PING, {"type": "message_start"}, None])
def test_what_is_not_an_error_is_none(body: object) -> None:
    assert error_of_message(body) is None


@pytest.mark.parametrize(
    ("status", "kind", "seen"),
    [
        (529, "overloaded_error", 503),
        (503, "overloaded_error", 503),
        (500, "api_error", 502),
        (409, "conflict_error", 429),
        (404, "not_found_error", 404),
        (422, "invalid_request_error", 400),
    ],
)
def test_errors_with_a_status_keep_it_where_openai_has_it(
    status: int, kind: str, seen: int
) -> None:
    error = replied_error(error_event(kind), client_status(status))
    assert error is not None
    assert in_openai_terms(error, status).status == seen


def test_codes_of_the_upstream_are_kept() -> None:
    error = UpstreamReplied("Slow", type="rate_limit_error", code="mine", status=429)
    assert in_openai_terms(error, 429).code == "mine"


def test_parameters_are_found_in_the_message() -> None:
    error = error_of_message(
        error_event("invalid_request_error", "messages.0.content.1.text: Field required")
    )
    assert error is not None
    assert error.param == "messages[0].content[1].text"
