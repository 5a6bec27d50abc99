"""Values that mean the same as none; a flag is no number."""

import pytest

from gateway.translate.schema.neutral import Neutral, is_neutral

NEUTRAL: Neutral = {
    "n": (1,),
    "echo": (False,),
    "top_k": (0, -1),
    "reasoning": ({},),
    "background": (),
}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n", 1, True),
        ("n", 1.0, True),
        ("n", True, False),
        ("n", 2, False),
        ("echo", False, True),
        ("echo", 0, False),
        ("top_k", -1, True),
        ("top_k", False, False),
        ("reasoning", {}, True),
        ("reasoning", [], False),
        ("background", None, False),
        ("seed", 0, False),
    ],
)
def test_a_value_is_neutral_by_its_type_too(name: str, value: object, expected: bool) -> None:
    assert is_neutral(name, value, NEUTRAL) is expected
