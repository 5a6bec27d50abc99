"""The head of a form's field, wherever one is searched for."""

import re

import pytest

from gateway.exchange.legacy import removed
from gateway.exchange.passthrough import body_model, nested_model
from gateway.exchange.passthrough.form_fields import head_of


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b'Content-Disposition: form-data; name="a"\r\n\r\n', True),
        (b"content-disposition:form-data;name=a\r\nContent-Type: text/plain\r\n\r\n", True),
        (b'Content-Disposition: form-data; name="ab"\r\n\r\n', False),
        (b'Content-Disposition: form-data; name="a"; filename="x"\r\n\r\n', False),
        (b'Content-Disposition: form-data; name="a"\r\nno field\r\n\r\n', False),
    ],
)
def test_a_fields_head_is_known_by_its_name(head: bytes, is_one: bool) -> None:
    assert (re.fullmatch(head_of(b"a"), head, re.IGNORECASE) is not None) is is_one


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (body_model._FORM_MODEL, b"model"),
        (nested_model._FIELD, b"session"),
        (removed._FORM_PURPOSE, b"purpose"),
    ],
)
@pytest.mark.parametrize(("lines", "is_found"), [(0, True), (16, True), (17, False)])
def test_a_part_has_few_header_fields(
    pattern: re.Pattern[bytes], name: bytes, lines: int, is_found: bool
) -> None:
    """Looking for the end of endless ones would take quadratic time."""
    head = b'content-disposition: form-data; name="%b"\r\n' % name + b"x-field: y\r\n" * lines
    assert (pattern.search(head + b"\r\nvalue\r\n") is not None) is is_found
