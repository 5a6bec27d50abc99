"""The values of texts that should be JSON."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.shapes import Json
from gateway.translate.parts.tools.argument_values import arguments_value

_TEXTS = st.text(st.characters(exclude_categories=()), max_size=4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ('"\\ud83d\\ude00"', "😀"),
        ('{"\\ud83d": {"b": ["x\\udc00", 2.5]}}', {"\ufffd": {"b": ["x\ufffd", 2.5]}}),
        ('["\\udc00\\ud83d", "\\\\ud83d"]', ["\ufffd\ufffd", "\\ud83d"]),
        ('"\ud83d"', "\ufffd"),
    ],
)
def test_halves_of_characters_are_replaced(text: str, value: object) -> None:
    assert arguments_value(text) == value


@given(st.dictionaries(_TEXTS, st.lists(_TEXTS, max_size=3), max_size=3))
def test_every_value_can_be_encoded(given: Json) -> None:
    value = arguments_value(json.dumps(given))
    assert msgspec.json.decode(msgspec.json.encode(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "{}{}", "'a'", "NaN", '["\\ud83d", NaN]', "1e400", '["\\ud83d", 1e400]'),
        *('["\\ud83d", -Infinity]', '["\\ud83d"', "[" * 100_000, '["\\ud83d",' + "[" * 100_000),
    ],
    ids=lambda text: text[:9],
)
def test_what_is_not_json_is_not_read(text: str) -> None:
    with pytest.raises(NOT_JSON):
        arguments_value(text)
