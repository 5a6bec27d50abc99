"""What reached the emulator, for a test to read while the emulator runs in another thread."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.demo.form import Form


@dataclass(slots=True)
class RecordedRequest:
    """One request that arrived.

    `headers` have lower-case names; of a repeated one the last value. `body` is what was read of a
    JSON body; of an upload the size is kept, and `form`, which has the files' hashes.
    `disconnected` is set when the client left before it had the whole reply; `finished` when the
    emulator is done with the request, either way.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    body_size: int = 0
    form: Form | None = None
    status: int | None = None
    disconnected: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)


class Journal:
    """The last `size` requests, oldest first; safe to read from any thread."""

    def __init__(self, size: int = 1000) -> None:
        self._records: deque[RecordedRequest] = deque(maxlen=size)
        self._changed = threading.Condition()

    def add(self, record: RecordedRequest) -> None:
        """Write down a request."""
        with self._changed:
            self._records.append(record)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._records.clear()

    def calls(self, path: str, method: str = "POST") -> list[RecordedRequest]:
        """Return the requests of one path (`/v1/completions`)."""
        return [record for record in self if (record.path, record.method) == (path, method)]

    def wait_for(self, number: int, timeout: float = 10.0) -> bool:
        """Wait until `number` requests are here; tell whether they came within `timeout` s."""
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
