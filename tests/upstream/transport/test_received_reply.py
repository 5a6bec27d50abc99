"""Bodies after common heads: as long as announced, in any pieces."""

import pytest

from gateway.upstream.transport.received_reply import ReceivedReply

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"


@pytest.mark.parametrize("pieces", [[b"abcdef"], [b"", b"abc", b"def"], [b"abc", b"", b"d", b"ef"]])
def test_a_body_comes_in_pieces(pieces: list[bytes]) -> None:
    reply = ReceivedReply()
    assert reply.take_common(HEAD + pieces[0])
    assert reply.head_complete
    for piece in pieces[1:]:
        assert not reply.complete
        reply.take_rest(piece)
    assert (reply.complete, reply.keep_alive, reply.buffered) == (True, True, 6)
    assert reply.peek() == b"abcdef"
    assert reply.take() == b"abcdef"
    assert (reply.take(), reply.peek(), reply.buffered) == (b"", b"", 0)


@pytest.mark.parametrize("pieces", [[b"abcdefg"], [b"abc", b"defg"]])
def test_bytes_beyond_the_body_are_dropped_and_end_the_use_of_the_connection(
    pieces: list[bytes],
) -> None:
    reply = ReceivedReply()
    assert reply.take_common(HEAD + pieces[0])
    for piece in pieces[1:]:
        reply.take_rest(piece)
    assert (reply.complete, reply.keep_alive, reply.take()) == (True, False, b"abcdef")


def test_other_heads_are_not_taken() -> None:
    reply = ReceivedReply()
    assert not reply.take_common(b"HTTP/1.1 200 OK\r\n\r\n")
    assert not reply.head_complete


def test_nothing_is_kept_of_a_forgotten_reply() -> None:
    reply = ReceivedReply()
    reply.take_common(HEAD + b"abc")
    reply.forget()
    assert (reply.buffered, reply.take()) == (0, b"")
