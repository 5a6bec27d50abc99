"""What two agents' requests of a conversation have in common, decoded for the next ones.

A codec goes through all of a request. Of one that goes on only the new items are decoded: the
others, and all other fields, are those of the last turn. Codecs do not change what they are given.
"""

from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from gateway.exchange.bodies.fast_requests import routed_of
from gateway.exchange.bodies.repeated_body import ListField, RepeatedBody
from gateway.exchange.bodies.request_fields import Routed
from gateway.fast.paths import Loaded, loaded

_ITEM_END = b"}"
_DECODED = 1.25
"""Bytes of what is decoded from one byte: most of it are texts, kept as they are written."""
_VALUE = 128
"""The bytes of an object, a list, or a number with a fraction, however short it is written."""
_SIGNS = (b",", b"[", b"{")
"""Each value has one before it, or its name has."""
_APART = 25
"""Bytes between two of these signs, at least, in usual texts, code among them."""


class RepeatedRequest:
    """A request up to some item of its conversation, and how the next ones go on from there."""

    __slots__ = (
        "_decoded",
        "_items",
        "_known",
        "_name",
        "_read_items",
        "_routed",
        "_uncommon",
        "_values",
    )

    def __init__(self, known: RepeatedBody, request: Any, field: ListField, fast: Loaded) -> None:
        self._known, self._name = known, field.name
        self._items: list[Any] = getattr(request, field.name)
        self._decoded = len(known.begin)
        """The bytes that end with these items."""
        self._values = _bytes_of_values(known.begin) + _bytes_of_values(known.end)
        self._routed = routed_of(request, fast.encode)
        self._read_items: Callable[[bytes], list[Any]] = fast.item_readers[field.shape]
        self._uncommon = fast.uncommon

    @classmethod
    def found(cls, last: bytes, shared: int, field: ListField) -> "RepeatedRequest | None":
        """Find that of a request of which the next one has so many bytes; None: it has none."""
        known = RepeatedBody.found(last, shared, field)
        if known is None or not known.begin.endswith(_ITEM_END):
            return None
        fast = cast("Loaded", loaded())  # as for `FastRequests.decoded`
        try:
            # Without the other items it is a request, too.
            request = fast.agent_readers[field.shape](known.begin + known.end)
        except fast.uncommon:
            return None
        return cls(known, request, field, fast)

    @property
    def is_unsealed(self) -> bool:
        """As of the body."""
        return self._known.is_unsealed

    @property
    def begin(self) -> bytes:
        """As of the body, like the next ones."""
        return self._known.begin

    def goes_on_from(self, begin: bytes) -> bool:
        """Whether all such bodies begin with these bytes."""
        return self._known.goes_on_from(begin)

    @property
    def size(self) -> int:
        """The bytes that are kept."""
        return self._known.size + int(_DECODED * self._known.size) + self._values

    def read(self, body: bytes) -> Routed | None:
        """Return what routing needs of a body, and the request that it is.

        None: it does not go on from here, or a codec does not admit it.
        """
        if self._known.read(body) is None:
            return None
        begin, end = len(self._known.begin), len(body) - len(self._known.end)
        try:
            if begin > self._decoded:
                more = body[self._decoded : begin]
                self._items = self._items + self._listed(more)
                self._decoded = begin
                self._values += _bytes_of_values(more)
            items = self._items + self._listed(body[begin:end])
        except self._uncommon:
            return None
        request = cast("msgspec.Struct", self._routed.request)
        return replace(self._routed, request=replace(request, **{self._name: items}))

    def _listed(self, more: bytes) -> list[Any]:
        """Return items before each of which there is a comma."""
        return self._read_items(b"[%b]" % more[1:])


def _bytes_of_values(written: bytes) -> int:
    """Return how many bytes JSON with many short values takes beyond what its texts do."""
    return _VALUE * max(sum(map(written.count, _SIGNS)) - len(written) // _APART, 0)
