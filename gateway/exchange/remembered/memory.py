"""The memory of one client's socket: its last responses, each with the conversation up to it.

A response with `store: false` can be continued on the socket that it was made on, and nowhere else.
Conversations that continue one another share their items.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass

from gateway.exchange.remembered.items import Segment
from gateway.shapes import Shape


@dataclass(frozen=True, slots=True)
class Remembered:
    """A response with the conversation up to it, its output included."""

    segments: tuple[Segment, ...]
    base: str | None = None
    """The id of a stored response that the conversation continues; None if it begins here."""
    model: str = ""
    """The model, as asked."""
    kept_at: tuple[str, Shape] | None = None
    """The upstream and the endpoint where the response can be continued by its id, too."""
    is_fleeting: bool = False
    """Whether the response's request has asked that nothing be stored (`store: false`)."""


class ConnectionMemory:
    """Remembers responses by id, up to `max_bytes` of items; the oldest are forgotten first."""

    def __init__(self, max_bytes: int, max_responses: int) -> None:
        self._max_bytes = max_bytes
        self._max_responses = max_responses
        self._responses: OrderedDict[str, Remembered] = OrderedDict()
        self._users: Counter[Segment] = Counter()
        """How many responses share a segment."""
        self.size = 0
        """The bytes of all items."""

    def recall(self, response_id: str) -> Remembered | None:
        """Return a response, if it is remembered; it is then the last to be forgotten."""
        found = self._responses.get(response_id)
        if found is not None:
            self._responses.move_to_end(response_id)
        return found

    def remember(self, response_id: str, remembered: Remembered) -> None:
        """Remember a response, unless it is too large for the memory."""
        self._forget(response_id)
        self._responses[response_id] = remembered
        for segment in remembered.segments:
            if not self._users[segment]:
                self.size += segment.size
            self._users[segment] += 1
        while self.size > self._max_bytes or len(self._responses) > self._max_responses:
            self._forget(next(iter(self._responses)))

    def forget_fleeting(self, response_id: str) -> None:
        """Forget a response that was not to be stored, since a turn that continued it has failed.

        OpenAI does the same, and the specification of Open Responses says so: the client has to
        send the conversation in full.
        """
        found = self._responses.get(response_id)
        if found is not None and found.is_fleeting:
            self._forget(response_id)

    def clear(self) -> None:
        """Forget everything."""
        self._responses.clear()
        self._users.clear()
        self.size = 0

    def _forget(self, response_id: str) -> None:
        forgotten = self._responses.pop(response_id, None)
        for segment in forgotten.segments if forgotten is not None else ():
            self._users[segment] -= 1
            if not self._users[segment]:
                del self._users[segment]
                self.size -= segment.size
