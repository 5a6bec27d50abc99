"""Only what is the same for any schema is judged once."""

import pytest

from gateway.shapes import Json, Shape
from tests.translate.judged import Judged
from tests.translate.openai_schema import check_schema

ITEM: Json = {"id": f"msg_{'0a' * 16}", "content": [1, None], "more": {"a": "x"}}


@pytest.mark.parametrize("item", [ITEM, {**ITEM, "id": f"msg_{'b1' * 16}"}, {**ITEM}])
def test_the_same_with_any_new_id_is_known(item: Json) -> None:
    judged = Judged()
    judged.add(judged.key("Item", ITEM))
    assert judged.key("Item", item) in judged


@pytest.mark.parametrize(
    "item",
    [
        {**ITEM, "id": f"msg_{'0a' * 15}"},
        {**ITEM, "id": f"msg_{'0A' * 16}"},
        {**ITEM, "id": f"out_{'0a' * 16}"},
        *(
            {**ITEM, "content": content}
            for content in ([1], [True, None], [1.0, None], ["1", None])
        ),
        *({**ITEM, "more": more} for more in ({}, {"a": "y"}, {"b": "x"}, {"a": "x", "c": None})),
    ],
)
def test_anything_else_is_not(item: Json) -> None:
    judged = Judged()
    judged.add(judged.key("Item", ITEM))
    assert judged.key("Item", item) not in judged


def test_neither_is_it_for_another_schema() -> None:
    judged = Judged()
    judged.add(judged.key("Item", ITEM))
    assert judged.key("Response", ITEM) not in judged
    assert judged.key("Item", ITEM, closed=True) not in judged


def test_what_is_not_json_is_judged_each_time() -> None:
    judged = Judged()
    key = judged.key("Item", {"shape": Shape.CHAT})
    judged.add(key)
    assert key is None
    assert key not in judged


def test_what_is_not_valid_fails_each_time() -> None:
    valid: Json = {"error": {"message": "No.", "type": "t", "param": None, "code": None}}
    check_schema("ErrorResponse", valid)
    check_schema("ErrorResponse", valid)
    for _ in range(2):
        with pytest.raises(AssertionError, match="no valid ErrorResponse"):
            check_schema("ErrorResponse", {"error": {**valid["error"], "message": 3}})
        with pytest.raises(AssertionError, match="no valid ErrorResponse"):
            check_schema("ErrorResponse", {"error": {**valid["error"], "more": 3}}, closed=True)
