"""Checks of one request body against the schema of the endpoint that the client called.

A table maps top-level parameter names to checks; `check` applies it. Parameters that are not in the
table are left in place for the caller to decide on (`extensions` lists them). Checking comes before
translating, so that an error names the parameter as the client wrote it. Messages and codes follow
api.openai.com.

A JSON `true` is not a number here, although Python's `bool` is an `int`.
"""

import math
from collections import abc
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.errors import missing, out_of_range, wrong_type

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1


class Check(Protocol):
    """A check of one parameter's value."""

    def accept(self, value: object, param: str) -> Any:
        """Return the value, normalised where JSON has several spellings (`16.0` for 16).

        Raises `InvalidRequest` naming `param`.
        """


def check(body: Json, table: abc.Mapping[str, Check]) -> Json:
    """Return a copy of `body` without its null top-level keys, every value checked.

    Nearly all of OpenAI's parameters are nullable, null meaning the default; some servers refuse or
    misread an explicit null, so nulls are not passed on. The copy is shallow: nested objects are
    still the client's and must not be changed. Raises `InvalidRequest`.
    """
    checked: Json = {}
    for name, value in body.items():
        if value is None:
            continue
        rule = table.get(name)
        checked[name] = value if rule is None else rule.accept(value, name)
    return checked


def extensions(
    body: Json, table: abc.Mapping[str, Check], *, known_extensions: abc.Collection[str] = ()
) -> list[str]:
    """Return the keys of `body`, in order, that neither the table nor `known_extensions` has."""
    if body.keys() <= table.keys():
        return []
    return [name for name in body if name not in table and name not in known_extensions]


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value: checked elsewhere, or not at all."""

    def accept(self, value: object, param: str) -> Any:  # noqa: ARG002 - the protocol's signature
        """Return the value."""
        return value


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    def accept(self, value: object, param: str) -> bool:
        """Return the value; raises `InvalidRequest`."""
        if not isinstance(value, bool):
            raise wrong_type(param, "a boolean", value)
        return value


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within inclusive bounds; `16.0` is 16, as in JSON Schema."""

    minimum: int = INT64_MIN
    maximum: int = INT64_MAX

    def accept(self, value: object, param: str) -> int:
        """Return the value as an `int`; raises `InvalidRequest`."""
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise wrong_type(param, "an integer", value)
        if self.minimum <= value <= self.maximum:
            return value
        raise out_of_range(value, self.minimum, self.maximum, param, "integer")


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number within inclusive bounds."""

    minimum: float = -1e308
    maximum: float = 1e308

    def accept(self, value: object, param: str) -> int | float:
        """Return the value; raises `InvalidRequest`."""
        if type(value) is not float and type(value) is not int:
            raise wrong_type(param, "a number", value)
        if self.minimum <= value <= self.maximum:
            return value
        if type(value) is float and not math.isfinite(value):
            raise InvalidRequest(
                f"Invalid '{param}': expected a finite number, but got {value} instead.",
                param=param,
                code="invalid_value",
            )
        raise out_of_range(value, self.minimum, self.maximum, param, "decimal")


@dataclass(frozen=True, slots=True)
class String:
    """Text, at most `max_length` characters."""

    max_length: int | None = None

    def accept(self, value: object, param: str) -> str:
        """Return the value; raises `InvalidRequest`."""
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if self.max_length is not None and len(value) > self.max_length:
            raise InvalidRequest(
                f"Invalid '{param}': string too long. Expected a string with maximum length "
                f"{self.max_length}, but got a string with length {len(value)} instead.",
                param=param,
                code="string_above_max_length",
            )
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few strings."""

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        object.__setattr__(self, "values", values)

    def accept(self, value: object, param: str) -> str:
        """Return the value; raises `InvalidRequest`."""
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if value not in self.values:
            *most, last = (f"'{known}'" for known in self.values)
            supported = f"{', '.join(most)} and {last}" if most else last
            raise InvalidRequest(
                f"Invalid value for '{param}': '{value[:100]}'. Supported values are: {supported}.",
                param=param,
                code="invalid_value",
            )
        return value


@dataclass(frozen=True, slots=True)
class Array:
    """A list whose items all pass one check."""

    items: Check = Anything()
    min_items: int = 0
    max_items: int | None = None

    def accept(self, value: object, param: str) -> list[Any]:
        """Return a new list; raises `InvalidRequest`, for an item with `param[index]`."""
        items = self.bounded(value, param)
        return [self.items.accept(item, f"{param}[{i}]") for i, item in enumerate(items)]

    def bounded(self, value: object, param: str) -> list[Any]:
        """Return the value itself if it is a list of a permitted length.

        Raises `InvalidRequest`.
        """
        if not isinstance(value, list):
            raise wrong_type(param, "an array", value)
        if len(value) < self.min_items:
            raise InvalidRequest(
                f"Invalid '{param}': array too short. Expected an array with minimum length "
                f"{self.min_items}, but got an array with length {len(value)} instead.",
                param=param,
                code="empty_array" if not value else "array_below_min_length",
            )
        if self.max_items is not None and len(value) > self.max_items:
            raise InvalidRequest(
                f"Invalid '{param}': array too long. Expected an array with maximum length "
                f"{self.max_items}, but got an array with length {len(value)} instead.",
                param=param,
                code="array_above_max_length",
            )
        return value


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


@dataclass(frozen=True, slots=True)
class StringOrStrings:
    """One string or a list of at most `max_items` strings, as `stop` is."""

    max_items: int | None = None

    def accept(self, value: object, param: str) -> str | list[str]:
        """Return the string, or a new list; raises `InvalidRequest`."""
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            raise wrong_type(param, "a string or an array of strings", value)
        return Array(String(), max_items=self.max_items).accept(value, param)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A JSON object whose values all pass one check."""

    values: Check = Anything()

    def accept(self, value: object, param: str) -> Json:
        """Return a new object; raises `InvalidRequest`, for a value with `param.key`."""
        if not isinstance(value, dict):
            raise wrong_type(param, "an object", value)
        return {key: self.values.accept(item, f"{param}.{key}") for key, item in value.items()}


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object with checked fields; other fields are left in place."""

    fields: abc.Mapping[str, Check]
    required: tuple[str, ...] = ()
    names: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names of the fields."""
    texts: abc.Set[str] = field(init=False, repr=False, compare=False)
    """The fields that take any text, as most do: their check need not be called for it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(self.fields))
        texts = frozenset(name for name, rule in self.fields.items() if _takes_any_text(rule))
        object.__setattr__(self, "texts", texts)

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest` with `param.field`."""
        if not isinstance(value, dict):
            raise wrong_type(param, "an object", value)
        for name in self.required:
            if value.get(name) is None:
                raise missing(f"{param}.{name}")
        checked: Json = {}
        texts = self.texts
        for name, item in value.items():
            if type(item) is str and name in texts:
                checked[name] = item
            elif item is not None:
                rule = self.fields.get(name)
                if rule is None or (type(rule) is OneOf and item in rule.values):
                    checked[name] = item
                else:
                    checked[name] = rule.accept(item, f"{param}.{name}")
        return checked


def _takes_any_text(rule: Check) -> bool:
    return isinstance(rule, StringOr | StringOrStrings) or (
        isinstance(rule, String) and rule.max_length is None
    )
