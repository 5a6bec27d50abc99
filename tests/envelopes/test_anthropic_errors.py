import pytest

from gateway.envelopes.anthropic_errors import Terms, openai_terms


@pytest.mark.parametrize(
    ("kind", "status", "terms"),
    [
        ("invalid_request_error", 400, Terms(400, "invalid_request_error")),
        ("invalid_request_error", 422, Terms(422, "invalid_request_error")),
        ("authentication_error", 401, Terms(401, "invalid_request_error", "invalid_api_key")),
        ("billing_error", 402, Terms(402, "billing_error")),
        ("permission_error", 403, Terms(403, "invalid_request_error", "permission_denied")),
        ("not_found_error", 404, Terms(404, "invalid_request_error")),
        ("conflict_error", 409, Terms(409, "invalid_request_error")),
        ("request_too_large", 413, Terms(413, "invalid_request_error", "request_too_large")),
        ("rate_limit_error", 429, Terms(429, "rate_limit_error")),
        ("api_error", 500, Terms(500, "server_error")),
        ("timeout_error", 504, Terms(504, "server_error")),
    ],
)
def test_each_type_has_a_status_and_a_type_of_openais(kind: str, status: int, terms: Terms) -> None:
    assert openai_terms(kind, "No.", status) == terms
    # Within a stream the type alone says what the status would have been.
    usual = openai_terms(kind, "No.")
    assert usual is not None
    assert usual == terms._replace(status=usual.status)
    assert usual.status == (400 if status == 422 else status)


@pytest.mark.parametrize("status", [None, 529, 503])
def test_an_overload_is_a_503(status: int | None) -> None:
    assert openai_terms("overloaded_error", "Overloaded", status) == Terms(503, "server_error")


@pytest.mark.parametrize(
    ("message", "code"),
    [("model: nope", "model_not_found"), ("Not found", None), ("The model: gone", None)],
)
def test_a_missing_model_has_openais_code(message: str, code: str | None) -> None:
    expected = Terms(404, "invalid_request_error", code)
    assert openai_terms("not_found_error", message, 404) == expected


@pytest.mark.parametrize("kind", [None, "", "NotFoundError", "server_error"])
def test_other_types_are_not_anthropics(kind: str | None) -> None:
    assert openai_terms(kind, "model: nope", 404) is None
