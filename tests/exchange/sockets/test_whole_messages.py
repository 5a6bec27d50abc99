"""Messages are handed on when they are whole, however their frames are cut."""

from itertools import pairwise

import pytest

from gateway.exchange.sockets.whole_messages import WholeMessages
from gateway.frames import FrameScanner
from tests.exchange.sockets.scene import frame

SENT = [frame(b"one"), frame(b"t" * 200), frame(b"a", fin=False) + frame(b"b", opcode=0)]


@pytest.mark.parametrize("step", [1, 3, 7, 150, 1000])
def test_whatever_the_cuts_the_messages_are_the_same(step: int) -> None:
    scanner, messages = FrameScanner(masked=False, passes_pings=False), WholeMessages()
    data, found = b"".join(SENT), list[bytes]()
    for at in range(0, len(data), step):
        piece = scanner.take(data[at : at + step])
        whole, begins = messages.take(piece, scanner.begins, scanner.boundary)
        found += [whole[begin:end] for begin, end in pairwise((*begins, len(whole)))]
    assert found == SENT
    assert not messages.waits


def test_a_beginning_waits() -> None:
    scanner, messages = FrameScanner(masked=False, passes_pings=False), WholeMessages()
    piece = scanner.take(SENT[0] + SENT[1][:50])
    assert messages.take(piece, scanner.begins, scanner.boundary) == (SENT[0], [0])
    assert messages.waits
