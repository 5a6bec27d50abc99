import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.bare_texts import MAX_BYTES, read_text
from gateway.envelopes.error_envelopes import ErrorDetails

TEXT = "No matching route found."


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        TEXT.encode(),
        bytearray(TEXT.encode()),
        f"\ufeff {TEXT}\r\n".encode(),
        f'"{TEXT}"'.encode(),
        f'"{TEXT}"',
    ],
)
def test_a_text_is_an_error_without_an_envelope(body: object) -> None:
    assert read_text(body) == ErrorDetails(TEXT)


def test_relays_decorations_are_removed_from_it() -> None:
    inner = '{"error": {"message": "Not here", "code": "gone"}}'
    assert read_text(f"bad response status code 404, message: {inner}") == ErrorDetails(
        "Not here", code="gone", statuses=(404,)
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        b"",
        b" \n",
        b'""',
        b"[]",
        b"null",
        b'{"error": "x"}',
        {"error": "x"},
        b'{"error": "broken off',
        b"[1, 2",
        b"<html>x</html>",
        "<p>x",
        b"x" * (MAX_BYTES + 1),
        "x" * (MAX_BYTES + 1),
        b'"' + b"x" * MAX_BYTES + b'x"',
    ],
)
def test_anything_else_is_none(body: object) -> None:
    assert read_text(body) is None


@given(st.text() | st.binary())
def test_it_never_raises(body: str | bytes) -> None:
    read_text(body)
