"""Checks of one value of a messages request each, in the words of Pydantic, as Anthropic has them.

A check takes the value's path (`messages.0.role`) and the value, and raises `Refused`.
"""

import re
from collections.abc import Iterable, Mapping

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused
from gateway.demo.refusals.messages import extra_input, field_required, invalid
from gateway.demo.rules.checks import Check


def anything(path: str, value: object) -> None:
    """Accept any value."""


def _of_type(kind: type | tuple[type, ...], noun: str) -> Check:
    def check(path: str, value: object) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise invalid(f"{path}: Input should be a valid {noun}")

    return check


string = _of_type(str, "string")
"""Accepts strings."""
boolean = _of_type(bool, "boolean")
"""Accepts true and false."""
_INTEGER = _of_type(int, "integer")
_NUMBER = _of_type((int, float), "number")


def object_at(path: str, value: object) -> Json:
    """Return an object; raises `Refused` for anything else."""
    if not isinstance(value, dict):
        raise invalid(f"{path}: Input should be a valid dictionary")
    return value


def mapping(path: str, value: object) -> None:
    """Accept objects."""
    object_at(path, value)


def integer(minimum: int) -> Check:
    """Accept integers from `minimum` on."""

    def check(path: str, value: object) -> None:
        _INTEGER(path, value)
        if isinstance(value, int) and value < minimum:
            raise invalid(f"{path}: Input should be greater than or equal to {minimum}")

    return check


def share(path: str, value: object) -> None:
    """Accept numbers from 0 to 1."""
    _NUMBER(path, value)
    if isinstance(value, int | float) and not 0 <= value <= 1:
        bound = "greater than or equal to 0" if value < 0 else "less than or equal to 1"
        raise invalid(f"{path}: Input should be {bound}")


def pattern(expression: str) -> Check:
    """Accept strings that match."""
    compiled = re.compile(expression)

    def check(path: str, value: object) -> None:
        string(path, value)
        if not compiled.search(str(value)):
            raise invalid(f"{path}: String should match pattern '{expression}'")

    return check


def word(*supported: str) -> Check:
    """Accept only these strings."""

    def check(path: str, value: object) -> None:
        if value not in supported:
            raise invalid(f"{path}: Input should be {_listed(supported)}")

    return check


def _listed(words: tuple[str, ...]) -> str:
    quoted = [f"'{each}'" for each in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def array(check_item: Check) -> Check:
    """Accept arrays whose items all pass `check_item`."""

    def check(path: str, value: object) -> None:
        if not isinstance(value, list):
            raise invalid(f"{path}: Input should be a valid list")
        for position, item in enumerate(value):
            check_item(f"{path}.{position}", item)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Accept objects with these fields, and no others."""
    known = {**required, **(optional or {})}

    def check(path: str, value: object) -> None:
        given = object_at(path, value)
        for name in required:
            if name not in given:
                raise field_required(f"{path}.{name}")
        for name, field in given.items():
            if name not in known:
                raise extra_input(f"{path}.{name}")
            known[name](f"{path}.{name}", field)

    return check


def unexpected_tag(path: str, tag: object, expected: Iterable[str]) -> Refused:
    """Refuse a type that there is not."""
    quoted = ", ".join(f"'{each}'" for each in expected)
    return invalid(
        f"{path}: Input tag '{tag}' found using 'type' does not match any of the expected tags:"
        f" {quoted}"
    )


def tagged(variants: Mapping[str, Check], *, in_path: bool = False) -> Check:
    """Accept objects whose `type` selects the check; `in_path`: it stands in the path, too."""

    def check(path: str, value: object) -> None:
        tag = object_at(path, value).get("type")
        if tag is None:
            raise field_required(f"{path}.type")
        if tag not in variants:
            raise unexpected_tag(path, tag, variants)
        variants[str(tag)](f"{path}.{tag}" if in_path else path, value)

    return check
