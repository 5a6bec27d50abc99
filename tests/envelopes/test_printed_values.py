import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.printed_values import (
    MAX_BODY_BYTES,
    decode_body,
    printed_value,
    python_literal,
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"\xff",
        b'{"a":',
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b'{"a": nan}',
        "\ud800",
        b'"' + b"x" * MAX_BODY_BYTES + b'"',
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_not_json_decodes_to_nothing(raw: object) -> None:
    assert decode_body(raw) is None


def test_json_is_decoded_and_values_stay() -> None:
    assert decode_body(b'{"a": [1]}') == {"a": [1]}
    assert decode_body(bytearray(b"[]")) == []
    assert decode_body('"text"') == "text"
    value = {"a": 1}
    assert decode_body(value) is value


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 5000,
        "-" * 9000 + "1",
        "9" * 5000,
        "{[]: 1}",
        "{'a': open('x')}",
        "\x00",
        "\ud800",
        "b'\\xff'",
        "not " * 4000 + "1",
        "1+" * 4000 + "1",
        "'x'" * 6000,
    ],
    ids=lambda text: repr(text[:10]),
)
def test_what_is_not_a_literal_is_nothing(text: str) -> None:
    assert python_literal(text) is None


def test_unknown_escapes_are_read_in_silence() -> None:
    assert python_literal(r"{'pattern': '\d'}") == {"pattern": r"\d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": null}', {"a": None}),
        ("{'a': None}", {"a": None}),
        ("[1]", [1]),
        ("b'[1]'", [1]),
        ('b"{}"', {}),
        ('{"a": 1} and more', None),
        ("5", None),
        ('"text"', None),
        ("", None),
    ],
)
def test_a_text_has_a_value_only_as_a_whole(text: str, expected: object) -> None:
    assert printed_value(text) == expected


@given(st.text(alphabet="{}[]()'\"b\\,:0123456789 aeN-"))
def test_no_text_raises(text: str) -> None:
    python_literal(text)
    printed_value(f"[{text}")
