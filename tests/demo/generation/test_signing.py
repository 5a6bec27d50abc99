import base64

import pytest

from gateway.demo.generation.signing import is_signed, signature


@pytest.mark.parametrize("shown", ["a thought", "", None])
def test_a_signature_is_valid_with_its_thought_or_without_any(shown: str | None) -> None:
    assert is_signed(shown, signature("a thought"))


@pytest.mark.parametrize(
    "given",
    ["", "gw1.", "not base64!", base64.b64encode(b"x" * 40).decode(), signature("another")],
)
def test_every_other_signature_is_not(given: str) -> None:
    assert not is_signed("a thought", given)
