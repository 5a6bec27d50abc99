"""Knows what an agent's requests of a conversation have in common, decoded for the next ones.

A codec goes through all of a request. If the request goes on from the last turn, only its new items
are decoded; the other items, and all other fields, are those of the last turn. That is safe since
codecs do not change what they are given.
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
"""The memory, in bytes, of the value of one byte of JSON: most values are texts, kept as such."""
_VALUE = 128
"""The memory, in bytes, of an object, a list, or a fraction, however short it is written."""
_SIGNS = (b",", b"[", b"{")
"""The signs of which one precedes each value, or the value's name."""
_APART = 25
"""The least average distance of two such signs in usual texts, code among them, in bytes."""


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
        """How many of the body's first bytes are decoded: those up to the end of `_items`."""
        self._values = _bytes_of_values(known.begin) + _bytes_of_values(known.end)
        self._routed = routed_of(request, fast.encode)
        self._read_items: Callable[[bytes], list[Any]] = fast.item_readers[field.shape]
        self._uncommon = fast.uncommon

    @classmethod
    def found(cls, last: bytes, shared: int, field: ListField) -> "RepeatedRequest | None":
        """Return what is known from `last`, whose first `shared` bytes the next request has, too.

        None: nothing is, or a codec does not admit the request.
        """
        known = RepeatedBody.found(last, shared, field)
        if known is None or not known.begin.endswith(_ITEM_END):
            return None
        fast = cast("Loaded", loaded())  # as in `FastRequests.decoded`
        try:
            # Up to the known item, the body is a request, too.
            request = fast.agent_readers[field.shape](known.begin + known.end)
        except fast.uncommon:
            return None
        return cls(known, request, field, fast)

    @property
    def is_unsealed(self) -> bool:
        """Whether nothing is sealed in the body; see `RepeatedBody`."""
        return self._known.is_unsealed

    @property
    def begin(self) -> bytes:
        """The bytes that all such bodies begin with; see `RepeatedBody`."""
        return self._known.begin

    def goes_on_from(self, begin: bytes) -> bool:
        """Whether all such bodies begin with these bytes."""
        return self._known.goes_on_from(begin)

    @property
    def size(self) -> int:
        """The bytes that are kept."""
        return self._known.size + int(_DECODED * self._known.size) + self._values

    def read(self, body: bytes) -> Routed | None:
        """Return what routing needs of a body, with the decoded request.

        None: the body does not go on from here, or a codec does not admit it.
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
        """Decode items that each have a comma before them."""
        return self._read_items(b"[%b]" % more[1:])


def _bytes_of_values(written: bytes) -> int:
    """Return the memory, in bytes, that many short values take beyond that of texts."""
    return _VALUE * max(sum(map(written.count, _SIGNS)) - len(written) // _APART, 0)
