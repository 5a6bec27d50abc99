"""The checks of values that are a string or something with a structure."""

from dataclasses import dataclass
from typing import Any

from gateway.translate.schema.checks import Array, Check, String, TextOr, wrong_type


@dataclass(frozen=True, slots=True)
class StringOr(TextOr):
    """A string, or whatever passes another check; `expected` names both, with an article."""

    other: Check
    kind: type
    expected: str

    def accept(self, value: object, param: str) -> Any:
        """Return the string, or the checked value; raises `InvalidRequest`."""
        if isinstance(value, str):
            return value
        if not isinstance(value, self.kind):
            raise wrong_type(param, self.expected, value)
        return self.other.accept(value, param)


@dataclass(frozen=True, slots=True)
class StringOrStrings(TextOr):
    """One string or a list of at most `max_items` strings, as `stop` is."""

    max_items: int | None = None

    def accept(self, value: object, param: str) -> str | list[str]:
        """Return the string, or a new list; raises `InvalidRequest`."""
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            raise wrong_type(param, "a string or an array of strings", value)
        return Array(String(), max_items=self.max_items).accept(value, param)
