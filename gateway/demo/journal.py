"""The requests that reached the emulator, readable while it runs in another thread."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.demo.form import Form


@dataclass(slots=True)
class RecordedRequest:
    """One request that arrived.

    `headers` have lower-case names and the last of repeated values. `body` is a JSON body; of an
    upload, only the size and `form`, with the files' hashes, are kept. A WebSocket is one request,
    with status 101: `messages` are the client's, but for audio, of which only the size is kept.
    `disconnected` is set when the client leaves before it has the whole reply; `finished` when the
    emulator is done with the request, in either case.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    body_size: int = 0
    form: Form | None = None
    messages: list[str] = field(default_factory=list)
    status: int | None = None
    disconnected: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)


def recorded(scope: Mapping[str, Any]) -> RecordedRequest:
    """Return the record of a request, of the scope that ASGI has for it."""
    return RecordedRequest(
        method=scope.get("method", "GET"),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
    )


class Journal:
    """The last `size` requests, oldest first; safe to read from any thread."""

    def __init__(self, size: int = 1000) -> None:
        self._records: deque[RecordedRequest] = deque(maxlen=size)
        self._changed = threading.Condition()

    def add(self, record: RecordedRequest) -> None:
        """Record a request."""
        with self._changed:
            self._records.append(record)
            self._changed.notify_all()

    def clear(self) -> None:
        """Remove all records."""
        with self._changed:
            self._records.clear()

    def calls(self, path: str, method: str = "POST") -> list[RecordedRequest]:
        """Return the requests of one path (`/v1/completions`)."""
        return [record for record in self if (record.path, record.method) == (path, method)]

    def wait_for(self, number: int, timeout: float = 30.0) -> bool:
        """Wait for `number` requests; return whether they arrived within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._records) >= number, timeout)

    def __len__(self) -> int:
        with self._changed:
            return len(self._records)

    def __iter__(self) -> Iterator[RecordedRequest]:
        with self._changed:
            return iter(list(self._records))

    def __getitem__(self, index: int) -> RecordedRequest:
        with self._changed:
            return self._records[index]
