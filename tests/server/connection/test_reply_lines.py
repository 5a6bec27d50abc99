"""The lines of a head that are made once."""

import pytest

from gateway.server.connection.reply_lines import lines_of, status_line
from gateway.shapes import RepeatedFields


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK\r\n"),
        (429, b"HTTP/1.1 429 Too Many Requests\r\n"),
        (529, b"HTTP/1.1 529 \r\n"),
    ],
)
def test_a_status_without_a_phrase_has_an_empty_one(status: int, line: bytes) -> None:
    assert status_line(status) == line


def test_lines_are_made_once_around_the_digits_without_the_id() -> None:
    before = ((b"x-a", b"1"), (b"x-request-id", b"theirs"))
    repeated = RepeatedFields(before, ((b"x-b", b"2"),))
    lines = lines_of(repeated)
    shown = (b"x-a: 1\r\ncontent-length: ", b"\r\nx-b: 2\r\n", b"x-request-id: theirs\r\n", False)
    assert lines == shown
    assert lines_of(repeated) is lines


def test_an_id_of_anthropics_servers_is_named_as_such() -> None:
    repeated = RepeatedFields((), ((b"request-id", b"req_1"),))
    assert lines_of(repeated)[2:] == (b"x-request-id: req_1\r\n", True)
