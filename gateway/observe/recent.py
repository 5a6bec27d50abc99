"""The last requests of this process, for the admin page: bounded in number and in bytes.

Names and evidence are short (`decision.MAX_MODEL_LENGTH`), so limiting the number of requests is
enough for these.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice, takewhile
from time import time_ns

import msgspec

from gateway.observe.record import FinishedRequest, RequestRecord

MAX_RECORDS = 1000
MAX_BYTES = 1024 * 1024
"""The most bytes of texts whose length varies much: reports, warnings, and upstreams' messages."""


class Wanted(msgspec.Struct, frozen=True):
    """Which requests are wanted; an empty text matches all."""

    client: str = ""
    """A part of the client's name."""
    model: str = ""
    """A part of the model's name, as asked or as sent; upper and lower case are the same."""
    outcome: str = ""

    def fits(self, record: RequestRecord) -> bool:
        """Whether a request is wanted."""
        model = self.model.lower()
        return (
            self.outcome in ("", record.outcome)
            and self.client in record.client
            and (model in record.model_asked.lower() or model in record.model_sent.lower())
        )


class Numbered(msgspec.Struct, frozen=True):
    """A request and its number; later requests of the process have higher numbers.

    Requests of the process that replaces it have higher numbers, too: the first number of a process
    is the time in microseconds.
    """

    number: int
    record: RequestRecord


class RecentRequests:
    """The last finished requests, until there are too many or their texts too long."""

    def __init__(self) -> None:
        self._requests: deque[FinishedRequest] = deque()
        self._bytes = 0
        self._next = time_ns() // 1000

    def finished(self, request: FinishedRequest) -> None:
        """Take one request; see `RequestSink`."""
        self._requests.append(request)
        self._bytes += _size(request)
        self._next += 1
        while len(self._requests) > MAX_RECORDS or self._bytes > MAX_BYTES:
            self._bytes -= _size(self._requests.popleft())

    def newest_first(self) -> Iterator[Numbered]:
        """Yield the requests with their numbers."""
        for age, request in enumerate(reversed(self._requests), 1):
            yield Numbered(self._next - age, request.record())

    def after(self, number: int, wanted: Wanted, limit: int) -> list[Numbered]:
        """Return the newest `limit` of the wanted requests after this number, newest first."""
        newer = takewhile(lambda each: each.number > number, self.newest_first())
        return list(islice((each for each in newer if wanted.fits(each.record)), limit))


def _size(request: FinishedRequest) -> int:
    """Return the length of the texts that clients and upstreams may make long."""
    decision = request.decision
    size = len(decision.translation) + len(decision.warning)
    for failure in decision.failures:
        size += len(failure.message)
    return size
