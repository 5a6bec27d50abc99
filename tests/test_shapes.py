"""What the words of `gateway.shapes` promise to the layers that use them."""

import pytest

from gateway.shapes import ClientHeaders, ItemNames, RawHeaders


@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("input[0]", "previous_response_id"),
        ("input[0].content[1].text", "previous_response_id"),
        ("input[1].content[1].text", "input[0].content[1].text"),
        ("input[2].role", "input[1]"),
        ("input[3]", "input"),
        ("input", "input"),
        ("include[input[0]]", "include[input[0]]"),
        ("tools[0]", "tools[0]"),
        ("", ""),
    ],
)
def test_items_have_the_names_that_the_client_gave_them(path: str, client: str) -> None:
    assert ItemNames(["previous_response_id", 0, "input[1]"]).client_path(path) == client


def test_client_headers_are_the_fields_and_carry_what_was_derived_from_them() -> None:
    fields: RawHeaders = ((b"host", b"a"), (b"accept", b"*/*"), (b"accept", b"text/html"))
    headers = ClientHeaders(fields)
    key = object()
    headers.derived[key] = b"made of them"

    assert headers == fields
    assert headers.derived == {key: b"made of them"}


def test_equal_client_headers_do_not_share_what_was_derived() -> None:
    first, second = ClientHeaders(((b"host", b"a"),)), ClientHeaders(((b"host", b"a"),))
    first.derived["fingerprint"] = "of the first"

    assert second.derived == {}
