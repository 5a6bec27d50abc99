"""Keeps values made of a part of a request that the next one repeats byte for byte, as its tools.

Tools are a quarter of many agents' turns, and the same in each turn.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from msgspec import Raw

LARGEST_KEPT = 256 * 1024
"""The length of the largest part that is recognised, in bytes."""
MOST_KEPT = 1024 * 1024
"""The bytes that are kept; beyond them everything is forgotten, as parts in use soon come again."""
EACH = 1024
"""The bytes that each part counts for beside its own, for the objects around it."""
_END = 64

_Value = TypeVar("_Value")
_Key = tuple[int, bytes, Hashable, tuple[Hashable, ...]]


class Kept(Generic[_Value]):
    """Remembers values by the bytes that they are made of.

    `make` gets the bytes, and whatever else the value depends on, and returns an immutable value.
    An error that it raises is not remembered. It may be called in any thread.
    """

    def __init__(self, make: Callable[..., _Value]) -> None:
        self._make = make
        self._known: dict[_Key, tuple[Callable[[object], bool], _Value]] = {}
        self._bytes = 0
        self._lock = Lock()

    def __call__(self, written: Raw, scope: Hashable, *how: Hashable) -> _Value:
        """Return the value made of a part, now or before; values of one scope serve no other."""
        size = len(written)
        # To hash all of it takes ten times as long as to compare it.
        key = (size, bytes(memoryview(written)[-_END:]), scope, how)
        known = self._known.get(key)
        if known is not None and known[0](written):
            return known[1]
        if size > LARGEST_KEPT:
            return self._make(written, *how)
        # A copy: a part would keep its whole request.
        copy = bytearray(written)
        value = self._make(Raw(copy), *how)
        with self._lock:
            if key not in self._known:
                self._make_room(size + EACH)
            # A bytearray can be compared with `Raw`, which cannot be sliced.
            self._known[key] = (copy.__eq__, value)
        return value

    def _make_room(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MOST_KEPT:
            self._known.clear()
            self._bytes = size
