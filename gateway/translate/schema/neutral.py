"""Values of parameters that mean the same as none."""

from collections.abc import Mapping, Sequence

Neutral = Mapping[str, Sequence[object]]
"""Parameters, each with the values that mean the same as none."""


def is_neutral(name: str, value: object, neutral: Neutral) -> bool:
    """Whether a parameter's value means the same as none.

    A JSON `true` is not 1, nor `false` 0, although Python has them as equal: such a value is wrong,
    and not to be left out in silence.
    """
    is_flag = isinstance(value, bool)
    values = neutral.get(name, ())
    return any(value == each and isinstance(each, bool) is is_flag for each in values)
