"""Knows what the bodies of a conversation have in common, so that only the rest has to be read.

An agent sends its whole conversation again with each turn. The fields before and behind it stay the
same, and so do nearly all of its items. Only equal bytes are taken as known.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from gateway.exchange.bodies.request_fields import Routed
from gateway.exchange.bodies.seal_marks import is_unsealed
from gateway.exchange.bodies.unreadable_body import UNREADABLE
from gateway.shapes import Shape
from gateway.texts import check_utf8, shared_start

_GROWN = 8 * 1024
"""New items become known ones only from this many bytes on: making them known copies all that is
known, which costs more than reading a few bytes again."""
_TRIES = 8
"""How many ends of objects are tried as the end of an item."""
_LEAST_GAIN = _GROWN // 2
_ITEM_END = b"},"
_AFTER_ITEM = b"[{}"
"""Stands for the known items before new ones: after an object only a comma or the end may come."""
_PLACEHOLDER = b"0"


class _Messages(Routed):
    messages: msgspec.Raw = msgspec.Raw(b"")


_read_value = msgspec.json.Decoder(msgspec.Raw).decode


class ListField(msgspec.Struct, frozen=True):
    """The field of a shape's bodies that has their conversation."""

    shape: Shape
    name: str
    read: Callable[[bytes], Routed]
    key: re.Pattern[bytes]

    @classmethod
    def of(cls, shape: Shape, name: str, kind: type[Routed]) -> "ListField":
        """Return the field called `name`, in bodies that are decoded as `kind`."""
        key = re.compile(rb'"' + name.encode() + rb'"\s*:\s*\[')
        return cls(shape, name, msgspec.json.Decoder(kind).decode, key)

    def written(self, routed: Routed) -> bytes:
        """Return the bytes of the field's value."""
        return bytes(getattr(routed, self.name))


LISTS: Mapping[Shape, ListField] = MappingProxyType(
    {
        field.shape: field
        for field in (
            ListField.of(Shape.CHAT, "messages", _Messages),
            ListField.of(Shape.MESSAGES, "messages", _Messages),
            ListField.of(Shape.RESPONSES, "input", Routed),
        )
    }
)


class RepeatedBody:
    """A body's bytes up to the end of some item of its conversation, and from the list's end on.

    Any body that begins and ends with these bytes, and has a list's items in between, is a JSON
    object in UTF-8 with the same other fields.
    """

    __slots__ = (
        "_field",
        "_items",
        "_opening",
        "_routed",
        "_start",
        "begin",
        "end",
        "is_unsealed",
        "size",
    )

    def __init__(
        self, body: bytes, start: int, end: int, routed: Routed, shared: int, field: ListField
    ) -> None:
        self.begin, self.end = body[: start + 1], body[end - 1 :]
        """What all such bodies begin and end with."""
        self._start, self._routed, self._field = start, routed, field
        self.is_unsealed = is_unsealed(body, field.shape)
        """Whether nothing is sealed in what is known, and in what was last read."""
        self._opening = b"["
        self._keep(body[start:end], max(min(shared, end) - start, 0))

    @classmethod
    def found(cls, last: bytes, shared: int, field: ListField) -> "RepeatedBody | None":
        """Return what is known from `last`, whose first `shared` bytes the next body has, too.

        None: the two bodies differ elsewhere than in the conversation, or cannot be read.
        """
        key = field.key.search(last)
        if key is None:
            return None
        start = key.end() - 1
        try:
            check_utf8(last)
            items = field.written(field.read(last))
            end = start + len(items)
            others = field.read(b"%b%b%b" % (last[:start], _PLACEHOLDER, last[end:]))
        except UNREADABLE:
            return None
        # The bodies differ in one value only, which is the field's if the field has both values.
        if last[start:end] != items or field.written(others) != _PLACEHOLDER:
            return None
        return cls(last, start, end, others, shared, field)

    def goes_on_from(self, begin: bytes) -> bool:
        """Whether all such bodies begin with these bytes."""
        return self.begin.startswith(begin)

    def read(self, body: bytes) -> Routed | None:
        """Return what routing needs of a body; None: it does not go on from here or is invalid."""
        begin, end = len(self.begin), len(body) - len(self.end)
        if end < begin or not (body.startswith(self.begin) and body.endswith(self.end)):
            return None
        items = b"".join((self._opening, memoryview(body)[begin:end], b"]"))
        try:
            check_utf8(items)
            _read_value(items)
        except UNREADABLE:
            return None
        self.is_unsealed = self.is_unsealed and is_unsealed(items, self._field.shape)
        if items != self._items:
            self._keep(items, shared_start(items, self._items) if len(items) > _GROWN else 0)
        if self._field.shape is not Shape.RESPONSES:
            return self._routed
        return replace(self._routed, input=msgspec.Raw(memoryview(body)[self._start : end + 1]))

    def _keep(self, items: bytes, shared: int) -> None:
        """Keep a list of items; whole ones in its first `shared` bytes join the known beginning."""
        self._items = items
        for _ in range(_TRIES):
            shared = items.rfind(_ITEM_END, _LEAST_GAIN, shared) + 1
            if not shared:
                break
            # Both are lists, so this comma is between two items: within a text or an object, what
            # comes after it would have one quotation mark or bracket too many.
            if _is_list(b"[%b" % items[shared + 1 :]):
                self.begin += items[len(self._opening) : shared]
                self._opening = _AFTER_ITEM
                self._items = _AFTER_ITEM + items[shared:]
                break
        self.size = self._start + len(self.begin) + len(self._items) + 2 * len(self.end)


def _is_list(items: bytes) -> bool:
    try:
        _read_value(items)
    except UNREADABLE:
        return False
    return True
