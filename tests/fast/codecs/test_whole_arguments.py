"""Arguments that need no repair."""

import pytest

from gateway.fast.codecs.whole_arguments import is_object


@pytest.mark.parametrize(
    "arguments", ["{}", '{"a": [1, {"b": null}]}', '{ "é" : "\\ud83d\\ude00" }']
)
def test_an_object_is_whole(arguments: str) -> None:
    assert is_object(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        *("", "{", "}", "[]", "null", '"{}"', " {}", "{} ", "{}{}", '{"a":1}{"b":2}', '{"a":}'),
        *('{"a": NaN}', '{"a": "\\ud800"}', '{"a": "\ud800"}', '{"a": "\n"}', '{"a":' * 5000 + "}"),
    ],
)
def test_anything_else_is_not(arguments: str) -> None:
    assert not is_object(arguments)
