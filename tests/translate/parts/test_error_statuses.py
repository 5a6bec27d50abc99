"""Tests for the statuses that errors without one would have had."""

import pytest

from gateway.translate.parts.error_statuses import OF_REQUESTS, UNPAID, status_of_words


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), None),
        ((None, 7, "odd"), None),
        (("odd", "Insufficient_Quota"), 429),
        (("payment_required", "rate_limit_error"), 402),
        (("billing_error",), 402),
        (("server_is_overloaded",), 503),
    ],
)
def test_the_first_known_word_says_the_status(
    words: tuple[object, ...], status: int | None
) -> None:
    assert status_of_words(words) == status


def test_every_code_of_requests_and_of_payments_has_a_status() -> None:
    assert {status_of_words([code]) for code in OF_REQUESTS} == {400}
    assert {status_of_words([code]) for code in UNPAID} == {429}
