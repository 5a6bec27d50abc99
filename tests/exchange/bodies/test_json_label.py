"""The label of a body that the gateway has written."""

import pytest

from gateway.exchange.bodies.json_label import labelled_json
from gateway.shapes import ClientHeaders, RawHeaders

KEY = (b"authorization", b"Bearer x")
JSON = (b"content-type", b"application/json")


def test_a_body_that_is_called_json_keeps_its_fields() -> None:
    for label in (b"application/json", b"Application/JSON; charset=utf-8", b"application/json ;x"):
        plain: RawHeaders = (KEY, (b"content-type", label))
        assert labelled_json(plain) is plain
        own = ClientHeaders(plain)
        assert labelled_json(own) is own
        assert labelled_json(own) is own


@pytest.mark.parametrize(
    "labels",
    [
        [],
        [b""],
        [b"application/x-www-form-urlencoded"],
        [b"text/plain;charset=UTF-8"],
        [b"application/jsonl"],
        [b"application/json", b"text/plain"],
    ],
)
def test_a_body_that_is_called_anything_else_is_called_json(labels: list[bytes]) -> None:
    fields = (*((b"content-type", label) for label in labels), KEY)
    assert labelled_json(fields) == (KEY, JSON)
    own = ClientHeaders(fields)
    relabelled = labelled_json(own)
    assert relabelled == (KEY, JSON)
    # What is derived from a head is derived once.
    assert isinstance(relabelled, ClientHeaders)
    assert labelled_json(own) is relabelled
