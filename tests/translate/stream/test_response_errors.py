"""What a stream of responses events says of an error."""

import pytest

from gateway.errors import UpstreamReplied
from gateway.translate.stream.response_errors import failure, reported


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, None, "rate_limit_exceeded"),
        (400, "unknown_parameter", "invalid_prompt"),
        (502, None, "server_error"),
        (400, "context_length_exceeded", "context_length_exceeded"),
        (400, "cyber_policy", "cyber_policy"),
        (400, "image_too_large", "image_too_large"),
        (429, "insufficient_quota", "insufficient_quota"),
        (429, "billing_hard_limit_reached", "insufficient_quota"),
        (429, "billing_not_active", "insufficient_quota"),
        (429, "slow_down", "rate_limit_exceeded"),
    ],
)
def test_a_failed_response_has_one_of_openais_codes(
    status: int, code: str | None, expected: str
) -> None:
    error = UpstreamReplied("No.", status=status, code=code)
    assert failure(error) == {"code": expected, "message": "No."}


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (502, None, "server_error"),
        (429, None, "rate_limit_exceeded"),
        (400, "unknown_parameter", "unknown_parameter"),
    ],
)
def test_an_event_of_an_error_always_has_a_code(
    status: int, code: str | None, expected: str
) -> None:
    error = UpstreamReplied("No.", param="input", status=status, code=code, type="t")
    flat = {"code": expected, "message": "No.", "param": "input"}
    assert reported(error) == {**flat, "error": {**flat, "type": "t"}}
