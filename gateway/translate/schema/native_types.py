"""Types of values that a check returns unchanged, to look at a whole list at once.

`msgspec.convert` compares a list with a type ten times as fast as checks do item by item. The types
are made from the checks, and cover only part of what these accept: a value that is not of its type
goes through its check, which decides, and words the error.
"""

from collections import abc
from dataclasses import dataclass, field
from functools import singledispatch
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union

import msgspec

from gateway.translate.schema.checks import (
    Anything,
    Array,
    Boolean,
    Check,
    Mapping,
    OneOf,
    Record,
    String,
    StringOr,
)

JsonType = Any
"""A type that `msgspec` understands; mypy has no name for it."""

_AT_ONCE = 512
"""How many objects are compared in one call: a tenth of a millisecond, in which no other thread can
run."""

NOT_NULL: JsonType = bool | int | float | str | list | dict
NOTHING: JsonType = msgspec.UnsetType
"""The type that no value has."""


@singledispatch
def type_of(check: Check) -> JsonType:  # noqa: ARG001 - what is registered looks at it
    """Return the type of the values, never null, that a check returns unchanged.

    It is `NOTHING` for a check without a function of its own here.
    """
    return NOTHING


def record_type(
    record: Record,
    tag: tuple[str, str] | None = None,
    base: type[msgspec.Struct] = msgspec.Struct,
    types: abc.Mapping[str, JsonType] = MappingProxyType({}),
    *,
    closed: bool = True,
) -> type:
    """Return the type of objects with a record's fields.

    `tag`: a field and its one value. `types`: types of fields in place of those of their checks.
    `closed`: objects with other fields are not of the type. Where they are, null fields must have
    been removed before, because a check would leave them out.
    """
    named = record.fields.items()
    options: dict[str, Any] = {} if tag is None else {"tag_field": tag[0], "tag": tag[1]}
    required = set(record.required)
    fields: list[Any] = []
    for name, check in sorted(named, key=lambda field: field[0] not in required):
        if tag is None or name != tag[0]:
            known = types.get(name) or type_of(check)
            fields.append((name, known) if name in required else (name, known, msgspec.UNSET))
    return msgspec.defstruct(
        "_Object", fields, bases=(base,), gc=False, forbid_unknown_fields=closed, **options
    )


def tagged(
    records: abc.Mapping[str, Record], field: str = "type", *, closed: bool = True
) -> JsonType:
    """Return the type of objects of which one field says which record applies."""
    if len(records) == 1:
        # The tag of a type that is alone may be left out.
        ((tag, known),) = records.items()
        named = Record({**known.fields, field: OneOf(tag)}, (field, *known.required))
        return record_type(named, closed=closed)
    types = [record_type(known, (field, tag), closed=closed) for tag, known in records.items()]
    return any_of(types)


def any_of(types: abc.Iterable[JsonType]) -> JsonType:
    """Return the union of some types."""
    return _of(Union, tuple(types))


def _of(generic: Any, parameters: Any) -> JsonType:
    """Return a generic type with parameters that are only known at run time."""
    return generic[parameters]


@type_of.register
def _(check: Anything) -> JsonType:  # noqa: ARG001
    return NOT_NULL


@type_of.register
def _(check: Boolean) -> JsonType:  # noqa: ARG001
    return bool


@type_of.register
def _(check: String) -> JsonType:
    if check.max_length is None:
        return str
    return Annotated[str, msgspec.Meta(max_length=check.max_length)]


@type_of.register
def _(check: OneOf) -> JsonType:
    return _of(Literal, check.values)


@type_of.register
def _(check: Mapping) -> JsonType:
    if isinstance(check.values, Anything):
        return dict
    return _of(dict, (str, type_of(check.values)))


@type_of.register
def _(check: Record) -> JsonType:
    return record_type(check)


@type_of.register
def _(check: StringOr) -> JsonType:
    other = type_of(check.other)
    return str if other is NOTHING else any_of((str, other))


@type_of.register
def _(check: Array) -> JsonType:
    limits = msgspec.Meta(min_length=check.min_items, max_length=check.max_items)
    items = Any if isinstance(check.items, Anything) else type_of(check.items)
    return _of(Annotated, (_of(list, items), limits))


def without_nulls(items: abc.Iterable[object]) -> list[Any]:
    """Return a list with each object's null fields left out, as checks leave them out."""
    return [
        item
        if type(item) is not dict or None not in item.values()
        else {name: value for name, value in item.items() if value is not None}
        for item in items
    ]


@dataclass(frozen=True, slots=True)
class Objects:
    """The check of a list of objects: many of them at a time are compared with a type."""

    array: Array
    """The check for the list, whose item check judges the objects that are not of the type."""
    kind: abc.Callable[[], JsonType] = field(repr=False)
    """Makes the type of objects that need no further check. It is called for the first list only,
    because all such types together take a megabyte."""
    prepared: abc.Callable[[list[object]], list[Any]] = without_nulls
    """Returns valid objects as their check would return them."""
    _made: list[tuple[type, type]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def accept(self, value: object, param: str) -> list[Any]:
        """Return a new list; raises `InvalidRequest`, for an item with `param[index]`."""
        items = self.array.bounded(value, param)
        prepared, check = self.prepared(items), self.array.items
        of_many, of_one = self._holders()
        for begin in range(0, len(prepared), _AT_ONCE):
            if _holds(of_many, prepared[begin : begin + _AT_ONCE]):
                continue
            for i in range(begin, min(begin + _AT_ONCE, len(prepared))):
                if not _holds(of_one, prepared[i]):
                    prepared[i] = check.accept(items[i], f"{param}[{i}]")
        return prepared

    def _holders(self) -> tuple[type, type]:
        """Return the types that hold a list of the objects, and one of them."""
        if not self._made:
            kind = self.kind()
            self._made.append((_holder(_of(list, kind)), _holder(kind)))
        return self._made[0]


def _holder(kind: JsonType) -> type:
    return msgspec.defstruct("_Holder", [("held", kind)], gc=False)


def _holds(holder: type, held: object) -> bool:
    # `msgspec` analyses a struct once, but any other type at each call.
    try:
        msgspec.convert({"held": held}, holder)
    except (msgspec.ValidationError, RecursionError):
        return False
    return True
