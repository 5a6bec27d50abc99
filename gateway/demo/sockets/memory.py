"""What a socket on `/v1/responses` remembers, so that a client sends new items only.

Of all that OpenAI remembers, its guide promises the most recent response. Here it is the last one
of each stream id, so that another stream can go on from it, and nothing else: a client that relies
on more fails. What is stored elsewhere is not found: see `gateway.demo.endpoints.responses`.
"""

from collections.abc import Iterator

from gateway.demo.kept_responses import Earlier
from gateway.demo.refusals.parameters import previous_response_not_found

MOST_STREAMS = 64


class ConnectionMemory:
    """The last response of each stream id; beyond `MOST_STREAMS` the oldest are forgotten."""

    def __init__(self) -> None:
        self._last: dict[str | None, Earlier] = {}

    def remember(self, stream_id: str | None, response: Earlier) -> None:
        """Remember a response in place of the last one of its stream."""
        self._last.pop(stream_id, None)
        self._last[stream_id] = response
        while len(self._last) > MOST_STREAMS:
            del self._last[next(iter(self._last))]

    def recall(self, known_as: str) -> Earlier:
        """Return a response; raises `Refused` if it is not remembered."""
        for _, response in self._found(known_as):
            return response
        raise previous_response_not_found(known_as)

    def knows(self, known_as: str) -> bool:
        """Whether a response is remembered."""
        return any(self._found(known_as))

    def forget(self, known_as: str) -> None:
        """Forget a response: a turn that continued it has failed."""
        for stream_id, _ in list(self._found(known_as)):
            del self._last[stream_id]

    def _found(self, known_as: str) -> Iterator[tuple[str | None, Earlier]]:
        return ((each, found) for each, found in self._last.items() if found.id == known_as)
