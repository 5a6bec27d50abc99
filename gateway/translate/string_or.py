"""The check of a value that is a string or something with a structure."""

from dataclasses import dataclass
from typing import Any

from gateway.translate.checks import Check, wrong_type


@dataclass(frozen=True, slots=True)
class StringOr:
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
