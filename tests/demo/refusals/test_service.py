import pytest

from gateway.demo.refusals import service


@pytest.mark.parametrize(
    ("key", "masked"), [("pk-1", "****"), ("pk-0123456789abcdefWXYZ", "pk-********WXYZ")]
)
def test_a_wrong_key_is_masked(key: str, masked: str) -> None:
    refused = service.wrong_key(key)
    assert f"Incorrect API key provided: {masked}." in refused.message
    assert (refused.status, refused.code) == (401, "invalid_api_key")


def test_a_body_that_is_too_large_is_measured() -> None:
    refused = service.too_large(10)
    assert (refused.status, refused.message) == (
        413,
        "Maximum content size limit (10) exceeded (11 bytes read)",
    )


def test_a_rate_limit_says_when_to_try_again() -> None:
    refused = service.rate_limited("m")
    assert (refused.status, refused.type, refused.code) == (429, "requests", "rate_limit_exceeded")
    assert dict(refused.headers)["retry-after"] == "20"


def test_a_failure_of_the_service_has_the_status_asked_for() -> None:
    assert (service.server_error().status, service.server_error(503).status) == (500, 503)
    assert service.server_error().type == "server_error"
