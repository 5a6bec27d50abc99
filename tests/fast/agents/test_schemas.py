"""What is known of schemas."""

from typing import Any

import pytest
from msgspec import Raw
from msgspec.json import encode

from gateway.fast.agents.schemas import LARGEST_KEPT, Form, form_of, read_schema
from gateway.fast.agents.uncommon import UNCOMMON
from gateway.fast.codec import ABSENT
from tests.fast.agents.responses_traffic import STRICT

LONG = "x" * LARGEST_KEPT


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({}, Form(ABSENT, is_strict=False, is_complete=False, is_empty=True)),
        ({"type": "string"}, Form("string", is_strict=False, is_complete=False)),
        (
            {"type": "object", "properties": {}},
            Form("object", is_strict=False, is_complete=True),
        ),
        (
            {"properties": {"a": {"type": "array"}}},
            Form(ABSENT, is_strict=False, is_complete=False),
        ),
        (STRICT, Form("object", is_strict=True, is_complete=True)),
        ({**STRICT, "description": LONG}, Form("object", is_strict=True, is_complete=True)),
        (
            {"properties": {}, "description": LONG},
            Form(ABSENT, is_strict=False, is_complete=True),
        ),
    ],
)
def test_a_schema_is_known_by_its_type_and_strictness(schema: Any, form: Form) -> None:
    written = Raw(encode(schema))
    for _ in range(2):
        assert form_of(written) == form
    assert read_schema(written) == schema


@pytest.mark.parametrize(
    "written",
    [
        *(b"[]", b"3", b'"x"', b'{"a":1e400}', b'{"a":"\xff"}', b'{"a":"%b\xff"}' % b"x" * 9),
        *(b'{"type":null}', b'{"properties":{"a":{"required":null}}}'),
    ],
)
def test_what_is_not_a_schema_is_not_common(written: bytes) -> None:
    for filler in (b"", b" " * LARGEST_KEPT):
        with pytest.raises(UNCOMMON):
            form_of(Raw(written + filler))


def test_escapes_do_not_hide_what_is_strict() -> None:
    written = encode(STRICT).replace(b"additional", rb"\u0061dditional")
    assert form_of(Raw(written)).is_strict
