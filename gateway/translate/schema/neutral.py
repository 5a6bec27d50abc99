"""Values of parameters that mean the same as leaving the parameter out."""

from collections.abc import Mapping, Sequence

Neutral = Mapping[str, Sequence[object]]
"""Parameters, each with its neutral values: they mean the same as leaving it out."""


def is_neutral(name: str, value: object, neutral: Neutral) -> bool:
    """Whether a parameter's value means the same as leaving it out.

    A JSON `true` is not 1, nor `false` 0, although they are equal in Python: such a value is wrong,
    and must not be left out silently.
    """
    is_flag = isinstance(value, bool)
    values = neutral.get(name, ())
    return any(value == each and isinstance(each, bool) is is_flag for each in values)
