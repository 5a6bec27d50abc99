"""What counts as an object that stands for nothing."""

import pytest

from gateway.translate.parts.blank import is_blank


@pytest.mark.parametrize(
    "value", [None, "", {}, [], 0, {"name": "", "arguments": ""}, {"id": "", "expires_at": 0}]
)
def test_empty_values_and_objects_of_them_are_blank(value: object) -> None:
    assert is_blank(value)


@pytest.mark.parametrize("value", ["x", [0], 1, {"name": "f", "arguments": ""}, {"data": "QQ=="}])
def test_anything_else_is_not(value: object) -> None:
    assert not is_blank(value)
