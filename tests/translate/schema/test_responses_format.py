"""The check of an output format."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.responses_format import Format


def test_a_schema_has_a_name_and_a_schema() -> None:
    form: Json = {"type": "json_schema", "name": "n", "schema": {}, "strict": None}
    assert Format().accept(form, "f") == {"type": "json_schema", "name": "n", "schema": {}}
    for missing in ("name", "schema"):
        with pytest.raises(InvalidRequest) as refused:
            Format().accept({**form, missing: None}, "f")
        assert refused.value.param == f"f.{missing}"


def test_other_formats_have_a_type_only() -> None:
    for kind in ("text", "json_object"):
        assert Format().accept({"type": kind}, "f") == {"type": kind}
