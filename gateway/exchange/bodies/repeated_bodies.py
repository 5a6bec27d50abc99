"""Keeps the conversations of each connection, so that only the new part of a turn has to be read.

They are kept with the head that the requests of a connection repeat, credential included: they
serve nobody else, and end with the connection.
"""

import weakref
from collections import OrderedDict
from functools import partial
from typing import Final, cast

from gateway.exchange.bodies.repeated_body import LISTS, ListField, RepeatedBody
from gateway.exchange.bodies.repeated_request import RepeatedRequest
from gateway.exchange.bodies.request_fields import Routed
from gateway.request import GenerationRequest
from gateway.shapes import ClientHeaders
from gateway.texts import shared_start

Read = tuple[GenerationRequest, Routed]

SMALLEST: Final = 32 * 1024
"""The shortest body, in bytes, that is kept: shorter ones are read faster than compared."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""The bytes that are kept at most for all connections of a process."""

_CONVERSATIONS = 4
"""The conversations kept per head: some clients send several in turn (agent and sub-agents)."""
_FAILURES = 3
"""After so many bodies in a row that only seemed to be continued, a head's bodies are not kept."""
_FRONT, _BACK = 256, 64
"""The bytes at both ends of a body that have to be the same throughout a conversation."""
Known = RepeatedBody | RepeatedRequest


class _Conversations:
    """The conversations of requests with the same head."""

    __slots__ = ("__weakref__", "_begun", "_failures", "_kind", "_known")

    def __init__(self, kind: type[Known]) -> None:
        self._kind = kind
        self._known: list[Known] = []
        self._begun: list[bytes] = []
        """Whole bodies that continue no known conversation, and may begin one."""
        self._failures = 0

    @property
    def size(self) -> int:
        """The bytes that are kept."""
        return sum(map(len, self._begun)) + sum(each.size for each in self._known)

    def clear(self) -> None:
        """Forget all."""
        self._known, self._begun = [], []

    def read(self, call: GenerationRequest, field: ListField) -> Read | None:
        """Read a request that continues a conversation; None: its body is to be read whole."""
        for index, known in enumerate(self._known):
            read = _read(known, call)
            if read is not None:
                self._known.insert(0, self._known.pop(index))
                return read
        if self._failures == _FAILURES:
            return None
        for index, last in enumerate(self._begun):
            shared = _continued(last, call.body)
            if shared:
                del self._begun[index]
                return self._continue(self._kind.found(last, shared, field), call)
        self._begun = [call.body, *self._begun[: _CONVERSATIONS - 1]]
        return None

    def _continue(self, found: Known | None, call: GenerationRequest) -> Read | None:
        """Keep the conversation that a body continues, if the body can be read by it."""
        read = None if found is None else _read(found, call)
        if found is None or read is None:
            self._failures += 1
            return None
        self._failures = 0
        # A conversation that was further on has begun again, or was resumed from an earlier turn.
        others = [each for each in self._known if not each.goes_on_from(found.begin)]
        self._known = [found, *others[: _CONVERSATIONS - 1]]
        return read


class RepeatedBodies:
    """Reads bodies of conversations, and keeps the parts of them that repeat.

    At most `most` bytes are kept; beyond them the connections that have sent nothing for the
    longest time lose theirs. `kind` is the type that is kept, and also the key of the conversations
    in `ClientHeaders.derived`.
    """

    def __init__(self, most: int = MOST_BYTES, kind: type[Known] = RepeatedBody) -> None:
        self._most = most
        self._kind = kind
        self._kept: OrderedDict[int, tuple[weakref.ref[_Conversations], int]] = OrderedDict()
        self.size = 0
        """The bytes that are kept."""

    def read(self, call: GenerationRequest) -> Read | None:
        """Read a request whose body continues an earlier one; None: its body is to be read whole.

        The request comes with what is known of its encoding and of sealed content, and with what
        routing needs of its body.
        """
        headers, field = call.headers, LISTS.get(call.shape)
        if field is None or not isinstance(headers, ClientHeaders):
            return None
        kept = headers.derived.get(self._kind)
        if kept is None:
            kept = headers.derived[self._kind] = _Conversations(self._kind)
        read: Read | None = kept.read(call, field)
        self._count(kept)
        return read

    def _count(self, kept: _Conversations) -> None:
        key, size = id(kept), kept.size
        known = self._kept.get(key)
        ref = weakref.ref(kept, partial(self._ended, key)) if known is None else known[0]
        self.size += size - (0 if known is None else known[1])
        self._kept[key] = ref, size
        self._kept.move_to_end(key)
        while self.size > self._most:
            _, (oldest, size) = self._kept.popitem(last=False)
            self.size -= size
            cast("_Conversations", oldest()).clear()  # alive: `_ended` removes the others

    def _ended(self, key: int, _: object) -> None:
        """Stop counting what was kept for a connection that has ended."""
        _, size = self._kept.pop(key, (None, 0))
        self.size -= size


def _read(known: Known, call: GenerationRequest) -> Read | None:
    routed = known.read(call.body)
    if routed is None:
        return None
    return call.of_utf8(is_unsealed=known.is_unsealed), routed


def _continued(last: bytes, body: bytes) -> int:
    """Return how many first bytes two bodies share; 0 if `body` does not seem to continue `last`.

    A continuation shares more than half of the earlier body.
    """
    if last[:_FRONT] != body[:_FRONT] or last[-_BACK:] != body[-_BACK:]:
        return 0
    shared = shared_start(last, body)
    return shared if shared > len(last) // 2 else 0
