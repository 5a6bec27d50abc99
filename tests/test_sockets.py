"""The contract of sockets: its codes are RFC 6455's, and a refusal carries the reply."""

import pytest
from websockets.frames import CloseCode

from gateway import sockets
from gateway.replies import BufferedReply


def test_the_codes_are_those_of_the_rfc() -> None:
    names = {
        "NO_STATUS": CloseCode.NO_STATUS_RCVD,
        "POLICY_VIOLATION": CloseCode.POLICY_VIOLATION,
        "MESSAGE_TOO_BIG": CloseCode.MESSAGE_TOO_BIG,
        **{
            name: CloseCode[name]
            for name in (
                *("NORMAL_CLOSURE", "GOING_AWAY", "UNSUPPORTED_DATA", "ABNORMAL_CLOSURE"),
                *("INVALID_DATA", "INTERNAL_ERROR", "SERVICE_RESTART"),
            )
        },
    }
    assert {name: getattr(sockets, name) for name in names} == names


def test_the_key_of_a_handshake_is_proved_as_in_the_rfc() -> None:
    assert sockets.acceptance(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_refusal_has_the_upstreams_reply() -> None:
    reply = BufferedReply(426, (), b"no")
    with pytest.raises(sockets.Refused) as caught:
        raise sockets.Refused(reply)
    assert caught.value.reply is reply
