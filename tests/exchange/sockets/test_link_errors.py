"""What clients and operators learn of a turn that fails with its upstream's socket."""

import pytest

from gateway.errors import Reason, TruncatedStream
from gateway.exchange.sockets.link_errors import broken, silent


@pytest.mark.parametrize(
    ("end", "what", "detail", "reason"),
    [
        ((1011, "sk-secret"), "closed its WebSocket", "code 1011", Reason.CLOSED),
        ((1006, ""), "closed its WebSocket", "code 1006", Reason.CLOSED),
        ((1006, "a bit"), "broke the WebSocket protocol", "a bit", Reason.BAD_HTTP),
    ],
)
def test_an_end_is_told_from_a_breach_of_the_protocol(
    end: tuple[int, str], what: str, detail: str, reason: Reason
) -> None:
    error = broken("local", *end, has_begun=False)
    assert error.message == f"Upstream 'local' {what} without an answer ({detail})."
    assert (error.status, error.reason) == (502, reason)
    error = broken("local", *end, has_begun=True)
    assert error.message == f"Upstream 'local' {what} before its response was complete ({detail})."
    assert isinstance(error, TruncatedStream)


@pytest.mark.parametrize("has_begun", [False, True])
def test_silence_says_how_long_it_was(*, has_begun: bool) -> None:
    error = silent("local", 2.5, has_begun=has_begun)
    waited = "its response" if has_begun else "a response"
    assert error.message == f"Upstream 'local' sent nothing of {waited} on its WebSocket for 2.5 s."
    reason = Reason.IDLE_TIMEOUT if has_begun else Reason.FIRST_BYTE_TIMEOUT
    assert (error.status, error.reason) == (504, reason)
