"""The first message is held back until it is whole, and judged; nothing is lost or reordered."""

import pytest

from gateway.errors import UpstreamError
from gateway.exchange.sockets.first_message import FirstMessage
from gateway.frames import FrameScanner
from tests.exchange.sockets.scene import frame

PING, LAST = frame(b"p", opcode=9), frame(b"last")


class Judged:
    """Takes pieces, and notes what is judged; `error` is the verdict."""

    def __init__(self, error: UpstreamError | None = None) -> None:
        self.scanner = FrameScanner(masked=False, passes_pings=True)
        self.messages: list[bytes] = []
        self.first = FirstMessage(self.scanner, self.judge)
        self.error = error

    def judge(self, message: bytes) -> UpstreamError | None:
        self.messages.append(message)
        return self.error

    def take(self, data: bytes) -> bytes:
        return self.first.take(self.scanner.take(data))


@pytest.mark.parametrize("step", [1, 2, 5, 64, 1000])
@pytest.mark.parametrize("size", [0, 5, 300])
def test_it_is_judged_when_it_is_whole_however_it_is_cut(size: int, step: int) -> None:
    judged, sent = Judged(), PING + frame(b"x" * size) + PING
    passed = b""
    for at in range(0, len(sent), step):
        if not judged.first.is_known:
            passed += judged.take(sent[at : at + step])
            assert not (judged.first.is_held and judged.first.is_known)
            if judged.first.is_held:
                assert passed == PING
        else:
            passed += judged.scanner.take(sent[at : at + step])
    assert (passed, judged.messages) == (sent, [b"x" * size])
    assert judged.first.error is None


def test_pings_before_it_are_not_held_back() -> None:
    judged = Judged()
    assert judged.take(PING) == PING
    assert judged.take(PING + frame(b"first")[:4]) == PING
    assert judged.first.is_held
    assert judged.take(frame(b"first")[4:] + LAST) == frame(b"first") + LAST
    assert judged.messages == [b"first"]


def test_the_verdict_is_known() -> None:
    error = UpstreamError("No.")
    judged = Judged(error)
    judged.take(frame(b"first") + LAST)
    assert (judged.first.error, judged.messages) == (error, [b"first"])


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"a", fin=False) + frame(b"b", opcode=0),
        frame(b"binary", opcode=2),
        frame(b"x" * 70_000),
    ],
    ids=["fragmented", "binary", "long"],
)
def test_what_is_no_error_is_not_waited_for(sent: bytes) -> None:
    judged = Judged()
    cut = len(sent) - 1
    passed = judged.take(sent[:cut])
    assert judged.first.is_known
    assert passed == sent[: len(passed)]
    assert judged.messages == []
