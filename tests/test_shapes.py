"""What the words of `gateway.shapes` promise to the layers that use them."""

from gateway.shapes import ClientHeaders, RawHeaders


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
