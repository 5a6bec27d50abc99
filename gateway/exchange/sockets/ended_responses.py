"""The responses that have ended on one link, since some upstreams announce an end twice.

After `response.completed` relays of ChatGPT's backend send a `response.done`, and after an `error`
within a response comes a `response.failed`. Neither belongs to the turn that has begun meanwhile.
"""

from typing import Final

from gateway.exchange.sockets.events import Event
from gateway.translate.stream.response_ends import OTHER_END

_MOST: Final = 64
"""How many ids are remembered: few, since a second end follows the first at once."""


class EndedResponses:
    """The last responses that have ended, and by which event."""

    def __init__(self) -> None:
        self._types: dict[str, str] = {}

    def note(self, response_id: str, event: Event) -> None:
        """Note the last event of a turn, if its response has an id to recognise it by."""
        if response_id:
            self._types[response_id] = event.type
            if len(self._types) > _MOST:
                del self._types[next(iter(self._types))]

    def tells_again(self, event: Event) -> bool:
        """Whether an event announces once more that its response has ended."""
        first = self._types.get(event.response_id)
        if first is None:
            return False
        if event.type == OTHER_END:
            return first != OTHER_END
        return event.type == "response.failed" and first == "error"
