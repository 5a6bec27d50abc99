"""Checks of one JSON value each, with OpenAI's words for what is wrong.

A check takes the value's path (`messages[0].role`) and the value, and raises `Refused`. Unlike in
Python, `true` is not a number.
"""

from collections.abc import Callable, Mapping

from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    invalid_type,
    invalid_value,
    missing_parameter,
    unknown_parameter,
)

Check = Callable[[str, object], None]

_WITH_ARTICLE: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def described(value: object) -> str:
    """Name a value's JSON type as OpenAI's messages do."""
    for kind, words in _WITH_ARTICLE:
        if isinstance(value, kind):
            return words
    return "null"


def nullable(check: Check) -> Check:
    """Also accept null."""

    def nullable_check(path: str, value: object) -> None:
        if value is not None:
            check(path, value)

    return nullable_check


def boolean(path: str, value: object) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise invalid_type(path, "a boolean", described(value))


def string(path: str, value: object) -> None:
    """Accept any string."""
    if not isinstance(value, str):
        raise invalid_type(path, "a string", described(value))


def mapping(path: str, value: object) -> None:
    """Accept any object."""
    if not isinstance(value, dict):
        raise invalid_type(path, "an object", described(value))


def short_string(longest: int) -> Check:
    """Accept strings of at most `longest` characters."""

    def check(path: str, value: object) -> None:
        string(path, value)
        length = len(str(value))
        if length > longest:
            raise Refused(
                400,
                f"Invalid '{path}': string too long. Expected a string with maximum length"
                f" {longest}, but got a string with length {length} instead.",
                param=path,
                code="string_above_max_length",
            )

    return check


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    """Accept integers in a range."""

    def check(path: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid_type(path, "an integer", described(value))
        _in_range(path, value, "integer", minimum, maximum)

    return check


def number(minimum: float, maximum: float) -> Check:
    """Accept integers and decimals in a range."""

    def check(path: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid_type(path, "a decimal", described(value))
        _in_range(path, value, "decimal", minimum, maximum)

    return check


def _in_range(
    path: str, value: float, kind: str, minimum: float | None, maximum: float | None
) -> None:
    if minimum is not None and value < minimum:
        wrong, limit, which = "below minimum value", f">= {minimum}", "below_min"
    elif maximum is not None and value > maximum:
        wrong, limit, which = "above maximum value", f"<= {maximum}", "above_max"
    else:
        return
    raise Refused(
        400,
        f"Invalid '{path}': {kind} {wrong}. Expected a value {limit}, but got {value} instead.",
        param=path,
        code=f"{kind}_{which}_value",
    )


def word(*supported: str) -> Check:
    """Accept only these strings."""

    def check(path: str, value: object) -> None:
        string(path, value)
        if value not in supported:
            raise invalid_value(path, value, supported)

    return check


def array(check_item: Check, *, least: int = 0, most: int | None = None) -> Check:
    """Accept arrays with `least` to `most` items, all of which pass `check_item`."""

    def check(path: str, value: object) -> None:
        if not isinstance(value, list):
            raise invalid_type(path, "an array", described(value))
        _check_length(path, len(value), least, most)
        for position, item in enumerate(value):
            check_item(f"{path}[{position}]", item)

    return check


def _check_length(path: str, length: int, least: int, most: int | None) -> None:
    if length < least:
        raise Refused(
            400,
            f"Invalid '{path}': empty array. Expected an array with minimum length {least}, but"
            " got an empty array instead.",
            param=path,
            code="empty_array",
        )
    if most is not None and length > most:
        raise Refused(
            400,
            f"Invalid '{path}': array too long. Expected an array with maximum length {most}, but"
            f" got an array with length {length} instead.",
            param=path,
            code="array_above_max_length",
        )


def string_or(other: Check) -> Check:
    """Accept any string; everything else must pass `other`."""

    def check(path: str, value: object) -> None:
        if not isinstance(value, str):
            other(path, value)

    return check


def record(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *, open_: bool
) -> Check:
    """Accept objects with these members; others are refused unless the record is open."""
    optional = optional or {}

    def check(path: str, value: object) -> None:
        if not isinstance(value, dict):
            raise invalid_type(path, "an object", described(value))
        for name in required:
            if name not in value:
                raise missing_parameter(f"{path}.{name}")
        for name, member in value.items():
            member_check = required.get(name) or optional.get(name)
            if member_check is not None:
                member_check(f"{path}.{name}", member)
            elif not open_:
                raise unknown_parameter(f"{path}.{name}")

    return check


def tagged(tag: str, variants: Mapping[str, Check], default: str | None = None) -> Check:
    """Accept objects whose member `tag` selects the check for the whole object."""

    def check(path: str, value: object) -> None:
        if not isinstance(value, dict):
            raise invalid_type(path, "an object", described(value))
        if tag not in value and default is None:
            raise missing_parameter(f"{path}.{tag}")
        chosen = value.get(tag, default)
        if not isinstance(chosen, str):
            raise invalid_type(f"{path}.{tag}", "a string", described(chosen))
        if chosen not in variants:
            raise invalid_value(f"{path}.{tag}", chosen, tuple(variants))
        variants[chosen](path, value)

    return check
