import pytest

from gateway.demo.refusals import Refused
from gateway.demo.refusals import messages as refusals
from gateway.demo.refusals.service import no_key, too_large, wrong_key


@pytest.mark.parametrize(
    ("refused", "kind", "text"),
    [
        (no_key(), "authentication_error", "x-api-key header is required"),
        (wrong_key("sk-1"), "authentication_error", "invalid x-api-key"),
        (too_large(1), "request_too_large", "Request exceeds the maximum size"),
        (refusals.no_such_model("m"), "not_found_error", "model: m"),
    ],
)
def test_a_refusal_has_anthropics_words_and_envelope(
    refused: Refused, kind: str, text: str
) -> None:
    own = refusals.in_anthropics_words(refused)
    assert own.envelope() == {"type": "error", "error": {"type": kind, "message": text}}
    assert own.status == refused.status
