"""Tests for MiniMax' numbers of errors."""

from typing import Any

import pytest

from gateway.envelopes.numbered_errors import has_failed, is_one, is_success, number_in, status_of
from gateway.shapes import Json


def numbered(number: Any) -> Json:
    return {"base_resp": {"status_code": number, "status_msg": "m"}}


@pytest.mark.parametrize(
    ("number", "status"),
    [
        *((1001, 504), (1002, 429), (1004, 401), (1008, 402), (1026, 400), (1027, 400)),
        *((1039, 429), (1041, 429), (1042, 400), (2013, 400), (2045, 429), (2049, 401)),
        *((2056, 429), (1000, None), (1033, None), (0, None), ("1002", None), (True, None)),
    ],
)
def test_the_status_of_a_number(number: Any, status: int | None) -> None:
    assert status_of(numbered(number)) == status


@pytest.mark.parametrize("body", [{}, {"base_resp": None}, {"base_resp": {"status_msg": "m"}}])
def test_a_body_without_a_number(body: Json) -> None:
    assert number_in(body) is None
    assert status_of(body) is None
    assert not has_failed(body)


@pytest.mark.parametrize("result", ["choices", "output", "content", "data", "vectors"])
def test_a_number_is_an_error_where_there_is_no_result(result: str) -> None:
    nothing: tuple[object, ...] = ([], None, "", {})
    for empty in nothing:
        assert has_failed({result: empty, **numbered(1002)})
        assert not has_failed({result: empty, **numbered(0)})
    assert not has_failed({result: ["a"], **numbered(1002)})


def test_the_number_of_a_success() -> None:
    assert is_success({"status_code": 0})
    assert not is_success({"status_code": 1002})
    assert not is_success({})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"base_resp": {"status_code": 1002}}', True),
        (b'{"base_resp": {"status_code": 0}}', False),
        (b'{"text": "\\"base_resp\\""}', False),
        (b'["base_resp"]', False),
        (b'{"base_resp"', False),
        (b"{}", False),
    ],
)
def test_whether_json_is_such_an_error(body: bytes, *, expected: bool) -> None:
    assert is_one(body) is expected
