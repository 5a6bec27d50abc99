"""The model within JSON and forms: found, and replaced without touching anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.apart import LARGE_BYTES
from gateway.exchange.passthrough.body_model import (
    form_model,
    form_with_model,
    json_model,
)

FORM = b"multipart/form-data; boundary=b"


def field(name: bytes, value: bytes, boundary: bytes = b"b") -> bytes:
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    return head % (boundary, name, value)


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model": "m"}', "m"),
        (b'{"model": ""}', None),
        (b'{"model": 5}', None),
        (b"{}", None),
        (b"[]", None),
        (b"", None),
        (b"\xff", None),
        (b'{"a":' + b"[" * 100_000, None),
        (rb'{"input": "\ud83d", "model": "m"}', "m"),
        (rb'{"input": "\udE00\\", "model": "m"}', "m"),
        (rb'{"input": "\\ud83d\ude00", "model": "m"}', "m"),
        (rb'{"input": "\\ud83d", "model": "\ud83d\ude00"}', "\U0001f600"),
        (rb'{"input": "\ud83d\ud83d\ude00", "model": "\uD83D\uDE00"}', "\U0001f600"),
        (rb'{"input": "\ud83d", "model": 5', None),
        (rb'{"input": "\ud83d' + b" " * LARGE_BYTES + b'", "model": "m"}', None),
    ],
)
def test_a_json_objects_model_is_found(body: bytes, model: str | None) -> None:
    assert json_model(body) == model


def test_a_forms_model_is_found_and_replaced_in_its_place() -> None:
    form = field(b"file", b"data") + field(b"model", b"a") + b"--b--\r\n"
    assert form_model(form) == "a"
    changed = form_with_model(form, "longer", FORM)
    assert changed == field(b"file", b"data") + field(b"model", b"longer") + b"--b--\r\n"


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data; boundary=Ab.1",
        b'multipart/form-data; Boundary="Ab.1"; charset=utf-8',
        b"multipart/form-data;boundary=Ab.1;x=y",
    ],
)
def test_a_form_without_a_model_gets_one_as_its_first_field(content_type: bytes) -> None:
    form = field(b"file", b"data", b"Ab.1")
    changed = form_with_model(form, "m", content_type)
    assert changed == field(b"model", b"m", b"Ab.1") + form
    assert form_model(changed) == "m"


def test_a_form_that_names_no_boundary_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="boundary"):
        form_with_model(b"", "m", b"multipart/form-data")


@given(
    st.binary(max_size=200),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=80),
)
def test_whatever_the_form_it_has_the_model_afterwards(prefix: bytes, model: str) -> None:
    changed = form_with_model(prefix, model, FORM)
    assert form_model(changed) == model
    assert json_model(prefix) is None or isinstance(json_model(prefix), str)
